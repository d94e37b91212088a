"""Holds the pool of worker processes: its slots, the processes in them, and their supervisors."""
