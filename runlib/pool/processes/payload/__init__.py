"""Payloads: how an evaluator, and the script that it was defined in, get into a worker."""
