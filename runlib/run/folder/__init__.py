"""The folder of a run: how it is made, opened and locked, and the files in it beside the tape."""
