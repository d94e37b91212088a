"""What a tape may import: code runs only where whoever goes on with a run can be taken to want it.

A tape names code: plugins, the module or file of a function, the script behind the run. Going on with a run imports
it. That is right for a run of one's own. Where the run, or the code, belongs to another user of the machine, that user
would decide what runs here, so it has to be asked for. What somebody names in the call (``--plugin``, ``evaluator=``)
needs no such question.
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
    """What the tape of one run may import.

    Attributes:
        tape: Its path.
        plugins: Whether anything at all.
        others: Whether also code of other users, or by a tape of theirs.
    """

    tape: Path
    plugins: bool = True
    others: bool = False

    @property
    def is_met(self) -> bool:
        """Whether what the tape names is looked for at all, where it says."""
        return self.plugins and (self.others or owner_of_another(self.tape) is None)


_trust: ContextVar[Trust | None] = ContextVar("_trust", default=None)


@contextlib.contextmanager
def importing_under(trust: Trust | None) -> Iterator[None]:
    """In here, what is imported is named by a tape; with None, by who calls."""
    token = _trust.set(trust)
    try:
        yield
    finally:
        _trust.reset(token)


def import_under(trust: Trust | None) -> None:
    """The same for the rest of this process; a worker is told what its manager may import."""
    _trust.set(trust)


def current() -> Trust | None:
    """What is in force, for code that imports later."""
    return _trust.get()


def check_file(file: Path) -> None:
    """Nothing, if this file may be executed.

    Raises:
        NotTrusted: It, its folder, or the tape that names it belongs to another user.
        ConfigError: Nothing that a tape names is to be imported.
    """
    trust = _trust.get()
    if trust is None:
        return
    _check_tape(trust, str(file))
    owner = None if trust.others or _belongs_to_python(file) else owner_of_another(file)
    if owner is not None:
        raise NotTrusted(f"{file} belongs to {owner}, and {trust.tape} names it as code to execute; {_LOOK}")


def check_module(name: str) -> None:
    """Nothing, if the module of this name may be imported; raises as ``check_file`` does."""
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
    """The file, or the folder, that a module of this name would be imported from."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):  # the import will say it
        return None
    if spec is None:
        return None
    found = spec.origin if spec.has_location else next(iter(spec.submodule_search_locations or []), None)
    return None if found is None else Path(found)


def _belongs_to_python(file: Path) -> bool:
    """Whether the file is one of this Python's own, or was installed into it."""
    places = {*sysconfig.get_paths().values(), *site.getsitepackages(), site.getusersitepackages()}
    return any(file.is_relative_to(place) for place in places)


def owner_of_another(path: Path) -> str | None:
    """The name of the user whom a file, or the folder that it lies in, belongs to; None if that is me, or root."""
    mine = {0, os.geteuid(), _behind_sudo()}
    for place in (path, path.parent):
        with contextlib.suppress(FileNotFoundError):
            uid = _owner(place)
            if uid not in mine:
                return _name(uid)
    return None


def _owner(path: Path) -> int:
    return path.stat().st_uid


def _behind_sudo() -> int:
    number = os.environ.get("SUDO_UID", "")
    return int(number) if os.geteuid() == 0 and number.isdecimal() else 0


def _name(uid: int) -> str:
    try:
        return f"the user {pwd.getpwuid(uid).pw_name!r}"
    except KeyError:
        return f"the user {uid}"
