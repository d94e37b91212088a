"""Optimizers that are no components: used as they are, copied where they are made anew, named in the config."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from runlib import AskTell, ChainSearch, ConfigError, Hyperopt, Run, SearchError, StopMax
from runlib.engine.component import from_config
from runlib.search.common.by_history import complete
from tests.fakes import DirectPool

QUICK: Any = {"pool": DirectPool(), "context": {"sync": "never"}}
SPACE = {"x": ["hp_uniform", "x", 0, 1]}


class Plain:
    """Depends on all that it was told; no component."""

    def __init__(self, start: float = 0.5) -> None:
        self.start = start
        self.asked = 0
        self.told: list[tuple[float, float]] = []

    def ask(self) -> dict[str, float]:
        self.asked += 1
        known = sum(x for x, _ in self.told)
        return {"x": (self.start + 0.377 * self.asked + 0.1 * known) % 1}

    def tell(self, key: Any, loss: float) -> None:
        self.told.append((key["x"], loss))


class Locked(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


def quadratic(x: float) -> float:
    return (x - 0.3) ** 2


def suggestions(run: Run) -> list[Any]:
    return [outcome["suggestion"] for _, outcome in run.state.trials.values()]


def made(tmp_path: Path, count: int, search: Any = None) -> Run:
    return Run(search or AskTell(Plain()), quadratic, StopMax(count), **QUICK).prepare(tmp_path).run()


def test_the_object_itself_is_asked_and_told(tmp_path: Path) -> None:
    optimizer = Plain()
    run = made(tmp_path, 4, AskTell(optimizer))
    assert len(optimizer.told) == 4
    assert run.get_config()["run"]["search"]["search_asktell"]["optimizer"] == {
        "object": {"class": f"{__name__}:Plain"}
    }
    assert Run.checkout(run.work_directory).best == run.best  # what only looks needs no optimizer


@pytest.mark.parametrize("how", ["search", "optimizer"])
def test_a_restore_is_given_it_again(tmp_path: Path, how: str) -> None:
    whole, part = made(tmp_path / "whole", 9), made(tmp_path / "part", 4)
    given: Any = AskTell(Plain()) if how == "search" else Plain()
    again = Run.restore(
        part.work_directory, search=given, evaluator=quadratic, new_stop=StopMax(9), verify=True, **QUICK
    )
    assert suggestions(again.run()) == suggestions(whole)


def test_one_that_was_asked_is_given_as_it_was_at_first(tmp_path: Path) -> None:
    whole, part = made(tmp_path / "whole", 9), made(tmp_path / "part", 4)
    used = part.search
    again = Run.restore(part.work_directory, search=used, evaluator=quadratic, new_stop=StopMax(9), **QUICK)
    assert suggestions(again.run()) == suggestions(whole)


def test_a_restore_without_it_says_what_to_do(tmp_path: Path) -> None:
    run = made(tmp_path, 4)
    message = (
        r"search.search_asktell.optimizer: is an object of the class .*test_asktell_objects:Plain, which cannot be "
        r"made of a config; give one as it was at first: Run.restore\(folder, search=Plain\(\.\.\.\)\)"
    )
    with pytest.raises(ConfigError, match=message):
        Run.restore(run.work_directory, evaluator=quadratic, **QUICK)


def test_another_object_is_refused(tmp_path: Path) -> None:
    run = made(tmp_path, 4)
    for other in (Locked(), AskTell(Locked()), Hyperopt(SPACE)):
        with pytest.raises(ConfigError, match=r"^search: is another search than that of the run: at search_"):
            Run.restore(run.work_directory, search=other, evaluator=quadratic, **QUICK)


def test_any_search_may_be_given_to_a_restore(tmp_path: Path) -> None:
    search = Hyperopt(SPACE, n_startup_jobs=2)
    whole, part = made(tmp_path / "whole", 8, search), made(tmp_path / "part", 4, Hyperopt(SPACE, n_startup_jobs=2))
    for given in (Hyperopt(SPACE, n_startup_jobs=2), part.search, search.get_config()):
        with Run.restore(part.work_directory, search=given, evaluator=quadratic, new_stop=StopMax(8), **QUICK) as run:
            assert suggestions(run)[:4] == suggestions(whole)[:4]
    again = Run.restore(part.work_directory, search=search, evaluator=quadratic, new_stop=StopMax(8), **QUICK)
    assert suggestions(again.run()) == suggestions(whole)


def test_a_fork_takes_it(tmp_path: Path) -> None:
    whole, part = made(tmp_path / "whole", 9), made(tmp_path / "part", 5)
    how: Any = {"directory": tmp_path, "evaluator": quadratic, "stop": StopMax(9), **QUICK}
    fork = Run.fork(part.work_directory, search=AskTell(Plain()), **how).run()
    assert suggestions(fork) == suggestions(whole)
    other = Run.fork(part.work_directory, search=Hyperopt(SPACE), **how).run()
    assert suggestions(other)[:5] == suggestions(whole)[:5]


def test_what_is_void_is_unlearned_by_a_copy(tmp_path: Path) -> None:
    optimizer = Plain()
    run = made(tmp_path, 4, AskTell(optimizer))
    run.void(3, "bad")
    inner = run.search._optimizer  # type: ignore[attr-defined]
    assert len(inner.told) == 3
    assert inner is not optimizer
    assert len(optimizer.told) == 4


def test_one_that_cannot_be_copied_says_so_when_it_has_to_be(tmp_path: Path) -> None:
    search = complete(AskTell(Locked()))
    for _ in range(2):
        search.submit(search.suggest()[0], loss=1.0)
    with pytest.raises(SearchError, match="the optimizer Locked cannot be copied, so it cannot be made anew"):
        search.forget(0)


def test_a_chain_may_hold_one(tmp_path: Path) -> None:
    def chain() -> ChainSearch:
        parts = [{"search": AskTell(Plain()), "count": 3}, {"search": {"search_sobol": {"space": SPACE}}}]
        return ChainSearch(parts)

    whole, part = made(tmp_path / "whole", 6, chain()), made(tmp_path / "part", 2, chain())
    with pytest.raises(ConfigError, match=r"search.search_chain.searches.0.search.search_asktell.optimizer: is an obj"):
        Run.restore(part.work_directory, evaluator=quadratic, **QUICK)
    given = part.search
    again = Run.restore(part.work_directory, search=given, evaluator=quadratic, new_stop=StopMax(6), **QUICK)
    assert suggestions(again.run()) == suggestions(whole)


def test_space_and_failures_are_those_of_the_search() -> None:
    search = AskTell(Plain(), SPACE, errors_ok=False)
    search.submit(search.suggest()[0], error=True)
    assert search._optimizer.told == []
    renewed = search.renewal()()
    assert renewed.get_config() == search.get_config()
    assert renewed.suggest()[0] == 0


@pytest.mark.parametrize(
    ("optimizer", "text"),
    [
        (Plain, "takes an object, got the class Plain"),
        (object(), "object has no ask() and no tell(); an optimizer has ask() and tell(key, loss)"),
        ({"object": {"class": "x:Y"}}, "is an object of the class x:Y"),
        ({"object": None}, "is an object of the class None"),
    ],
)
def test_what_is_no_optimizer_is_refused(optimizer: Any, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_config({"search_asktell": {"optimizer": optimizer}})
    assert text in str(caught.value)
