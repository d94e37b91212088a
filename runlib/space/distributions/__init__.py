"""What a variable is drawn from."""
