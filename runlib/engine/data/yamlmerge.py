"""Resolves the merge keys of YAML, ``<<``, so that the meaning of a text does not depend on the version of PyYAML.

The rules are those of YAML 1.1. A key that a dict writes itself takes precedence over a merged key. In a merged list of
dicts, earlier dicts take precedence over later ones. A merged dict may itself merge others by the same rules.
"""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["MERGE", "flatten"]

MERGE = "tag:yaml.org,2002:merge"

Pair = tuple[yaml.Node, yaml.Node]


def flatten(node: yaml.MappingNode) -> None:
    """Puts the keys that a dict merges into the dict itself, in front of its own keys, and removes the merge keys.

    Raises:
        yaml.MarkedYAMLError: The merged value is neither a dict nor a list of dicts.
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
    """Returns the dicts that a merge key names, in order of rising precedence."""
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
