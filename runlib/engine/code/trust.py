"""Decides which code a tape may import: code of another user runs only with explicit permission.

A tape names code: plugins, the module or file of a function, the script that started the run. Continuing a run imports
this code. That is right for one's own run. If the run or the code belongs to another user of the machine, that user
would decide what is executed here, so the caller has to permit it. Code that the caller names (``--plugin``,
``evaluator=``) needs no permission.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import site
import sys
import sysconfig
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from runlib.errors import ConfigError, NotTrusted

__all__ = ["Trust", "check_file", "check_module", "current", "import_under", "importing_under", "owner_of_another"]

_LOOK = "look at it, then add --trust (in Python: trust=True), or --no-plugins (plugins=False) to import nothing"


@dataclass(frozen=True)
class Trust:
    """States what the tape of one run may import.

    Attributes:
        tape: The path of the tape.
        plugins: Whether the tape may import any code at all.
        others: Whether the tape may also import code of other users, or belong to another user.
    """

    tape: Path
    plugins: bool = True
    others: bool = False

    @property
    def is_met(self) -> bool:
        """Returns whether the code that the tape names may be looked for in the places that the tape gives."""
        return self.plugins and (self.others or owner_of_another(self.tape) is None)


_trust: ContextVar[Trust | None] = ContextVar("_trust", default=None)


@contextlib.contextmanager
def importing_under(trust: Trust | None) -> Iterator[None]:
    """Treats imports inside the ``with`` block as named by a tape, or, if ``trust`` is None, by the caller."""
    token = _trust.set(trust)
    try:
        yield
    finally:
        _trust.reset(token)


def import_under(trust: Trust | None) -> None:
    """Sets the trust for the rest of this process, so that a worker may import what its manager may import."""
    _trust.set(trust)


def current() -> Trust | None:
    """Returns the trust in force, for code that imports later."""
    return _trust.get()


def check_file(file: Path) -> None:
    """Raises an error if this file may not be executed.

    Raises:
        NotTrusted: The file, its folder, or the tape that names it belongs to another user.
        ConfigError: The tape may not import any code.
    """
    trust = _trust.get()
    if trust is None:
        return
    _check_tape(trust, str(file))
    owner = None if trust.others or _belongs_to_python(file) else owner_of_another(file)
    if owner is not None:
        raise NotTrusted(f"{file} belongs to {owner}, and {trust.tape} names it as code to execute; {_LOOK}")


def check_module(name: str) -> None:
    """Raises an error as ``check_file`` does if the module of this name may not be imported."""
    trust = _trust.get()
    if trust is None:
        return
    _check_tape(trust, name)
    top = name.partition(".")[0]
    if top not in sys.modules and (file := _file_of(top)) is not None:
        check_file(file)


def _check_tape(trust: Trust, code: str) -> None:
    if not trust.plugins:
        raise ConfigError(
            f"{trust.tape} names code, {code}, which --no-plugins (plugins=False) does not import; give what is needed "
            "yourself: --plugin, --evaluator (in Python: search=, evaluator=)"
        )
    owner = None if trust.others else owner_of_another(trust.tape)
    if owner is not None:
        raise NotTrusted(f"{trust.tape} belongs to {owner}, and names code to execute, {code}; {_LOOK}")


def _file_of(module: str) -> Path | None:
    """Returns the file or the folder that a module of this name would be imported from."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):  # The import itself will report the error.
        return None
    if spec is None:
        return None
    found = spec.origin if spec.has_location else next(iter(spec.submodule_search_locations or []), None)
    return None if found is None else Path(found)


def _belongs_to_python(file: Path) -> bool:
    """Returns whether the file belongs to this Python or was installed into it."""
    places = {*sysconfig.get_paths().values(), *site.getsitepackages(), site.getusersitepackages()}
    return any(file.is_relative_to(place) for place in places)


def owner_of_another(path: Path) -> str | None:
    """Returns the name of the other user who owns a file or its folder; None if the owner is this user or root."""
    mine = {0, os.geteuid(), _uid_before_sudo()}
    for place in (path, path.parent):
        with contextlib.suppress(FileNotFoundError):
            uid = _owner(place)
            if uid not in mine:
                return _name(uid)
    return None


def _owner(path: Path) -> int:
    return path.stat().st_uid


def _uid_before_sudo() -> int:
    number = os.environ.get("SUDO_UID", "")
    return int(number) if os.geteuid() == 0 and number.isdecimal() else 0


def _name(uid: int) -> str:
    try:
        return f"the user {pwd.getpwuid(uid).pw_name!r}"
    except KeyError:
        return f"the user {uid}"
