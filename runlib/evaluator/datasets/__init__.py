"""Datasets: what a model is trained on and tested with."""
