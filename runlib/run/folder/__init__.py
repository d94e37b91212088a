"""Makes, opens and locks the folder of a run, and reads and writes the files beside the tape."""
