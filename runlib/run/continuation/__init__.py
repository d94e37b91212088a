"""Continues a run: replays its past, finds its definitions, and checks that it is the same run."""
