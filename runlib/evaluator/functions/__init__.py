"""Uses functions as evaluators: calls, recognises and compares them."""
