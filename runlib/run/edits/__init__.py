"""Edits a run, and provides the inbox through which edits reach the process that writes."""
