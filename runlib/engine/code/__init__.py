"""Finds modules, functions and scripts, and decides which of them may be executed."""
