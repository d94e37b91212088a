"""Runs a hyper-parameter search: combines search, evaluator, stop, pool, tape and observers."""
