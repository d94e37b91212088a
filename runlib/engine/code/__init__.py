"""Modules, functions and scripts: where they are found, and what of them may be executed."""
