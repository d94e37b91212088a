"""Brings an evaluator, and the script that defines it, into a worker."""
