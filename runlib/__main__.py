"""``python -m runlib``: the same as the command ``runlib``."""

from __future__ import annotations

from runlib.engine import undisturbed

__all__: list[str] = []

if __name__ == "__main__":
    undisturbed.begin()
    try:
        from runlib.cli.main import main
    finally:
        undisturbed.end()
    main()
