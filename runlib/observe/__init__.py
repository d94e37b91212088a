"""Holds the observers, which listen to the stream of events of a run."""
