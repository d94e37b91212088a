"""Components and their configs, plain data, files and names; knows nothing of searching."""
