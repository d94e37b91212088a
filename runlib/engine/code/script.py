"""Executes the script that started a run for its definitions, when another program continues the run.

The script sees a ``__name__`` other than ``__main__``, so that code under this guard does not run. Its functions and
classes still belong to ``__main__``, as they did in the original program, and are sent to workers in the same way. A
script without a guard is stopped where it would start a run, and the names that it has defined so far are used.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, MutableMapping
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import Any

from runlib.engine.code.program import Program, is_main_of_command, working_in
from runlib.engine.code.starts import StartOfRun, running
from runlib.engine.code.trust import check_file
from runlib.engine.legible import logger
from runlib.errors import ConfigError

__all__ = ["Script", "define", "load_standing_in", "main_module", "places", "standing_in"]

log = logger()

DEFINING = "__definitions__"  # The script sees this as its __name__.


class Script:
    """Represents the file that defines the names of ``__main__``.

    Attributes:
        program: The program that the file belongs to.
        module: The module with the definitions; None before they are first needed.
        is_stopped: Whether the script tried to start a run.
        stopped: The run that it tried to start, if that is a new run; None otherwise.

    Args:
        program: The program with the path of the file and the way in which it was started.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.module: ModuleType | None = None
        self.is_stopped = False
        self.stopped: Any = None

    @property
    def is_there(self) -> bool:
        """Returns whether the file exists."""
        return self.program.file is not None and os.path.isfile(self.program.file)

    def definitions(self) -> ModuleType:
        """Returns the module with the definitions of the script, which is executed at the first call.

        Raises:
            ConfigError: The file does not exist, or the script fails.
        """
        if self.module is None:
            self.module = self._execute()
        return self.module

    def lacks(self, name: str) -> str:
        """Returns a sentence that says why a name is not among the definitions and what to do."""
        file = self.program.file
        if self.is_stopped:
            return (
                f"{file} starts a run before it defines {name!r}; put the start under: if __name__ == '__main__': or "
                f"give the function by --evaluator FILE.py:NAME (Run.restore: evaluator=...)"
            )
        return f"there is no {name!r} in {file}; {_OTHER_WAY}"

    def _execute(self) -> ModuleType:
        if self.program.file is None:
            how = {"notebook": "a notebook", "command": "the command line"}.get(self.program.how, "a program")
            raise ConfigError(f"was defined in {how} that has no file of its own; {_OTHER_WAY}")
        file = Path(self.program.file)
        if not self.is_there:
            raise ConfigError(f"was defined in the script {file}, which is not there any more; {_OTHER_WAY}")
        check_file(file)
        module = _new_module(file, self.program.package)
        with running("script", str(file)) as this, _as_it_was_started(self.program, module):
            code = compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
            try:
                exec(code, module.__dict__, _Names(module.__dict__))
            except SystemExit:
                return module  # A script may end in this way.
            except (Exception, StartOfRun):
                if not this.is_stopped:  # Otherwise the error may follow from the refused start.
                    raise
            finally:
                self.is_stopped, self.stopped = this.is_stopped, this.run
        self._warn_of_earlier_runs(file)
        return module

    def _warn_of_earlier_runs(self, file: Path) -> None:
        count = self.program.earlier
        if self.is_stopped and count:
            log.warning(
                "%s had started %d run%s before this one, and is stopped at the first: what it changed in between is "
                "as it was then; put the start under: if __name__ == '__main__':",
                file,
                count,
                "s" if count > 1 else "",
            )


_OTHER_WAY = (
    "run the program that defines it, or give the function by --evaluator FILE.py:NAME (Run.restore: evaluator=...)"
)


def define(file: Path, package: str | None = None) -> ModuleType:
    """Returns the definitions of a file that would start a run when it is imported.

    Raises:
        ConfigError: The file fails.
    """
    return Script(Program("script", str(file.parent), file=str(file), package=package)).definitions()


_standing_in: ContextVar[Script | None] = ContextVar("_standing_in", default=None)


@contextlib.contextmanager
def standing_in(script: Script | None) -> Iterator[None]:
    """Sets the script in which missing names of ``__main__`` and unknown kinds are looked for in the ``with`` block."""
    token = _standing_in.set(script)
    try:
        yield
    finally:
        _standing_in.reset(token)


def places() -> list[str]:
    """Returns the folders to search last for files and modules: the script's working folder and the run's directory."""
    script = _standing_in.get()
    return [] if script is None else script.program.places


def load_standing_in() -> bool:
    """Executes the script that stands in, unless it was executed before. Returns whether it was executed now.

    Raises:
        ConfigError: The script fails.
    """
    script = _standing_in.get()
    if script is None or script.module is not None or not script.is_there:
        return False
    script.definitions()
    return True


def main_module(name: str) -> tuple[ModuleType, Script | None]:
    """Returns the ``__main__`` that defines ``name``: that of this program, or else of the script that stands in."""
    main, script = sys.modules["__main__"], _standing_in.get()
    if not is_main_of_command() and (script is None or hasattr(main, name)):
        return main, None
    if script is None:
        return ModuleType("__main__"), None
    return script.definitions(), script


class _Names(MutableMapping[str, Any]):
    """Maps the names of a module for the code at its top level. Only ``__name__`` has another value."""

    def __init__(self, names: dict[str, Any]) -> None:
        self._names = names

    def __getitem__(self, name: str) -> Any:
        return DEFINING if name == "__name__" else self._names[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._names[name] = value

    def __delitem__(self, name: str) -> None:
        del self._names[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _new_module(file: Path, package: str | None) -> ModuleType:
    module = ModuleType("__main__")
    module.__file__ = str(file)
    module.__package__ = package
    module.__dict__["__builtins__"] = sys.modules["builtins"]
    return module


@contextlib.contextmanager
def _as_it_was_started(program: Program, module: ModuleType) -> Iterator[None]:
    """Sets the command line, working folder and ``__main__`` of the script, and sends its output to standard error."""
    with contextlib.ExitStack() as back:
        back.enter_context(_main_is(module))
        back.enter_context(_importing_from(program))
        if sys.stderr is not None:
            back.enter_context(contextlib.redirect_stdout(sys.stderr))
        if program.folder is not None and os.path.isdir(program.folder):
            back.enter_context(working_in(program.folder))
        yield


@contextlib.contextmanager
def _main_is(module: ModuleType) -> Iterator[None]:
    """Makes a module ``__main__``. In the command ``runlib``, it stays so, as that needs no ``__main__`` of its own."""
    stays, main, arguments = is_main_of_command(), sys.modules["__main__"], sys.argv
    sys.modules["__main__"] = sys.modules[DEFINING] = module
    try:
        yield
    finally:
        sys.modules.pop(DEFINING, None)
        if not stays:
            sys.modules["__main__"], sys.argv = main, arguments


@contextlib.contextmanager
def _importing_from(program: Program) -> Iterator[None]:
    """Puts the folder of the script first on ``sys.path``, as Python does, and moves it to the end afterwards."""
    file = Path(str(program.file))
    root = str(file.parents[len(program.package.split(".")) if program.package else 0])
    sys.argv = [str(file), *program.arguments]
    sys.path.insert(0, root)
    try:
        yield
    finally:
        if root in sys.path:
            sys.path.remove(root)
        if root not in sys.path:
            sys.path.append(root)
