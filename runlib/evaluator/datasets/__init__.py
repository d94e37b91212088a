"""Provides datasets, on which a model is trained and tested."""
