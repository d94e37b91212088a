"""The architecture of the package, read off its source: directions, circles, sizes, docstrings, writing of files.

The checks are pure functions over ``{module name: source text}``. Each has a test that it passes on the package, and
each is shown a planted violation, so that a check that sees nothing is noticed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "runlib"
LAYERS = [
    "errors",
    "engine",
    "space",
    "tape",
    "search",
    "evaluator",
    "state",
    "stop",
    "pool",
    "observe",
    "run",
]
LAYERS += ["audit", "analysis", "", "cli", "dashboard"]  # "" is the package itself, with its public names
MAX_LINES = 400
VAGUE = {"utils", "util", "helpers", "helper", "misc", "tools"}
DISK = "runlib.engine.disk"
# The places where a module whose name is data is imported: lazily, as a plugin, as a file.
IMPORTERS = {
    "runlib.engine.extras",
    "runlib.engine.registry",
    "runlib.engine.code.modules",
    "runlib.engine.code.naming",
}

Sources = dict[str, str]
Check = Callable[[Sources], list[str]]


def read_package(root: Path = ROOT) -> Sources:
    """The source of each module of the package by its dotted name."""
    found = {}
    for file in sorted(root.rglob("*.py")):
        parts = file.relative_to(root.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file.read_text(encoding="utf-8")
    return found


def imports(module: str, source: str, known: Sources) -> Iterator[tuple[str, int]]:
    """Each module of the package that ``module`` imports, also lazily or for types alone, with its line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names if alias.name.split(".")[0] == "runlib")
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node, known)
            if base.split(".")[0] == "runlib":
                for alias in node.names:
                    full = f"{base}.{alias.name}"
                    yield (full if full in known else base), node.lineno
        elif isinstance(node, ast.Call) and _called(node).split(".")[-1] in {
            "load",
            "load_module",
            "import_module",
        }:
            name = node.args[0] if node.args else None
            if isinstance(name, ast.Constant) and str(name.value).startswith("runlib."):
                yield str(name.value), node.lineno


def _absolute(module: str, node: ast.ImportFrom, known: Sources) -> str:
    if not node.level:
        return node.module or ""
    is_package = any(other.startswith(f"{module}.") for other in known)
    parts = module.split(".")
    base = parts[: len(parts) - node.level + is_package]
    return ".".join([*base, node.module] if node.module else base)


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func)


def layer(module: str) -> int | None:
    """The place of a module in the order of folders; ``python -m runlib`` comes last."""
    name = module.removeprefix("runlib").removeprefix(".").split(".")[0]
    if name == "__main__":
        return len(LAYERS)
    return LAYERS.index(name) if name in LAYERS else None


def wrong_directions(sources: Sources) -> list[str]:
    """Imports from a folder below in the order."""
    found = []
    for module, source in sources.items():
        own = layer(module)
        if own is None:
            found.append(f"{module}: lies in no folder of the design")
            continue
        for target, line in imports(module, source, sources):
            other = layer(target)
            if other is None or other > own:
                found.append(f"{module}:{line}: imports {target}, which lies below it")
    return found


def circles(sources: Sources) -> list[str]:
    """Modules that import each other, at whatever distance."""
    graph = {
        module: {target for target, _ in imports(module, source, sources) if target in sources}
        for module, source in sources.items()
    }
    done: set[str] = set()
    found: list[str] = []

    def walk(module: str, path: tuple[str, ...]) -> None:
        if module in path:
            found.append(" -> ".join([*path[path.index(module) :], module]))
        elif module not in done:
            for target in sorted(graph[module]):
                walk(target, (*path, module))
            done.add(module)

    for module in graph:
        walk(module, ())
    return found


def long_modules(sources: Sources) -> list[str]:
    """Modules with too many lines."""
    sizes = {module: len(source.splitlines()) for module, source in sources.items()}
    return [f"{module}: {size} lines" for module, size in sizes.items() if size > MAX_LINES]


def vague_names(sources: Sources) -> list[str]:
    """Modules and folders whose name says nothing."""
    return [module for module in sources if VAGUE & {part.strip("_") for part in module.split(".")}]


def _public(tree: ast.Module) -> list[str] | None:
    """What ``__all__`` lists; None without it."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
                return [str(item) for item in ast.literal_eval(node.value)]
    return None


Function = ast.FunctionDef | ast.AsyncFunctionDef


def missing_docstrings(sources: Sources) -> list[str]:
    """Modules, public names and public methods without a docstring; an override may leave it to its base."""
    trees = {module: ast.parse(source) for module, source in sources.items()}
    classes = {node.name: node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    found = []
    for module, tree in trees.items():
        if not ast.get_docstring(tree):
            found.append(f"{module}: has no docstring")
        for node in tree.body:
            if isinstance(node, ast.ClassDef | Function) and node.name in (_public(tree) or []):
                if not ast.get_docstring(node):
                    found.append(f"{module}:{node.lineno}: {node.name} has no docstring")
                if isinstance(node, ast.ClassDef):
                    found += [
                        f"{module}:{method.lineno}: {node.name}.{method.name} has no docstring"
                        for method in _methods(node)
                        if not _is_documented(method.name, node, classes)
                    ]
    return found


def _methods(node: ast.ClassDef) -> list[Function]:
    found: list[Function] = [item for item in node.body if isinstance(item, Function)]
    setters = (".setter", ".deleter")
    return [
        item
        for item in found
        if not item.name.startswith("_") and not any(ast.unparse(d).endswith(setters) for d in item.decorator_list)
    ]


def _is_documented(name: str, node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> bool:
    if any(item.name == name and ast.get_docstring(item) for item in node.body if isinstance(item, Function)):
        return True
    bases = [ast.unparse(base).split("[")[0].split(".")[-1] for base in node.bases]
    return any(_is_documented(name, classes[base], classes) for base in bases if base in classes and base != node.name)


def unsorted_exports(sources: Sources) -> list[str]:
    """Modules without ``__all__``, with an unsorted one, or with a name in it that they do not have."""
    found = []
    for module, source in sources.items():
        tree = ast.parse(source)
        public, names = _public(tree), _top_names(tree)
        if public is None:
            found += [f"{module}: has no __all__"] if names and not module.endswith("__main__") else []
            continue
        by_style = sorted(public, key=lambda name: (not name.isupper(), not name[:1].isupper(), name))
        if public not in (sorted(public), by_style) or len(public) != len(set(public)):
            found.append(f"{module}: __all__ is not sorted")
        found += [f"{module}: __all__ names {name!r}, which is not there" for name in public if name not in names]
    return found


def _top_names(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    # A name that is imported for types alone is there if the module has a ``__getattr__`` for it.
    lazy = any(isinstance(node, Function) and node.name == "__getattr__" for node in tree.body)
    blocks = (ast.Try, ast.If) if lazy else ast.Try
    guarded = (inner for node in tree.body if isinstance(node, blocks) for inner in node.body)
    for node in (*tree.body, *guarded):
        if isinstance(node, ast.ClassDef | Function):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", "") != "__future__":
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return names - {"__all__"}


def hidden_imports(sources: Sources) -> list[str]:
    """Imports inside functions, and by name outside the places that are there for it."""
    found = []
    for module, source in sources.items():
        tree = ast.parse(source)
        for function in ast.walk(tree):
            if isinstance(function, Function):
                inner = [node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
                found += [f"{module}:{node.lineno}: an import inside {function.name}" for node in inner]
        for node in ast.walk(tree):
            named = isinstance(node, ast.Call) and _called(node).split(".")[-1] in {
                "import_module",
                "__import__",
            }
            if named and module not in IMPORTERS:
                found.append(f"{module}:{node.lineno}: an import by name; use runlib.engine.extras.load")
    return found


OS_WRITES = {
    "fdopen",
    "fdatasync",
    "fsync",
    "ftruncate",
    "link",
    "makedirs",
    "mkdir",
    "mkfifo",
    "pwrite",
    "remove",
}
OS_WRITES |= {
    "removedirs",
    "rename",
    "renames",
    "replace",
    "rmdir",
    "symlink",
    "truncate",
    "unlink",
    "utime",
    "write",
}
OS_WRITES |= {"writev", "chmod", "chown", "mknod", "copy_file_range", "sendfile", "posix_fallocate"}
SHUTIL_READS = {"which", "get_terminal_size", "disk_usage"}
PATH_WRITES = {
    "write_text",
    "write_bytes",
    "touch",
    "mkdir",
    "unlink",
    "rmdir",
    "rename",
    "symlink_to",
    "hardlink_to",
}
PATH_WRITES |= {
    "chmod",
    "tofile",
    "savetxt",
    "FileHandler",
    "RotatingFileHandler",
    "TimedRotatingFileHandler",
}
READ_FLAGS = {"os", "O_RDONLY", "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK"}
OPENERS = {"open", "io.open", "gzip.open", "bz2.open", "lzma.open", "codecs.open"}


def foreign_writes(sources: Sources) -> list[str]:
    """Calls that write, rename or remove files outside the one module for it."""
    found = []
    for module, source in sources.items():
        tree = ast.parse(source)
        names = _origins(tree)
        for node in ast.walk(tree):
            if module != DISK and isinstance(node, ast.Call) and _writes(node, names, module):
                found.append(f"{module}:{node.lineno}: {ast.unparse(node)[:80]}")
    return found


def _origins(tree: ast.Module) -> dict[str, str]:
    """What the imported names of a module stand for: ``{"rm": "os.remove", "o": "os"}``."""
    origins = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            origins |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            origins |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return origins


def _writes(node: ast.Call, origins: dict[str, str], module: str) -> bool:
    first, _, rest = _called(node).partition(".")
    full = ".".join(part for part in (origins.get(first, first), rest) if part)
    place, _, name = full.rpartition(".")
    if full.startswith(f"{DISK}."):
        return False
    if place == "os":
        # The pool writes to the pipes of its workers; those are no files.
        in_a_pipe = name == "write" and module.startswith("runlib.pool.")
        return (name in OS_WRITES and not in_a_pipe) or (name == "open" and not _only_reads(node))
    if place == "shutil":
        return name not in SHUTIL_READS
    if place == "tempfile":
        return True
    if full in OPENERS:
        return _mode(node, 1, unknown=True)
    if name == "open":
        return _mode(node, 0, unknown=False)
    if name == "replace" and isinstance(node.func, ast.Attribute):
        return len(node.args) == 1 and not node.keywords and place != "dataclasses"  # of a path; text takes two
    return name in PATH_WRITES and not place.endswith("disk")


def _only_reads(node: ast.Call) -> bool:
    if len(node.args) < 2:
        return False
    if ast.unparse(node.args[0]) == "os.devnull":
        return True
    names = {part.attr for part in ast.walk(node.args[1]) if isinstance(part, ast.Attribute)}
    return bool(names) and names <= READ_FLAGS


def _mode(node: ast.Call, position: int, *, unknown: bool) -> bool:
    """Whether the mode of an ``open`` writes; ``unknown`` is the answer if it is not written out."""
    given = [keyword.value for keyword in node.keywords if keyword.arg == "mode"]
    given += node.args[position : position + 1]
    if not given:
        return False
    mode = given[0]
    if not isinstance(mode, ast.Constant):
        return unknown
    return isinstance(mode.value, str) and re.fullmatch(r"(?=.*[wax+])[rwaxbt+]+", mode.value) is not None


def asserts(sources: Sources) -> list[str]:
    """``assert`` in the package: it is gone under ``-O`` and guards nothing."""
    return [
        f"{module}:{node.lineno}: an assert"
        for module, source in sources.items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assert)
    ]


def swallowed_errors(sources: Sources) -> list[str]:
    """``except: pass``, and an ``except`` without a class."""
    found = []
    for module, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ExceptHandler):
                if all(isinstance(item, ast.Pass) or _is_ellipsis(item) for item in node.body):
                    found.append(f"{module}:{node.lineno}: an error is swallowed; use contextlib.suppress or say why")
                elif node.type is None:
                    found.append(f"{module}:{node.lineno}: a bare except")
    return found


def _is_ellipsis(item: ast.stmt) -> bool:
    return isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant) and item.value.value is Ellipsis


CHECKS: list[Check] = [
    wrong_directions,
    circles,
    long_modules,
    vague_names,
    missing_docstrings,
    unsorted_exports,
    hidden_imports,
    foreign_writes,
    asserts,
    swallowed_errors,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_package_keeps_the_architecture(check: Check) -> None:
    assert check(read_package()) == []


def test_the_whole_package_is_read() -> None:
    sources = read_package()
    assert {"runlib", "runlib.errors", "runlib.engine", "runlib.engine.disk", "runlib.run.run"} <= set(sources)
    assert len(sources) == len(list(ROOT.rglob("*.py")))


def test_the_reader_sees_imports_of_all_forms() -> None:
    sources = {
        "runlib.stop": "",
        "runlib.stop.base": "",
        "runlib.stop.max": (
            "import runlib.engine.data.canonical\nfrom runlib.stop import base\nfrom . import base\n"
            "from .base import Stop\n"
            "from runlib.state.state import State\nfrom ..tape import events\nload('runlib.search.heavy')\n"
        ),
    }
    assert [target for target, _ in imports("runlib.stop.max", sources["runlib.stop.max"], sources)] == [
        "runlib.engine.data.canonical",
        "runlib.stop.base",
        "runlib.stop.base",
        "runlib.stop.base",
        "runlib.state.state",
        "runlib.tape",
        "runlib.search.heavy",
    ]


PLANTED: list[tuple[Check, Sources]] = [
    (wrong_directions, {"runlib.engine.a": "from runlib.space.tree import parse"}),
    (wrong_directions, {"runlib.engine.a": "import runlib.run.run"}),
    (
        wrong_directions,
        {"runlib.space.a": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import runlib.pool"},
    ),
    (wrong_directions, {"runlib.state.a": "def f():\n    from ..stop.base import Stop"}),
    (
        wrong_directions,
        {"runlib.space.a": "from runlib.engine.extras import load\nload('runlib.search.base')"},
    ),
    (wrong_directions, {"runlib.engine.a": "from runlib import __version__"}),
    (wrong_directions, {"runlib.elsewhere.a": ""}),
    (circles, {"runlib.stop.a": "from runlib.stop import b", "runlib.stop.b": "from runlib.stop.a import f"}),
    (
        circles,
        {"runlib.stop": "from runlib.stop.a import A", "runlib.stop.a": "from runlib.stop import base"},
    ),
    (circles, {"runlib.a": "import runlib.b", "runlib.b": "import runlib.c", "runlib.c": "import runlib.a"}),
    (long_modules, {"runlib.engine.a": "x = 1\n" * 401}),
    (vague_names, {"runlib.engine.utils": ""}),
    (vague_names, {"runlib.helpers.a": ""}),
    (vague_names, {"runlib.run._misc": ""}),
    (missing_docstrings, {"runlib.a": "x = 1"}),
    (missing_docstrings, {"runlib.a": '"""A."""\n__all__ = ["f"]\ndef f(): ...'}),
    (missing_docstrings, {"runlib.a": '"""A."""\n__all__ = ["C"]\nclass C: ...'}),
    (
        missing_docstrings,
        {"runlib.a": '"""A."""\n__all__ = ["C"]\nclass C:\n    """C."""\n    def f(self): ...'},
    ),
    (unsorted_exports, {"runlib.a": '__all__ = ["g", "f"]\ndef f(): ...\ndef g(): ...'}),
    (unsorted_exports, {"runlib.a": '__all__ = ["f"]'}),
    (unsorted_exports, {"runlib.a": "def f(): ..."}),
    (unsorted_exports, {"runlib.a": '__all__ = ["f"]\nif TYPE_CHECKING:\n    from runlib.b import f'}),
    (hidden_imports, {"runlib.a": "def f():\n    import json"}),
    (hidden_imports, {"runlib.a": "class C:\n    async def f(self):\n        from json import dumps"}),
    (hidden_imports, {"runlib.a": "import importlib\nimportlib.import_module('json')"}),
    (hidden_imports, {"runlib.a": "__import__('json')"}),
    (asserts, {"runlib.a": "def f(x):\n    assert x"}),
    (swallowed_errors, {"runlib.a": "try:\n    f()\nexcept ValueError:\n    pass"}),
    (swallowed_errors, {"runlib.a": "try:\n    f()\nexcept Exception:\n    ..."}),
    (swallowed_errors, {"runlib.a": "try:\n    f()\nexcept:\n    g()"}),
]


@pytest.mark.parametrize(("check", "sources"), PLANTED)
def test_a_planted_violation_is_found(check: Check, sources: Sources) -> None:
    assert len(check(sources)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "open('f', 'w')", "open('f', mode='ab')", "open('f', mode)", "open('f', 'r+')", "io.open('f', 'x')",
        "gzip.open('f', 'wb')", "path.open('w')", "path.open(mode='a')", "path.write_text('x')",
        "path.write_bytes(b'')",
        "path.touch()", "path.mkdir(parents=True)", "path.unlink()", "path.rename(other)", "path.replace(other)",
        "os.open(p, os.O_WRONLY | os.O_CREAT)", "os.open(p, flags)", "os.write(1, b'')", "os.replace(a, b)",
        "os.rename(a, b)", "os.mkdir(a)", "os.makedirs(a)", "os.remove(a)", "os.fsync(3)", "os.truncate(a, 0)",
        "shutil.rmtree(a)", "shutil.copy(a, b)", "tempfile.mkstemp()", "logging.FileHandler('x')",
        "from os import replace\nreplace(a, b)", "import os as system\nsystem.remove(a)",
        "from shutil import move\nmove(a, b)",
    ],
)  # fmt: skip
def test_a_planted_write_is_found(line: str) -> None:
    assert len(foreign_writes({"runlib.engine.a": line})) == 1
    assert foreign_writes({DISK: line}) == []


@pytest.mark.parametrize(
    "line",
    [
        "open('f')", "open('f', 'rb')", "path.open()", "path.open('rb')", "pool.open(evaluator, context)",
        "os.open(p, os.O_RDONLY | os.O_CLOEXEC)", "text.replace('a', 'b')", "replace(event, n=1)", "os.close(3)",
        "os.open(os.devnull, os.O_WRONLY)",
        "dataclasses.replace(event)", "shutil.which('jq')", "sock.send(b'')", "path.read_text()", "stream.write('x')",
        "from runlib.engine import disk\ndisk.replace_file(a, b)",
        "from runlib.engine.disk import current\ncurrent.mkdir(a)",
    ],
)  # fmt: skip
def test_what_only_reads_is_left_alone(line: str) -> None:
    assert foreign_writes({"runlib.engine.a": line}) == []


def test_pipes_of_the_pool_are_no_files() -> None:
    assert foreign_writes({"runlib.pool.processes.frames": "os.write(fd, b'')"}) == []
    assert foreign_writes({"runlib.pool.processes.frames": "os.mkdir('a')"}) != []


def test_an_override_may_leave_its_docstring_to_the_base() -> None:
    base = '"""A."""\n__all__ = ["B"]\nclass B:\n    """B."""\n    def f(self):\n        """F."""\n'
    derived = '"""A."""\n__all__ = ["C"]\nfrom runlib.a import B\nclass C(B):\n    """C."""\n    def f(self): ...\n'
    assert missing_docstrings({"runlib.a": base, "runlib.b": derived}) == []
    assert len(missing_docstrings({"runlib.b": derived})) == 1


def test_what_is_right_is_left_alone() -> None:
    sources = {
        "runlib": (
            '"""R."""\nif TYPE_CHECKING:\n    from runlib.stop.max import StopMax\n__all__ = ["StopMax"]\n'
            'def __getattr__(name):\n    """G."""\n'
        ),
        "runlib.errors": '"""E."""\n__all__ = ["E"]\nclass E(Exception):\n    """E."""\n',
        "runlib.stop": '"""S."""',
        "runlib.stop.base": '"""B."""\nfrom runlib.errors import E\n__all__ = ["f"]\ndef f():\n    """F."""\n',
        "runlib.stop.max": (
            '"""M."""\nfrom runlib.stop import base\n__all__ = ["StopMax"]\nclass StopMax:\n    """S."""\n'
            "    def _f(self):\n        try:\n            base.f()\n"
            "        except ValueError:\n            return None\n"
        ),
    }
    assert {check.__name__: check(sources) for check in CHECKS} == {check.__name__: [] for check in CHECKS}
