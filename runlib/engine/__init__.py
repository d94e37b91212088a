"""Holds components and their configs, plain data, files and names. It does not depend on the search."""
