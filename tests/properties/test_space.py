"""Over random search spaces: the way there and back, and the order in which hyperopt draws."""

from __future__ import annotations

import json
import warnings
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runlib.engine.data.canonical import dump, load, plain
from runlib.search.base import seed_for
from runlib.search.hyperopt.search import Hyperopt
from runlib.space.forms.text import parse

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from hyperopt import JOB_STATE_DONE, Trials, hp, space_eval, tpe
    from hyperopt.base import Domain

pytestmark = pytest.mark.filterwarnings("ignore::runlib.SpaceWarning")  # random spaces may not vary

CONSTANTS = [None, True, 3, -2.5, "text", "hp", [1, [2]], {"a": {}}, []]
LEAVES = [
    ["hp_uniform", "", -1, 2],
    ["hp_quniform", "", 0, 5, 0.5],
    ["hp_uniformint", "", -2, 4],
    ["hp_loguniform", "", -3, 1],
    ["hp_qloguniform", "", 0, 3, 1],
    ["hp_normal", "", 1, 2],
    ["hp_qnormal", "", 1, 2, 1],
    ["hp_lognormal", "", 0, 1],
    ["hp_qlognormal", "", 0, 1, 0.5],
    ["hp_randint", "", 4],
    ["hp_randint", "", -3, 4],
    ["hp_loggrid", "", -1, 1, 1.0],
    ["hp_loggrid_uniform", "", -1, 1, 0.5, 3],
]
keys = st.sampled_from(["b", "a", "zz", "C", "m n"])
shapes = st.recursive(
    st.sampled_from(CONSTANTS) | st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.dictionaries(keys, inner, max_size=3),
        st.lists(inner, max_size=3).map(lambda items: ["data", *items]),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: ["hp_choice", "", items]),
        st.lists(inner, min_size=2, max_size=2).map(lambda pair: ["hp_pchoice", "", [[0.3, pair[0]], [0.7, pair[1]]]]),
    ),
    max_leaves=12,
)


def labelled(shape: Any, labels: list[int]) -> Any:
    """The shape as a search space: each variable gets a label of its own, in no order."""
    if isinstance(shape, dict):
        return {key: labelled(item, labels) for key, item in shape.items()}
    if isinstance(shape, list) and shape and str(shape[0]).startswith("hp_"):
        return [shape[0], str(labels.pop()), *(labelled(item, labels) for item in shape[2:])]
    return [labelled(item, labels) for item in shape] if isinstance(shape, list) else shape


spaces = st.builds(labelled, shapes, st.permutations(range(60))).filter(lambda space: not isinstance(space, str))


def as_hyperopt(text: Any) -> Any:
    """The space as a user of hyperopt would write it, constants and all."""
    if isinstance(text, dict):
        return {key: as_hyperopt(item) for key, item in text.items()}
    if not isinstance(text, list):
        return text
    if not text or not str(text[0]).startswith("hp_"):
        return [as_hyperopt(item) for item in text]
    name, label, *args = text
    if name == "hp_loggrid":
        return hp.choice(label, [0.5, 1.0, 2.0])
    if name == "hp_loggrid_uniform":
        return args[3] ** hp.quniform(label, *args[:3])
    if name == "hp_pchoice":
        return hp.pchoice(label, [(share, as_hyperopt(option)) for share, option in args[0]])
    if name == "hp_choice":
        return hp.choice(label, [as_hyperopt(option) for option in args[0]])
    return getattr(hp, name[3:])(label, *args)


@given(spaces, st.integers(0, 2**32))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_suggestions_are_plain_and_read_back_through_json(text: Any, seed: int) -> None:
    search = Hyperopt(text, seed=seed, method="rand")
    again = Hyperopt(json.loads(json.dumps(text)), seed=seed, method="rand")
    space = parse(text)
    for k in range(5):
        tid, suggestion = search.suggest()
        assert suggestion == plain(suggestion)
        told, memo = load(dump(suggestion)), load(dump(search.memo(tid)))
        again.recall(k, told, memo)
        row = list(search._history.row(tid))
        assert dump(space.read(told, memo)) == dump([number + 0.0 for number in row])
        assert space.assemble(row) == suggestion
        located = space.locate(told)
        assert located is not None
        assert space.assemble(located) == suggestion
    assert again.suggest() == search.suggest()


@given(spaces, st.integers(0, 2**32))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_random_spaces_give_the_values_of_hyperopt(text: Any, seed: int) -> None:
    if not parse(text).variables:
        return
    space = as_hyperopt(text)
    domain, trials, ours = (
        Domain(lambda suggestion: 0.0, space),
        Trials(),
        Hyperopt(text, seed=seed, n_startup_jobs=3),
    )
    theirs = partial(tpe.suggest, n_startup_jobs=3, verbose=False)
    for k in range(8):
        with np.errstate(all="ignore"):
            [doc] = theirs([k], domain, trials, seed_for(seed, k))
        tid, suggestion = ours.suggest()
        chosen = {label: value[0] for label, value in doc["misc"]["vals"].items() if value}
        assert suggestion == plain(space_eval(space, chosen))
        doc["state"], doc["result"] = JOB_STATE_DONE, {"status": "ok", "loss": float(k % 3)}
        trials._insert_trial_docs([doc])
        trials.refresh()
        ours.submit(tid, loss=float(k % 3))
