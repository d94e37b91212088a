"""Reads and writes the tape, the append-only file that records everything that happened in a run."""
