"""The state of a run: a fold over its tape."""
