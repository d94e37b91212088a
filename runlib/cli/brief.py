"""Shortens suggestions: shows what differs between the trials of a run, under the shortest unambiguous names.

A suggestion is often the config of a whole model, and nearly all of it is the same in every trial. Only the leaves that
differ are shown. The leaf ``model.regression.krr.nl`` is called ``nl`` as long as no other leaf ends in ``nl``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from runlib.engine.data.canonical import dump

__all__ = ["Brief", "leaves"]

Path = tuple[str, ...]


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yields the values in nested dicts with their paths; a list is one value, and so is an empty dict."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, str(key)))
    else:
        yield path, value


class Brief:
    """Writes the suggestions of one run as short texts.

    Args:
        suggestions: The suggestions of the run; values that are the same in all of them are left out.
    """

    def __init__(self, suggestions: Iterable[Any]) -> None:
        count, seen = 0, dict[Path, dict[str, int]]()
        for suggestion in suggestions:
            count += 1
            for path, value in leaves(suggestion):
                texts = seen.setdefault(path, {})
                text = _text(value)
                texts[text] = texts.get(text, 0) + 1
        varying = [path for path, texts in seen.items() if len(texts) > 1 or sum(texts.values()) < count]
        self._names = _shortest(varying or seen)

    def __call__(self, suggestion: Any) -> str:
        """Returns a suggestion as text, such as ``ls: 0.25, nl: 1e-05``."""
        shown = ((self._names[path], value) for path, value in leaves(suggestion) if path in self._names)
        return ", ".join(_pair(name, value) for name, value in shown)


def _shortest(paths: Iterable[Path]) -> dict[Path, str]:
    known = list(paths)
    ends = Counter(path[-length:] for path in known for length in range(1, len(path) + 1))
    names = {}
    for path in known:
        lengths = (length for length in range(1, len(path)) if ends[path[-length:]] == 1)
        names[path] = ".".join(path[-next(lengths, len(path)) :])
    return names


def _pair(name: str, value: Any) -> str:
    if value == {} and name:
        return name
    return f"{name}: {_text(value)}" if name else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else dump(value).decode()
