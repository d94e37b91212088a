"""The worker's side: the program of a worker process."""
