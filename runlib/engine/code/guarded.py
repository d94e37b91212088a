"""Finds the names that a script changes under ``if __name__ == "__main__":``, where code only runs at its start.

A name counts as changed if the guarded code assigns, imports, defines or deletes it, changes a part of its value, or
calls one of the listed mutating methods on it. The same holds in functions that are not called elsewhere when the file
is executed. The text is only parsed; none of it is executed.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

__all__ = ["Guarded"]

LARGEST = 1_000_000  # bytes; a larger script is not read
CHANGING = frozenset(
    (
        *("add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "fill", "insert"),
        *("load_state_dict", "move_to_end", "pop", "popitem", "popleft", "remove", "reverse", "seed", "set"),
        *("set_index", "setdefault", "setflags", "sort", "update"),
    )
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_SCOPES = (*_FUNCTIONS, ast.ClassDef)


class Guarded:
    """Finds which names the code of a file changes, and in which parts of the file.

    Args:
        text: The content of the file; if it is not Python, no name counts as changed.
    """

    def __init__(self, text: bytes) -> None:
        tree = _parsed(text)
        self._functions: dict[str, list[ast.AST]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self._functions.setdefault(node.name, []).append(node)
        guards, free = _divided(tree.body)
        self._has_guard = bool(guards)
        self._under_guard = frozenset(name for node in guards for name in _changes([node]))
        self._called = self._reached(free)

    @classmethod
    def of(cls, path: object) -> Guarded:
        """Returns the analysis of the file at a path. If it is no file or too large, no name is changed."""
        try:
            file = Path(str(path))
            is_script = file.is_file() and file.stat().st_size <= LARGEST
            return cls(file.read_bytes() if is_script else b"")
        except (OSError, ValueError):
            return cls(b"")

    def changed_by(self, functions: Iterable[str]) -> frozenset[str]:
        """Returns the names that functions of these names change."""
        nodes = [node for name in functions for node in self._functions.get(name, ())]
        return frozenset(name for node in nodes for name in _changes_of_function(node))

    def set_aside(self, apart_from: Collection[str] = ()) -> frozenset[str]:
        """Returns the names that are changed in code that is skipped when the file is executed for its definitions.

        Args:
            apart_from: The functions that a trial calls; the names that these functions change are left out.
        """
        if not self._has_guard:
            return frozenset()
        others = self._functions.keys() - self._called - set(apart_from)
        return self._under_guard | self.changed_by(others)

    def _reached(self, nodes: Iterable[ast.AST]) -> set[str]:
        """Returns the functions that are called when these statements are executed."""
        waiting = [name for node in nodes for name in _calls([node])]
        found: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in self._functions and name not in found:
                found.add(name)
                waiting += [call for node in self._functions[name] for call in _calls(ast.iter_child_nodes(node))]
        return found


def _parsed(text: bytes) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def _divided(body: list[ast.stmt]) -> tuple[list[ast.stmt], list[ast.stmt]]:
    """Splits the statements of a file into those that test its ``__name__`` and the others."""
    names = {"__name__"}
    guards, free = [], []
    for statement in body:
        if not isinstance(statement, _SCOPES) and _asks(statement, names):
            guards.append(statement)
            names |= set(_targets(statement))
        else:
            free.append(statement)
    return guards, free


def _asks(statement: ast.stmt, names: set[str]) -> bool:
    """Returns whether the statement depends on a comparison of ``__name__`` or on a variable made from one."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Compare) and _names(node) & {"__name__"}:
            return True
        if isinstance(node, ast.If | ast.IfExp) and _names(node.test) & (names - {"__name__"}):
            return True
    return False


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _targets(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.Assign):
        yield from (target.id for target in statement.targets if isinstance(target, ast.Name))


def _within(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yields these nodes and what is executed with them, but not the bodies of functions and classes."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _SCOPES):
            waiting += ast.iter_child_nodes(node)


def _calls(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in _within(nodes):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def _changes(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in _within(nodes):
        yield from _bound(node)
        yield from _changed_in_part(node)


def _bound(node: ast.AST) -> Iterator[str]:
    """Yields the names that a node binds or deletes."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)


def _changed_in_part(node: ast.AST) -> Iterator[str]:
    """Yields the names whose values a node changes in part."""
    if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
        yield from _root(node.value)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
        yield from _root(node.func.value)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "setattr" and node.args:
        yield from _root(node.args[0])


def _root(node: ast.AST) -> Iterator[str]:
    """Yields the first name of a chain such as ``a.b[0].c``; yields nothing for ``globals()["a"]``."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _changes_of_function(function: ast.AST) -> Iterator[str]:
    """Yields the global names that a function changes when it is called."""
    inside = list(_within(ast.iter_child_nodes(function)))
    declared = {name for node in inside if isinstance(node, ast.Global) for name in node.names}
    own = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    own |= {name for node in inside for name in _bound(node)}
    yield from declared
    yield from (name for node in inside for name in _changed_in_part(node) if name not in own)
