"""The tape: the append-only file of everything that happened."""
