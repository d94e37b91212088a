"""How a run is gone on with, in words that work as they are typed.

What works depends on where the definitions are that it needs: the command ``runlib`` finds them in modules and in the
file of a script; those of a notebook, or of lines that were typed or piped into Python, are in no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runlib.engine import registry
from runlib.engine.component import Component, is_config
from runlib.engine.legible import legible_line, shell_word
from runlib.run.continuation.definitions import guarded_names, listed_names
from runlib.run.parts import function_name
from runlib.run.view import RunView

__all__ = ["Ways", "ways_on"]

MAIN = "__main__"


@dataclass(frozen=True)
class Ways:
    """The ways to go on with one run.

    Attributes:
        python: A call of Python.
        shell: A command; empty where there is none.
        where: Where the call works, if not everywhere; such as ``in this notebook``.
        first: What has to be done before the command, if something has.
    """

    python: str
    shell: str = ""
    where: str = ""
    first: str = ""

    def __str__(self) -> str:
        call = f"{self.python} {self.where}".strip()
        first = f"{self.first}, " if self.first else ""
        return f"{call}, or {first}by: {self.shell}" if self.shell else call

    @property
    def by_command(self) -> str:
        """The command, with what has to be done first; the call where there is no command."""
        return f"{self.first}: {self.shell}".removeprefix(": ") if self.shell else str(self)


def ways_on(run: RunView, *, count: int | None = None, is_found: bool = False, place: Path | None = None) -> Ways:
    """How a run is gone on with.

    Args:
        run: That has a folder.
        count: The number of trials to which it is extended; None to go on as it is.
        is_found: Whether the command found everything already that the run needs.
        place: Where the folder is now, if it was moved.
    """
    folder, config = place or run.work_directory, run.arguments
    noted = run.state.last_session or run.state.tape.metadata.get("origin") or {}
    more = "" if count is None else f", new_stop=StopMax({count})"
    again = "" if config.get("evaluator") is None else ".run()"  # by hand, its trials are asked for
    python = f"Run.restore({str(folder)!r}{more}){again}"
    shell = f"runlib restore {shell_word(folder)}"
    if count is not None:
        shell += f" --stop '{{stop_max: {{count: {count}}}}}'"
    if config.get("evaluator") is None:
        return Ways(python)
    name = function_name(config["evaluator"]) or ""
    if is_found:
        return Ways(python, shell)
    if "<" in name and not noted.get("evaluator"):
        return Ways(f"Run.restore({str(folder)!r}, evaluator=f{more}).run()", where="with the same function as f")
    guarded = [] if noted.get("evaluator") else guarded_names(noted)
    if guarded:
        file = legible_line(str(_program(noted).get("file") or "the script"))
        changes = f"which sets {listed_names(guarded)} only there"
        return Ways(python, where=f"in place of the start under the guard of {file}, {changes}")
    lacking = [] if _program(noted).get("file") else list(map(legible_line, _in_no_file(name, config, noted)))
    return _with_a_file(python, shell, lacking, noted) if lacking else Ways(python, shell)


def _with_a_file(python: str, shell: str, lacking: list[str], noted: Mapping[str, Any]) -> Ways:
    in_notebook = _program(noted).get("how") == "notebook"
    names = " and ".join(name.removeprefix(f"{MAIN}:") for name in lacking)
    function = lacking[0].partition(":")[2]
    option = f"--evaluator {shell_word(f'FILE.py:{function}')}" if function else "--plugin FILE.py"
    where = "in this notebook" if in_notebook else f"where {names} {'is' if len(lacking) == 1 else 'are'} defined"
    return Ways(python, f"{shell} {option}", where=where, first=f"with {names} saved in FILE.py")


def _in_no_file(name: str, config: Mapping[str, Any], noted: Mapping[str, Any]) -> Iterator[str]:
    """What the run needs that ``__main__`` defines: the evaluator's function first, then components."""
    if name.startswith(f"{MAIN}:") and not noted.get("evaluator"):
        yield name
    yield from sorted({cls.__name__ for cls in _classes(config) if cls.__module__ == MAIN})


def _classes(config: Any) -> Iterator[type]:
    known = {getattr(cls, "kind", ""): cls for cls in registry.classes(Component)}
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if is_config(value) and next(iter(value)) in known:
            yield known[next(iter(value))]
        waiting += value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else []


def _program(noted: Mapping[str, Any]) -> Mapping[str, Any]:
    program = noted.get("program")
    return program if isinstance(program, Mapping) else {}
