"""Implements the command ``runlib``."""
