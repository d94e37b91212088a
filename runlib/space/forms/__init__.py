"""The text form of a search space, and how it becomes a tree."""
