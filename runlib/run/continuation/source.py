"""Finds the definitions that a continued run needs: the function of its evaluator, and the user's own components.

Names in ``__main__``, and unknown kinds, refer to the program that wrote the run. The file of that program is executed
for its definitions, unless this program has them. A file that is given to a restore replaces it.
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
    """Finds the definitions of one run that is continued.

    Attributes:
        program: The program that wrote the run, as far as it is known, with its paths as they are now.

    Args:
        folder: The folder of the run.
        metadata: The metadata of its tape.
        given: The evaluator that was given to a restore, or its name; None if none was given.
        trust: The rule for what the tape may import; None for the default rule.
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
        """Lets names that this program lacks be looked up in the script behind the run, if that script is trusted."""
        with standing_in(self._script), importing_under(self.trust):
            yield

    def learn(self, noted: Mapping[str, Any], n: int) -> None:
        """Takes over what the session in record ``n`` recorded; it replaces what an earlier session recorded."""
        self._noted = noted
        program = self._read(noted, n)
        file = self._given_file()
        if file is not None:
            known = program or Program("script", str(self._home))
            program = replace(known, how="script", file=str(file), package=None)
        if program is None or program == self.program:
            return
        if self.trust.is_met:
            sys.path.extend(entry for entry in program.path if entry not in sys.path)  # last, so they shadow nothing
        if self._script is None or program.file != self._script.program.file:
            self._script = Script(program)
        self.program = program

    def evaluator(self, context: Mapping[str, Any] | None) -> Any:
        """Returns the evaluator of the run: an object, or a config that can be made here.

        Raises:
            ConfigError: The evaluator cannot be found, or the given one is another.
        """
        if self._given is not None:
            with importing_under(None):  # the caller names the code, so no trust in the tape is needed
                return self._same(self._function(self._given) if self._given_file() else self._given, context)
        name = function_name(self._config)
        if name is None or _is_in_this_program(name):
            return self._config
        return self._found_before(context) or self._of_stopped_run(name) or self._config

    @property
    def found_by(self) -> str | None:
        """Returns the name by which the next restore finds the evaluator, if it differs from the name in the config."""
        if self._given is None:
            noted = self._noted.get("evaluator")
            return noted if isinstance(noted, str) else None
        name = self._name_of_given()
        known = function_name(self._config)
        return None if name is None or "<" in name or name == known else name

    @property
    def kept_folder(self) -> str | None:
        """Returns the working folder of the earlier program, in which the evaluations of this run continue.

        None if the evaluator was given anew, because relative file names in it then refer to the current folder, or if
        the folder no longer exists.
        """
        folder = None if self.program is None or self._given is not None else self.program.folder
        return folder if folder is not None and os.access(folder, os.X_OK) else None

    def next_program(self) -> Program:
        """Returns the program for the next session: this one, or the earlier one if its definitions are still used."""
        is_used = self._script is not None and self._script.module is not None
        if self.program is None or not (in_command() or is_used):
            running = Program.running(self._home)
            return replace(running, folder=self.kept_folder or running.folder)
        return replace(self.program, directory=str(self._home))

    def changed_globals(self, evaluator: Evaluator | None, noted: Mapping[str, Any]) -> str:
        """Returns as text the globals of the evaluator that changed since the last session; empty if there are none.

        Raises:
            ConfigError: A global has another value, or is missing, because the guarded code of the script did not run.
        """
        return changed_globals(evaluator, noted, self._script, str(self._folder))

    def _read(self, noted: Mapping[str, Any], n: int) -> Program | None:
        own = Program.read(noted.get("program"))
        program = own or Program.read(self._origin.get("program"))
        if program is None:
            return None
        is_inherited = own is None or n <= self._origin.get("at", 0)  # then the origin recorded it
        folder = self._origin.get("folder") if is_inherited else None
        return program.moved_to(self._home if folder is None else Path(folder).parent)

    def _given_file(self) -> Path | None:
        """Returns the file in the given name, if it replaces the script."""
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
        """Returns the function of that name in the script."""
        function = name.rpartition(":")[2]
        script = self._script
        if script is None:
            raise ConfigError(f"{name!r} cannot be found: no script is known that defines it", "evaluator")
        try:
            return reduce(getattr, function.split("."), script.definitions())
        except AttributeError:
            raise ConfigError(f"{name!r} cannot be found: {script.lacks(function)}", "evaluator") from None

    def _found_before(self, context: Mapping[str, Any] | None) -> Evaluator | None:
        """Returns the evaluator that has the name that the last session recorded; None if it cannot be found."""
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
        """Returns the evaluator of the run that the script would start, if that evaluator has the config on the tape.

        It is needed for a function that no name leads to, such as a lambda.
        """
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
