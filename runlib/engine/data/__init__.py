"""Defines plain data, the text forms in which it is written, and how it is copied."""
