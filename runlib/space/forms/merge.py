"""Joins dicts into one flat dict, so that a condition can decide on keys that stand beside others.

``["hp_merge", [part, ...]]`` takes dicts, choices of dicts, and merges. No key stands in two of the parts, whichever
options are chosen. Each key of a suggestion therefore belongs to exactly one part, which reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runlib.errors import SpaceError
from runlib.space.leaves import Branch
from runlib.space.nodes import Fixed, Items, Memo, Node, Row, Table

__all__ = ["Merge", "merged"]


class Merge(Items):
    """Joins parts that are dicts into one dict.

    Attributes:
        keys: The keys that each part can have.
    """

    __slots__ = ("keys",)

    def __init__(self, nodes: Sequence[Node], keys: Sequence[frozenset[str]]) -> None:
        super().__init__(nodes)
        self.keys = list(keys)

    def assemble(self, row: Sequence[float]) -> Any:
        """Returns one dict with the keys of all parts."""
        return {key: value for node in self.nodes for key, value in node.assemble(row).items()}

    def read(self, value: Any, memo: Memo, row: Row) -> None:
        """Lets each part read its own keys."""
        for _, node in self.varying:
            node.read(value, memo, row)

    def locate(self, value: Any, row: Row) -> bool:
        """Returns whether each part fits its own keys and no key is left over."""
        if not isinstance(value, dict) or not value.keys() <= frozenset().union(*self.keys):
            return False
        return all(node.locate(part, row) for node, part in zip(self.nodes, self.split(value), strict=True))

    def split(self, value: dict[str, Any]) -> list[dict[str, Any]]:
        """Returns the items of a dict that belong to each part."""
        return [{key: item for key, item in value.items() if key in own} for own in self.keys]


def merged(nodes: Sequence[Node], path: str) -> Node:
    """Returns the merge of parts, or a constant if all parts are constant.

    Raises:
        SpaceError: A part is not a dict, or a key stands in two parts.
    """
    keys = [_keys(node, f"{path}.{place}") for place, node in enumerate(nodes)]
    for place, own in enumerate(keys):
        for key in sorted(own):
            before = next(k for k, others in enumerate(keys) if key in others)
            if before < place:
                raise SpaceError(f"the key {key!r} stands in parts {before} and {place} of hp_merge; rename one", path)
    made = Merge(nodes, keys)
    return made if made.varying else Fixed(made.assemble([]))


def _keys(node: Node, path: str) -> frozenset[str]:
    if isinstance(node, Merge):
        return frozenset().union(*node.keys)
    if isinstance(node, Branch):
        return frozenset().union(*(_keys(option, path) for option in node.options))
    if isinstance(node, Table):
        return frozenset(key for key, _ in node.items)
    if isinstance(node, Fixed) and isinstance(node.value, dict):
        return frozenset(node.value)
    raise SpaceError("hp_merge takes dicts and choices of dicts", path)
