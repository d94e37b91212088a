"""Shows a line of progress below a cell of a notebook, with a display of IPython that can be updated.

Nothing is imported to find out whether this is a notebook: its kernel has imported IPython already. The output of
trials appears in the cell as well, if the kernel captures what worker processes write.
"""

from __future__ import annotations

import sys
from typing import Any

from runlib.engine.extras import load

__all__ = ["Notebook", "is_notebook"]


def is_notebook() -> bool:
    """Returns whether this process is the kernel of a notebook. A console of IPython has no kernel."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


class Notebook:
    """Shows a line in the output of the cell that runs now."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, text: str, done: int, total: int | None) -> None:
        """Writes the line or replaces it: a bar, if there is a total, and a text."""
        if self._handle is None:
            self._handle = load("IPython.display").display(_bundle(text, done, total), raw=True, display_id=True)
        else:
            self._handle.update(_bundle(text, done, total), raw=True)

    def close(self) -> None:
        """Empties the display."""
        if self._handle is not None:
            self._handle.update({"text/plain": "", "text/html": ""}, raw=True)


def _bundle(text: str, done: int, total: int | None) -> dict[str, str]:
    bar = f'<progress value="{done}" max="{total}"></progress> ' if total else ""
    shown = load("html").escape(text)
    return {"text/plain": text, "text/html": f"{bar}<code>{shown}</code>"}
