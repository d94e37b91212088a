"""The command ``runlib``."""
