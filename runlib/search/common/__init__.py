"""Holds what several searches share."""
