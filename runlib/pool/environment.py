"""Sets environment variables for ``pool_serial``. They belong to the whole process, which other runs may share.

The first run that sets a variable keeps its old value, and the last one restores it, even if runs in threads end in
another order. Two runs cannot use different values of one variable at the same time.
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
    """Sets variables until ``put_back`` is called with their names, and returns the names.

    Raises:
        PoolError: Another run in this process uses another value of a variable. Then nothing is set.
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
    """Ends the use of these variables by one run. The last run restores their old values."""
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
