"""Observers: listeners on the stream of events of a run."""
