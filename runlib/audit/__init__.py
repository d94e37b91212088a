"""Checks whether a run is whole, and saves what is intact of a damaged one."""
