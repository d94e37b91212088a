"""Edits by people, and the inbox through which they reach the process that writes."""
