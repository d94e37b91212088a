"""Where the definitions are that a run needs which is gone on with: its evaluator's function, and its own components.

Names of ``__main__``, and kinds that nothing here knows, are those of the program that wrote the run. Its file is
executed for its definitions, unless this program has them. A file that a restore is given takes its place.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

from runlib.engine import registry
from runlib.engine.code.naming import name_function
from runlib.engine.code.program import Program, in_command, is_main_of_command
from runlib.engine.code.script import Script, standing_in
from runlib.engine.code.trust import Trust, importing_under
from runlib.engine.legible import logger
from runlib.errors import ConfigError, NotTrusted
from runlib.evaluator.base import Evaluator
from runlib.run.continuation.definitions import changed_globals
from runlib.run.folder.folder import RunFolder
from runlib.run.parts import function_name, same_evaluator
from runlib.run.view import RunView

__all__ = ["Source"]

log = logger()

MAIN = "__main__:"


class Source:
    """Of one run that is gone on with.

    Attributes:
        program: What wrote the run, as far as that is known; its paths are those of now.

    Args:
        folder: Of the run.
        metadata: Of its tape.
        given: The evaluator that a restore was given, or its name; None if it was given none.
        trust: What the tape may import; None for what it may by default.
    """

    def __init__(
        self, folder: RunFolder, metadata: Mapping[str, Any], given: Any = None, trust: Trust | None = None
    ) -> None:
        self.trust = trust or Trust(folder.tape)
        self._folder = folder.path
        self._home = folder.path.parent
        self._config = metadata["run"].get("evaluator")
        self._origin: Mapping[str, Any] = metadata.get("origin") or {}
        self._given = given
        self._noted: Mapping[str, Any] = {}
        self._script: Script | None = None
        self.program: Program | None = None

    @contextlib.contextmanager
    def standing_in(self) -> Iterator[None]:
        """In here, names that this program has not are looked for in the script behind the run, if that is trusted."""
        with standing_in(self._script), importing_under(self.trust):
            yield

    def learn(self, noted: Mapping[str, Any], n: int) -> None:
        """Take in what the session in record ``n`` noted; a later one comes before an earlier one."""
        self._noted = noted
        program = self._read(noted, n)
        file = self._given_file()
        if file is not None:
            known = program or Program("script", str(self._home))
            program = replace(known, how="script", file=str(file), package=None)
        if program is None or program == self.program:
            return
        if self.trust.is_met:
            sys.path.extend(entry for entry in program.path if entry not in sys.path)  # last, and in nobody's way
        if self._script is None or program.file != self._script.program.file:
            self._script = Script(program)
        self.program = program

    def evaluator(self, context: Mapping[str, Any] | None) -> Any:
        """The evaluator of the run: an object, or a config that can be made here.

        Raises:
            ConfigError: It is not to be found, or the given one is another.
        """
        if self._given is not None:
            with importing_under(None):  # whoever gives it names it himself
                return self._same(self._function(self._given) if self._given_file() else self._given, context)
        name = function_name(self._config)
        if name is None or _is_in_this_program(name):
            return self._config
        return self._found_before(context) or self._of_stopped_run(name) or self._config

    @property
    def found_by(self) -> str | None:
        """The name by which the next restore finds the evaluator, where that is not the one in the config."""
        if self._given is None:
            noted = self._noted.get("evaluator")
            return noted if isinstance(noted, str) else None
        name = self._name_of_given()
        known = function_name(self._config)
        return None if name is None or "<" in name or name == known else name

    @property
    def kept_folder(self) -> str | None:
        """The working folder of the program before, in which this run's evaluations go on.

        None where the evaluator was given anew, since names of files in it then count from here, or where it is gone.
        """
        folder = None if self.program is None or self._given is not None else self.program.folder
        return folder if folder is not None and os.access(folder, os.X_OK) else None

    def next_program(self) -> Program:
        """What the next session notes: this program, or that of before where its definitions go on being used."""
        is_used = self._script is not None and self._script.module is not None
        if self.program is None or not (in_command() or is_used):
            running = Program.running(self._home)
            return replace(running, folder=self.kept_folder or running.folder)
        return replace(self.program, directory=str(self._home))

    def changed_globals(self, evaluator: Evaluator | None, noted: Mapping[str, Any]) -> str:
        """Which globals have other values for the evaluator than the last session noted; empty for none.

        Raises:
            ConfigError: One has, or is missing, because what the script guards did not run.
        """
        return changed_globals(evaluator, noted, self._script, str(self._folder))

    def _read(self, noted: Mapping[str, Any], n: int) -> Program | None:
        own = Program.read(noted.get("program"))
        program = own or Program.read(self._origin.get("program"))
        if program is None:
            return None
        is_inherited = own is None or n <= self._origin.get("at", 0)  # then it was noted beside the origin
        folder = self._origin.get("folder") if is_inherited else None
        return program.moved_to(self._home if folder is None else Path(folder).parent)

    def _given_file(self) -> Path | None:
        """The file in a given name, where it takes the place of the script."""
        place = self._given.rpartition(":")[0] if isinstance(self._given, str) else ""
        name = function_name(self._config)
        takes_its_place = place.endswith(".py") and name is not None and name.startswith(MAIN)
        return registry.find_file(place) if takes_its_place else None

    def _name_of_given(self) -> str | None:
        if isinstance(self._given, Evaluator):
            return None
        if not isinstance(self._given, str):
            name = name_function(self._given)
            return None if name.startswith(MAIN) else name
        place, _, function = self._given.rpartition(":")
        if self._given_file() is not None:
            return f"{MAIN}{function}"
        return f"{registry.find_file(place)}:{function}" if place.endswith(".py") else self._given

    def _same(self, given: Any, context: Mapping[str, Any] | None) -> Evaluator:
        return same_evaluator(given, self._config, context, self._noted, self._folder)

    def _function(self, name: str) -> Any:
        """The function of that name in the script."""
        function = name.rpartition(":")[2]
        script = self._script
        if script is None:
            raise ConfigError(f"{name!r} cannot be found: no script is known that defines it", "evaluator")
        try:
            return reduce(getattr, function.split("."), script.definitions())
        except AttributeError:
            raise ConfigError(f"{name!r} cannot be found: {script.lacks(function)}", "evaluator") from None

    def _found_before(self, context: Mapping[str, Any] | None) -> Evaluator | None:
        """The evaluator by the name that the last session noted."""
        name = self._noted.get("evaluator")
        if not isinstance(name, str):
            return None
        try:
            return self._same(self._function(name) if name.startswith(MAIN) else name, context)
        except NotTrusted:
            raise
        except ConfigError as error:
            log.warning("the evaluator is not where it was found the last time: %s", error)
            return None

    def _of_stopped_run(self, name: str) -> Evaluator | None:
        """The evaluator, which no name leads to, of the very run that the script would start again."""
        script = self._script
        if "<" not in name or script is None or not script.is_there or script.program.earlier:
            return None
        script.definitions()
        made = script.stopped
        found = made.evaluator if isinstance(made, RunView) else None
        return found if found is not None and found.get_config() == self._config else None


def _is_in_this_program(name: str) -> bool:
    first = name.removeprefix(MAIN).partition(".")[0]
    return name.startswith(MAIN) and not is_main_of_command() and hasattr(sys.modules["__main__"], first)
