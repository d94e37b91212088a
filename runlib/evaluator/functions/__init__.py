"""Functions as evaluators: how they are called, recognised and compared."""
