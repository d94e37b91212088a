"""The run: where search, evaluator, stop, pool, tape and observers meet."""
