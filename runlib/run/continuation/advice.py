"""Tells the user how to continue a run, with calls and commands that work as they are typed.

Which of them work depends on where the definitions are that the run needs. The command ``runlib`` finds definitions in
modules and in the file of a script. Definitions in a notebook, or in lines that were typed or piped into Python, are in
no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runlib.engine import registry
from runlib.engine.component import is_config
from runlib.engine.legible import legible_line, shell_word
from runlib.run.continuation.definitions import guarded_names, listed_names
from runlib.run.parts import function_name
from runlib.run.view import RunView

__all__ = ["Ways", "ways_on"]

MAIN = "__main__"


@dataclass(frozen=True)
class Ways:
    """Holds the ways to continue one run.

    Attributes:
        python: A Python call.
        shell: A shell command; empty if there is none.
        where: The place where the call works, such as ``in this notebook``; empty if it works everywhere.
        first: The step that comes before the command; empty if there is none.
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
        """Returns the command, with the step that comes before it; the Python call if there is no command."""
        return f"{self.first}: {self.shell}".removeprefix(": ") if self.shell else str(self)


def ways_on(run: RunView, *, count: int | None = None, is_found: bool = False, place: Path | None = None) -> Ways:
    """Returns the ways to continue a run.

    Args:
        run: The run, which has a folder.
        count: The number of trials to which the run is extended; None to continue it unchanged.
        is_found: Whether the command has already found everything that the run needs.
        place: The place of the folder now, if it was moved.
    """
    folder, config = place or run.work_directory, run.arguments
    noted = run.state.last_session or run.state.tape.metadata.get("origin") or {}
    more = "" if count is None else f", new_stop=StopMax({count})"
    again = "" if config.get("evaluator") is None else ".run()"  # a run that is driven by hand has no loop to start
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
    """Yields what the run needs and ``__main__`` defines: the evaluator's function first, then the components."""
    if name.startswith(f"{MAIN}:") and not noted.get("evaluator"):
        yield name
    yield from sorted({cls.__name__ for cls in _classes(config) if cls.__module__ == MAIN})


def _classes(config: Any) -> Iterator[type]:
    known = {getattr(cls, "kind", ""): cls for cls in registry.loaded_classes()}
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if is_config(value) and next(iter(value)) in known:
            yield known[next(iter(value))]
        waiting += value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else []


def _program(noted: Mapping[str, Any]) -> Mapping[str, Any]:
    program = noted.get("program")
    return program if isinstance(program, Mapping) else {}
