"""Variables of the environment that ``pool_serial`` sets: they are those of the process, whoever else runs in it.

The first run that sets one notes what it was, and the last one puts that back, in whatever order runs in threads end.
Two runs cannot have different values of one at a time.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterable, Mapping

from runlib.errors import PoolError

__all__ = ["put_back", "set_variables"]

_lock = threading.Lock()
_users: Counter[str] = Counter()
_before: dict[str, str | None] = {}


def set_variables(variables: Mapping[str, str]) -> list[str]:
    """Set variables until ``put_back`` is called with their names, which are returned.

    Raises:
        PoolError: Another run in this process has another value of one; nothing is set.
    """
    with _lock:
        for name, value in variables.items():
            if _users[name] and os.environ.get(name) != value:
                raise PoolError(
                    f"another run in this process evaluates with {name}={os.environ.get(name, '')}, and this one needs "
                    f"{value}: use pool_processes for one of them"
                )
        for name, value in variables.items():
            if not _users[name]:
                _before[name] = os.environ.get(name)
            _users[name] += 1
            os.environ[name] = value
    return list(variables)


def put_back(names: Iterable[str]) -> None:
    """The run does not need these any more; the last one to say so leaves them as they were."""
    with _lock:
        for name in names:
            _users[name] -= 1
            if _users[name]:
                continue
            before = _before.pop(name)
            if before is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = before
