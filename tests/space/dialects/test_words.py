"""A dialect as a word in a config: translated once, where a space is made, so that all else sees the canonical form."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from runlib import Categorical, ConfigError, Hyperopt, Run, Space, SpaceError, StopMax, from_config
from runlib.engine import extras
from runlib.engine.data.yamlfile import parse_yaml, write_yaml
from runlib.space.dialects import DIALECTS, translated
from runlib.space.forms.text import parse

CANONICAL = {"x": ["hp_float", "x", {"low": 0.0, "high": 1.0}]}
WRITTEN: dict[str, Any] = {
    "amltk": {"x": (0.0, 1.0)},
    "maggy": {"x": ("DOUBLE", [0, 1])},
    "neps": {"x": [0.0, 1.0]},
}


@pytest.mark.parametrize("name", WRITTEN)
def test_every_way_to_a_space_translates(name: str) -> None:
    space = {name: WRITTEN[name]}
    assert Space.of(space).data == parse(space).data == CANONICAL
    search = from_config({"search_hyperopt": {"space": space, "seed": 4}})
    assert search.get_config()["search_hyperopt"]["space"] == CANONICAL
    assert search.suggest() == Hyperopt(CANONICAL, seed=4).suggest()


def product(x: float, k: int) -> float:
    return x * k


def test_the_tape_holds_the_canonical_form(tmp_path: Path) -> None:
    search = Hyperopt({"neps": {"x": [0.0, 1.0], "k": {"lower": 1, "upper": 3}}})
    run = Run(search, product, StopMax(3), pool="pool_serial").prepare(tmp_path).run()
    text = (run.work_directory / "tape.son").read_text()
    assert '"neps"' not in text
    assert '"hp_float"' in text
    assert len(Run.restore(run.work_directory, new_stop=StopMax(5)).run().state.trials) == 5


def test_an_error_has_the_path_of_the_config_in_the_words_of_the_user() -> None:
    with pytest.raises(ConfigError) as caught:
        from_config({"search_hyperopt": {"space": {"neps": {"x": [2, 2]}}}})
    assert str(caught.value) == "search_hyperopt.space.neps.x: lower must be below upper, got 2 and 2"


def test_what_is_no_single_word_is_a_space_as_ever() -> None:
    for space in ({"neps": 1, "x": 2}, {"other": [1, 2]}, {}, [{"neps": 1}], "neps"):
        assert translated(space, "space") is space


def test_a_space_with_the_key_of_a_dialect_can_be_written() -> None:
    space = Space.of(["hp_merge", [{"neps": ["hp_uniform", "u", 0, 1]}]])
    again = Space.of(space.data)
    assert again.data == space.data
    row = again.locate({"neps": 0.5})
    assert row == [0.5]
    assert again.assemble(row) == {"neps": 0.5}


def test_a_dialect_may_translate_to_the_key_of_another() -> None:
    with pytest.raises(SpaceError, match=r"^space\.neps\.neps: "):
        Space.of({"neps": {"neps": [2, 2]}})
    space = Space.of({"neps": {"neps": [0.0, 1.0]}})
    assert Space.of(space.data).data == space.data
    assert set(space.assemble([0.25])) == {"neps"}


def test_canonical_data_survive_yaml_and_json() -> None:
    data = Space.of({"neps": {"a": [1, 3], "b": ["x", "1e-5"], "c": {"lower": 1e-5, "upper": 0.1, "log": True}}}).data
    assert parse_yaml(write_yaml(data)) == data
    assert Space.of(json.loads(json.dumps(data))).data == data


def test_all_dialects_are_registered_by_name() -> None:
    assert list(DIALECTS) == ["amltk", "configspace", "hyperopt", "maggy", "neps"]
    for name, function in DIALECTS.items():
        assert function.__name__ == f"from_{name}"


@pytest.mark.parametrize("name", ["amltk", "hyperopt", "maggy", "neps"])
def test_a_space_that_contains_itself_is_refused(name: str) -> None:
    endless: dict[str, Any] = {}
    endless["a"] = endless if name in ("amltk", "hyperopt") else {"value": endless}
    with pytest.raises(SpaceError, match=r"contains itself$" if name != "maggy" else r"is written \(TYPE"):
        Space.of({name: endless})


def test_configspace_that_is_missing_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(extras.importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"pip install 'runlib\[configspace\]'"):
        Space.of({"configspace": {}})


def given_spaces() -> dict[str, Any]:
    """A space in each dialect in which there is something to change: nested dicts, lists, conditions."""
    library = pytest.importorskip("ConfigSpace")
    a, b = library.Categorical("a", ["x", "y"]), library.Integer("b", (1, 9), log=True)
    whole = library.ConfigurationSpace()
    whole.add(a, b, library.EqualsCondition(b, a, "x"))
    return {
        "amltk": {"a": {"b": ["x", {"c": (1, 5)}], "d": {"range": [0, 1]}}, "e": ["u", "v"]},
        "configspace": whole.to_serialized_dict(),
        "hyperopt": {"a": ["x", {"b": (1, 2)}], "c": Categorical(["u", {"v": 1}])},
        "maggy": {"a": ["INTEGER", [1, 5]], "b": ("CATEGORICAL", ["x", {"y": [1]}])},
        "neps": {"a": {"lower": "1e0", "upper": "1e2"}, "b": ["x", "1e3"], "c": {"choices": ["u", "1e1"]}, "d": [1, 3]},
    }


@pytest.mark.parametrize("name", DIALECTS)
def test_no_dialect_changes_what_it_is_given(name: str) -> None:
    given = given_spaces()[name]
    before = copy.deepcopy(given)
    made = DIALECTS[name](given)
    assert given == before
    assert DIALECTS[name](given) == made
    Space.of(made)
    assert Space.of({name: given}).data == Space.of({name: given}).data
    assert given == before
    _scribble(made)
    assert given == before


def _scribble(data: Any) -> None:
    """Changes every list and dict in data."""
    for item in list(data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()):
        _scribble(item)
    if isinstance(data, dict | list):
        data.clear()


def test_a_dict_that_configspace_takes_itself_can_be_used_twice() -> None:
    pytest.importorskip("ConfigSpace")
    given = {"a": (0, 10), "b": ["x", "y"], "c": 3.5}
    assert Space.of({"configspace": given}).data == Space.of({"configspace": given}).data
    assert given == {"a": (0, 10), "b": ["x", "y"], "c": 3.5}
