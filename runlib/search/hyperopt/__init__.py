"""Search by hyperopt, and hyperopt's algorithms with the same numbers and less work."""
