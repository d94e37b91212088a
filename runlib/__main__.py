"""``python -m runlib``: the same as the command ``runlib``."""

from __future__ import annotations

from runlib.cli.main import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
