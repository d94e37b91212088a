"""Reads YAML strictly, and writes it so that every reader gets the same values.

Reading follows the core schema of YAML 1.2: ``1e-5`` is a float, ``no`` and ``on`` are text, dates are text. ``<<``
merges as in YAML 1.1 (``yamlmerge``). The result is plain data. The document is checked as a graph of nodes before data
is made from it. Duplicate keys, keys that are not text, aliases that refer to themselves or expand to too many values,
and tags outside the schema are refused with line and column.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from runlib.engine.data import jsonfile
from runlib.engine.data.plain import MAX_DEPTH, MAX_INT_BITS, plain
from runlib.engine.data.yaml11 import OWN_PREFIX as PREFIX_1_1
from runlib.engine.data.yamlmerge import MERGE, flatten
from runlib.errors import ConfigError

__all__ = ["Reread", "parse_yaml", "read_yaml", "write_yaml"]

MAX_BYTES = 1024 * 1024  # YAML is slow to read: a value takes up to 25 microseconds.
MAX_NODES = 100_000  # This limit holds for the document with all aliases expanded.
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
_TOO_MANY = f"more values than YAML is read for ({MAX_NODES}); write it as JSON, in a file that ends in .json"

_PREFIX = "tag:yaml.org,2002:"
_TEXT = f"{_PREFIX}str"
_NULL = re.compile(r"^(?:~|null|Null|NULL|)$")
_BOOL = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_INT = re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$")
_FLOAT = re.compile(
    r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_RESOLVERS = [
    ("bool", _BOOL, list("tTfF")),
    ("int", _INT, list("-+0123456789")),
    ("float", _FLOAT, list("-+.0123456789")),
    ("null", _NULL, ["~", "n", "N", ""]),
]


class _Loader(yaml.SafeLoader):
    """Loads YAML with the tags of the core schema and no others."""

    yaml_implicit_resolvers: dict[str, Any] = {}
    yaml_constructors = {
        tag: yaml.SafeLoader.yaml_constructors[tag] for tag in (f"{_PREFIX}str", f"{_PREFIX}seq", f"{_PREFIX}map", None)
    }

    def __init__(self, text: str, most: int) -> None:
        super().__init__(text)
        self._room = most

    def compose_node(self, parent: Any, index: Any) -> Any:
        # Nodes are counted while they are read, so that a document that is too large is not read to its end.
        self._room -= 1
        if self._room < 0:
            raise yaml.MarkedYAMLError(problem=_TOO_MANY, problem_mark=self.get_mark())
        return super().compose_node(parent, index)

    def fetch_flow_collection_start(self, TokenClass: Any) -> None:  # noqa: N803 (the name of PyYAML)
        # The depth is checked before the nodes exist, since PyYAML's time for open brackets grows with their square.
        if self.flow_level > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem=_TOO_DEEP, problem_mark=self.get_mark())
        super().fetch_flow_collection_start(TokenClass)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        # PyYAML's own method is not used, since its versions differ in the meaning of nested merges.
        flatten(node)


class _Dumper(yaml.SafeDumper):
    """Writes YAML and quotes every text that a reader of YAML 1.1 or 1.2 would take for another type.

    Lists of scalars stand on one line, so that a search space looks as users write it: ``[hp_uniform, x, 0, 1]``.
    """


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    # In its other styles, PyYAML does not preserve every line break and control character.
    return dumper.represent_scalar(_TEXT, text, style=None if text.isprintable() else '"')


def _represent_list(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.Node:
    short = bool(items) and not any(isinstance(item, list | dict) for item in items)
    return dumper.represent_sequence(f"{_PREFIX}seq", items, flow_style=short)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(list, _represent_list)

for _tag, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(f"{_PREFIX}{_tag}", _pattern, _first)
    _Dumper.add_implicit_resolver(f"{_PREFIX}{_tag}", _pattern, _first)
_Loader.add_implicit_resolver(MERGE, re.compile(r"^<<$"), ["<"])


def _scalar(node: yaml.Node, pattern: re.Pattern[str], what: str) -> str:
    """Returns the text of a scalar and checks that it fits its tag, since an explicit tag may be wrong."""
    if not isinstance(node, yaml.ScalarNode) or not pattern.match(node.value):
        raise _refused(f"this is no {what}", node)
    return str(node.value)


def _construct_null(loader: yaml.Loader, node: yaml.Node) -> None:
    _scalar(node, _NULL, "null")


def _construct_bool(loader: yaml.Loader, node: yaml.Node) -> bool:
    return _scalar(node, _BOOL, "truth value").lower() == "true"


def _construct_int(loader: yaml.Loader, node: yaml.Node) -> int:
    text = _scalar(node, _INT, "integer")
    if len(text) > MAX_INT_BITS // 3:
        raise _refused("an integer with too many digits", node)
    base = 8 if text.startswith("0o") else 16 if text.startswith("0x") else 10
    return int(text, base)


def _construct_float(loader: yaml.Loader, node: yaml.Node) -> float:
    text = _scalar(node, _FLOAT, "number").lower()
    number = float(text.replace(".inf", "inf").replace(".nan", "nan"))
    if math.isinf(number) and "inf" not in text:
        raise _refused(f"{text[:40]} is beyond the range of a float; infinity is written .inf", node)
    return number


_Loader.add_constructor(f"{_PREFIX}null", _construct_null)
_Loader.add_constructor(f"{_PREFIX}bool", _construct_bool)
_Loader.add_constructor(f"{_PREFIX}int", _construct_int)
_Loader.add_constructor(f"{_PREFIX}float", _construct_float)


def _construct_1_1(loader: Any, kind: str, node: yaml.Node) -> Any:
    """Constructs a scalar of YAML 1.1 with the functions of PyYAML. Only ``yaml11`` makes nodes with such tags."""
    if kind == "int" and len(str(node.value)) > MAX_INT_BITS // 3:
        raise _refused("an integer with too many digits", node)
    return getattr(loader, f"construct_yaml_{kind}")(node)


_Loader.add_multi_constructor(PREFIX_1_1, _construct_1_1)


Reread = Callable[[yaml.Node], yaml.Node]


def read_yaml(file: str | Path, reread: Reread | None = None) -> Any:
    """Returns the plain data in a YAML file, or in a JSON file if the name ends in ``.json``, which may be much longer.

    Args:
        file: The path of the file.
        reread: A function that changes the nodes before they become data (``yaml11``).

    Raises:
        ConfigError: There is no such file, it is not strict YAML or JSON, or it is too long. The message has path,
            line and reason.
    """
    is_json = str(file).lower().endswith(".json")
    limit = jsonfile.MAX_BYTES if is_json else MAX_BYTES
    try:
        # Opening a named pipe without a writer would wait for ever. With O_NONBLOCK it reads as empty.
        fd = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(fd, "rb") as stream:
            os.set_blocking(fd, True)
            data = stream.read(limit + 1)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > limit:
        way = "no config" if is_json else "write it as JSON, in a file that ends in .json"
        raise ConfigError(f"{file} is larger than {limit // 2**20} MiB: {way}")
    try:
        text = data.decode("utf-8-sig" if is_json else "utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 text: {error.reason} at byte {error.start}") from error
    return jsonfile.parse_json(text, str(file)) if is_json else parse_yaml(text, str(file), reread=reread)


def parse_yaml(text: str, name: str = "YAML", most: int = MAX_NODES, *, reread: Reread | None = None) -> Any:
    """Returns the plain data in a YAML text. Error messages call the text ``name``.

    Args:
        text: The whole text. The time to read it grows with its length.
        name: The name of the text in error messages.
        most: The maximal number of values, with aliases expanded.
        reread: A function that changes the nodes before they become data (``yaml11``).

    Raises:
        ConfigError: The text is not strict YAML.
    """
    try:
        return _load(text, most, reread)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        said = ", ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError(f"{name}{where}: {said}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: {str(error).splitlines()[0]}") from error
    except RecursionError as error:
        raise ConfigError(f"{name}: {_TOO_DEEP}") from error
    except (ValueError, OverflowError) as error:  # An escape beyond Unicode raises these.
        raise ConfigError(f"{name}: {error}") from error


def _load(text: str, most: int, reread: Reread | None) -> Any:
    loader = _Loader(text, most)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _check(node, {}, set(), most)
        node = node if reread is None else reread(node)
        return plain(loader.construct_document(node))  # This copies, so that aliases share no lists and dicts.
    finally:
        loader.dispose()


def _refused(problem: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _check(
    node: yaml.Node, known: dict[yaml.Node, tuple[int, int]], above: set[yaml.Node], most: int
) -> tuple[int, int]:
    """Returns the number of nodes and of levels with aliases expanded. Each distinct node is visited once."""
    if node in known:
        return known[node]
    if node in above:
        raise _refused("an alias refers to itself", node)
    above.add(node)
    size, levels = 1, 0
    for child in _children(node):
        child_size, child_levels = _check(child, known, above, most)
        size, levels = size + child_size, max(levels, child_levels + 1)
    if size > most:
        raise _refused(f"with its aliases expanded it holds more than {most} values", node)
    if levels > MAX_DEPTH:
        raise _refused(_TOO_DEEP, node)
    above.discard(node)
    known[node] = size, levels
    return known[node]


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if isinstance(node, yaml.MappingNode):
        _check_keys(node)
        return [part for pair in node.value for part in pair]
    if not str(node.value).isascii() and any("\ud800" <= letter <= "\udfff" for letter in node.value):
        raise _refused("text holds a lone surrogate, which is not valid Unicode", node)
    return []


def _check_keys(node: yaml.MappingNode) -> None:
    # The check runs before the dict is made, since merging adds keys that may legitimately be duplicates.
    seen: set[str] = set()
    for key, _ in node.value:
        if key.tag == MERGE:
            continue
        if key.tag != _TEXT or not isinstance(key, yaml.ScalarNode):
            shown = repr(key.value) if isinstance(key, yaml.ScalarNode) else "a list or dict"
            raise _refused(f"a key must be text, got {shown[:80]}; put it in quotes", key)
        if key.value in seen:
            raise _refused(f"the key {key.value!r} stands twice", key)
        seen.add(key.value)


def write_yaml(value: Any) -> str:
    """Returns plain data as YAML text, with the keys in their order and without aliases.

    Raises:
        NotPlain: The value holds something that is not data.
    """
    text = yaml.dump(
        plain(value),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
        default_flow_style=False,
    )
    # PyYAML does not escape direction marks. They are not printable, so they stand in double quotes here.
    return _MARKS.sub(lambda match: _escape(match[0]), str(text))


_MARKS = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f\ufff9-\ufffb\U000e0000-\U000e007f]")


def _escape(letter: str) -> str:
    return f"\\u{ord(letter):04X}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08X}"
