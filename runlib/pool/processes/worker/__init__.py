"""Holds the program of a worker process."""
