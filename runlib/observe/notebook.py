"""A line of progress below a cell of a notebook, by the displays of IPython that can be changed.

Whether this is a notebook is known without importing anything: its kernel has imported IPython. What trials print
stands in the cell as well, where the kernel takes what worker processes write.
"""

from __future__ import annotations

import sys
from typing import Any

from runlib.engine.extras import load

__all__ = ["Notebook", "is_notebook"]


def is_notebook() -> bool:
    """Whether this process is the kernel of a notebook (a console of IPython has none)."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


class Notebook:
    """A place in the output of the cell that runs now."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, text: str, done: int, total: int | None) -> None:
        """Write the line, or write it anew: a bar, if there is a total, and a text."""
        if self._handle is None:
            self._handle = load("IPython.display").display(_bundle(text, done, total), raw=True, display_id=True)
        else:
            self._handle.update(_bundle(text, done, total), raw=True)

    def close(self) -> None:
        """Empty the place."""
        if self._handle is not None:
            self._handle.update({"text/plain": "", "text/html": ""}, raw=True)


def _bundle(text: str, done: int, total: int | None) -> dict[str, str]:
    bar = f'<progress value="{done}" max="{total}"></progress> ' if total else ""
    shown = load("html").escape(text)
    return {"text/plain": text, "text/html": f"{bar}<code>{shown}</code>"}
