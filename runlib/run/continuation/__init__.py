"""How a run is gone on with: its past, its definitions, and whether it is the same run."""
