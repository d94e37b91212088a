"""Merge keys of YAML, ``<<``, resolved here, so that what a text means does not depend on the version of PyYAML.

As YAML 1.1 has it: a key that a dict writes itself comes before one that it merges; of several dicts in a list that is
merged the earlier ones come before the later ones. What is merged may merge in turn, and the same holds there.
"""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["MERGE", "flatten"]

MERGE = "tag:yaml.org,2002:merge"

Pair = tuple[yaml.Node, yaml.Node]


def flatten(node: yaml.MappingNode) -> None:
    """Puts the keys that a dict merges into the dict itself, in front of its own; no merge key is left.

    Raises:
        yaml.MarkedYAMLError: What is to be merged is neither a dict nor a list of dicts.
    """
    if not any(key.tag == MERGE for key, _ in node.value):
        return
    found: dict[Any, Pair] = {}
    for key, value in node.value:
        for source in _sources(node, value) if key.tag == MERGE else ():
            flatten(source)
            found.update((merged.value, (merged, item)) for merged, item in source.value)
    for key, value in node.value:
        if key.tag != MERGE:
            found[key.value] = key, value
    node.value = list(found.values())


def _sources(node: yaml.Node, value: yaml.Node) -> list[yaml.MappingNode]:
    """The dicts that a merge key names, the one that comes first in precedence last."""
    listed: list[Any] = list(reversed(value.value)) if isinstance(value, yaml.SequenceNode) else [value]
    for source in listed:
        if not isinstance(source, yaml.MappingNode):
            what = "a mapping" if isinstance(value, yaml.SequenceNode) else "a mapping or list of mappings"
            raise yaml.MarkedYAMLError(
                "while constructing a mapping",
                node.start_mark,
                f"expected {what} for merging, but found {source.id}",
                source.start_mark,
            )
    return listed
