"""Evaluators that return, or raise, what nobody expects: each costs its own trial, in either pool, and can be shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runlib import ProcessPool, Run, SerialPool, StopMax
from runlib.audit.verify import verify
from runlib.cli.account import describe, render_description
from runlib.cli.best import best_trials, print_best
from runlib.pool.base import Pool
from runlib.search.fixed import FixedSearch


class Exits(Exception):
    """An exception whose text ends the program."""

    def __str__(self) -> str:
        raise SystemExit(3)

    __repr__ = __str__


class Interrupts(Exits):
    """An exception that looks like Ctrl-C when it is shown."""

    def __str__(self) -> str:
        raise KeyboardInterrupt

    __repr__ = __str__


class Recurses(Exception):
    """An exception whose text has no end."""

    def __str__(self) -> str:
        return str(self)


class NoText(Exception):
    """An exception whose text is none."""

    def __str__(self) -> Any:
        return 7


class HostileType(type):
    """Its classes have no name and no line of descent, and say so by ending the program."""

    def __getattribute__(cls, name: str) -> Any:
        if name in ("__name__", "__qualname__", "__mro__", "__module__"):
            raise SystemExit(4)
        return type.__getattribute__(cls, name)


class Nameless(ValueError, metaclass=HostileType):
    """An exception of such a class."""


class NoTraceback(Exception):
    """An exception that does not give its traceback away."""

    @property
    def __traceback__(self) -> Any:
        raise SystemExit(5)

    @property
    def __cause__(self) -> Any:
        raise MemoryError

    def with_traceback(self, trace: Any) -> Any:
        raise SystemExit(6)


class Unshowable:
    """A value that cannot be shown."""

    def __repr__(self) -> str:
        raise SystemExit(7)


class Unreadable(dict[str, Any]):
    """A dict of which nothing can be read."""

    def keys(self) -> Any:
        raise SystemExit(8)

    __iter__ = items = __len__ = __getitem__ = keys  # type: ignore[assignment]


class Disguised:
    """A value that does not say what it is."""

    @property
    def __class__(self) -> Any:
        raise SystemExit(9)

    def __getattr__(self, name: str) -> Any:
        raise KeyboardInterrupt


class Endless(list[Any]):
    """A list that ends the program when it is read."""

    def __iter__(self) -> Any:
        raise GeneratorExit


RAISED: dict[str, Any] = {
    "Exits": Exits,
    "Interrupts": Interrupts,
    "Recurses": Recurses,
    "NoText": NoText,
    "Nameless": Nameless,
    "NoTraceback": NoTraceback,
    "SystemExit": SystemExit,
    "KeyboardInterrupt": KeyboardInterrupt,
}
RETURNED: dict[str, Any] = {
    "inf": {"loss": 1.0, "duration": float("inf")},
    "text": {"loss": 1.0, "duration": "long"},
    "nan": {"loss": 1.0, "duration": float("nan")},
    "before": {"loss": 1.0, "duration": -1.0},
    "digits": {"loss": 1.0, "cost": 10**400},
    "cost": {"loss": 1.0, "cost": float("inf")},
    "var": {"loss": 1.0, "var": "1"},
    "unshowable": {"loss": Unshowable()},
    "bare": Unshowable(),
    "huge": 10**400,
    "keys": {Unshowable(): 1},
    "disguised": Disguised(),
    "disguised loss": {"loss": Disguised()},
    "unreadable": Unreadable(loss=1.0),
    "nameless": Nameless(),
    "nameless status": {"status": Nameless(), "cost": Nameless(), "loss": 1.0},
    "beside": {
        "loss": 3.0,
        "a": Nameless(),
        "b": Disguised(),
        "c": Endless([1]),
        "d": {"e": Unreadable(x=1)},
        "f": [Nameless, Exits(), Unshowable()],
        "g": {Nameless(): 1, Unshowable(): 2},
    },
    "other": {"loss": 1.0, "cost": 1e308},
    "more": {"loss": 2.0, "cost": 1e308},
}


def evaluate(how: str) -> Any:
    """Raise or return one of the above."""
    if how in RAISED:
        raise RAISED[how]
    return RETURNED[how]


@pytest.mark.parametrize("pool", [SerialPool, ProcessPool])
def test_each_costs_its_own_trial_and_can_be_shown(
    tmp_path: Path, pool: type[Pool], capsys: pytest.CaptureFixture[str]
) -> None:
    cases = [*RAISED, *RETURNED]
    search = FixedSearch([{"how": how} for how in cases])
    run = Run(
        search,
        evaluate,
        StopMax(len(cases)),
        pool=pool(),
        caught_exceptions=["BaseException"],
        context={"max_workers": 1},
    )
    run.prepare(tmp_path).run()
    ended = {entry[1]["suggestion"]["how"]: entry for _, entry in sorted(run.state.trials.items())}
    assert [how for how in cases if ended[how][0] == "ok"] == ["beside", "other", "more"]
    named = {how: ended[how][1]["error"] for how in cases if ended[how][0] == "error"}
    assert named == {**{how: how for how in RAISED}, **{how: "InvalidResult" for how in RETURNED if how in named}}
    assert all(isinstance(ended[how][1][key], str) for how in named for key in ("error_text", "traceback"))
    looked = Run.checkout(run.work_directory)
    assert "Trials" in render_description(describe(looked, 1.8e9), 1.8e9)
    print_best(looked.state, 5)
    assert [row["loss"] for row in best_trials(looked.state, 5)] == [1.0, 2.0, 3.0]
    result = looked.full_result(cases.index("beside"))
    assert result["ok"] == {
        "loss": 3.0,
        "duration": result["ok"]["duration"],
        "d": {},
        "f": [None, None, None],
        "g": {},
    }
    assert {name.partition(".")[0] for name in result["dropped"]} == {"a", "b", "c", "d", "f", "g"}
    assert "suggestion" in capsys.readouterr().out
    assert verify(run.work_directory, replay=True).verdict == "intact"
