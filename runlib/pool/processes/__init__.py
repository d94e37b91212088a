"""The pool of worker processes: its slots, the processes in them, and who supervises these."""
