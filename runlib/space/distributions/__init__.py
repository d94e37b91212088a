"""Defines the distributions that variables are drawn from."""
