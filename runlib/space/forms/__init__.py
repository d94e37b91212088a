"""Defines the text form of a search space and converts it to a tree."""
