"""Reads parts of a YAML text by the rules of YAML 1.1, for files of other tools that use it.

In YAML 1.1, ``yes`` and ``off`` are truth values, ``010`` is eight, and ``1_000`` is a thousand. ``1e3`` is text, since
its floats need a point. Dates stay text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

__all__ = ["OWN_PREFIX", "as_yaml_1_1", "where"]

PREFIX = "tag:yaml.org,2002:"
OWN_PREFIX = "\0yaml-1.1:"  # No YAML text can write a tag with this prefix, so only this module makes such tags.
KINDS = ("bool", "int", "float", "null")


def as_yaml_1_1(node: yaml.Node) -> yaml.Node:
    """Returns the node with the tags that YAML 1.1 gives to plain scalars without a tag. Keys stay text."""
    if isinstance(node, yaml.MappingNode):
        pairs = [(key, as_yaml_1_1(value)) for key, value in node.value]
        return yaml.MappingNode(node.tag, pairs, node.start_mark, node.end_mark)
    if isinstance(node, yaml.SequenceNode):
        return yaml.SequenceNode(node.tag, list(map(as_yaml_1_1, node.value)), node.start_mark, node.end_mark)
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return node
    return yaml.ScalarNode(_tag(node.value), node.value, node.start_mark, node.end_mark)


def _tag(text: str) -> str:
    resolvers: list[tuple[str, Any]] = yaml.SafeLoader.yaml_implicit_resolvers.get(text[:1], [])
    found = next((tag for tag, pattern in resolvers if pattern.match(text)), "")
    kind = found.removeprefix(PREFIX)
    return f"{OWN_PREFIX}{kind}" if kind in KINDS else f"{PREFIX}str"


def where(node: yaml.Node, holds: Callable[[str | None, yaml.MappingNode], bool], key: str | None = None) -> yaml.Node:
    """Returns a node in which those dicts are read as YAML 1.1 for which ``holds(key, dict)`` is true, outermost first.

    Args:
        node: The root node, without loops.
        holds: A predicate that gets the key of a dict, None at the root and in lists, and the dict.
        key: The key of ``node``.
    """
    if isinstance(node, yaml.MappingNode):
        if holds(key, node):
            return as_yaml_1_1(node)
        pairs = [(name, where(value, holds, str(name.value))) for name, value in node.value]
        return yaml.MappingNode(node.tag, pairs, node.start_mark, node.end_mark)
    if isinstance(node, yaml.SequenceNode):
        items = [where(item, holds) for item in node.value]
        return yaml.SequenceNode(node.tag, items, node.start_mark, node.end_mark)
    return node
