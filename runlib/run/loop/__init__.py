"""One call of ``run()``: the loop, and what belongs to its beginning and its end."""
