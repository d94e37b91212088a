"""Holds the pools of workers, in which evaluations run."""
