"""Runs the command ``runlib`` as ``python -m runlib``. A Ctrl-C during its imports ends it without a traceback."""

from __future__ import annotations

from runlib.engine.code import undisturbed

undisturbed.begin()
try:
    from runlib.cli.main import main
finally:
    undisturbed.end()

__all__ = ["main"]

if __name__ == "__main__":
    main()
