"""Performs one call of ``run()``: the loop, its start and its end."""
