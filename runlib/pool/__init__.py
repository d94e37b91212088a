"""Pools of workers: where evaluations run."""
