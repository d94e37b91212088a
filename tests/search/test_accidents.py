"""What would be a constant without a word: tuples are refused, lists and constants warned of, files read."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest

from runlib import (
    Categorical,
    ChainSearch,
    Choice,
    ConfigError,
    Constant,
    EvolutionSearch,
    Float,
    GridSearch,
    Hyperopt,
    Integer,
    Ordinal,
    RandomSearch,
    Run,
    SobolSearch,
    Space,
    SpaceError,
    SpaceWarning,
    StopMax,
    from_amltk,
    from_config,
    from_hyperopt,
    from_neps,
)
from runlib.engine.registry import add_path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from hyperopt import hp

SEARCHES = [EvolutionSearch, GridSearch, Hyperopt, RandomSearch, SobolSearch]
X = Float(0, 1)


@pytest.mark.parametrize(
    ("space", "place"),
    [
        ({"x": (-10, 10)}, "space.x"),
        ({"a": X, "x": (0.5, 1.5)}, "space.x"),
        ({"a": X, "model": {"x": (1e-5, 1)}}, "space.model.x"),
        ({"a": X, "list": [X, (0, 1)]}, "space.list.1"),
        ({"a": X, "x": (np.int64(0), np.float32(1))}, "space.x"),
        ((-10, 10), "space"),
        ([(-5, 5), (0, 10)], "space.0"),
        (["hp_choice", "c", [{"x": (0, 1)}, 3]], "space.2.0.x"),
        (["hp_choice", "c", {"options": [1, {"x": (0, 1)}]}], "space.2.1.x"),
        (["hp_pchoice", "c", [(0.5, {"x": (0, 1)}), (0.5, 1)]], "space.2.0.1.x"),
        (["hp_merge", [{"x": (0, 1)}, {"a": X}]], "space.1.0.x"),
    ],
    ids=repr,
)
def test_a_tuple_of_two_numbers_is_refused_where_a_parameter_could_stand(space: Any, place: str) -> None:
    for make in (Space.of, *SEARCHES):
        with pytest.raises(SpaceError) as caught:
            make(space)
        assert str(caught.value).startswith(f"{place}: (")
        assert "write Float(" in str(caught.value)
        assert "'amltk'" in str(caught.value)
        assert "Constant((" in str(caught.value)


def test_a_choice_refuses_it_as_it_is_made() -> None:
    with pytest.raises(SpaceError, match=r"^1\.x: \(0, 1\) is no range here: write Float\(0, 1\)"):
        Choice(["a", {"x": (0, 1)}])


@pytest.mark.parametrize(
    ("space", "suggestion"),
    [
        ({"x": X, "y": (1, 2, 3)}, {"y": (1, 2, 3)}),
        ({"x": X, "y": (1,)}, {"y": (1,)}),
        ({"x": X, "y": ()}, {"y": ()}),
        ({"x": X, "y": ("a", 1)}, {"y": ("a", 1)}),
        ({"x": X, "y": (True, False)}, {"y": (True, False)}),
        ({"x": X, "y": (1, None)}, {"y": (1, None)}),
        ({"x": X, "y": Constant((1, 2))}, {"y": (1, 2)}),
        ({"x": X, "y": Constant({"a": (1, 2)})}, {"y": {"a": (1, 2)}}),
        ({"x": X, "y": Categorical([(1, 2)])}, {"y": (1, 2)}),
        ({"x": X, "y": Ordinal([(1, 2)])}, {"y": (1, 2)}),
        ({"x": X, "y": Choice([(1, 2)])}, {"y": (1, 2)}),
        ({"x": X, "y": Choice([((1, 2), (3, 4))])}, {"y": ((1, 2), (3, 4))}),
        ({"x": X, "y": ["hp_choice", "c", [(1, 2)]]}, {"y": (1, 2)}),
        ({"x": X, "y": ("hp_pchoice", "c", ((1, (1, 2)),))}, {"y": (1, 2)}),
        ({"x": X, "y": ["hp_choice", "c", {"options": [(1, 2)]}]}, {"y": (1, 2)}),
        ({"x": hp.uniform("x", 0, 1), "y": (1, 2)}, {"y": (1, 2)}),
        ({"x": hp.uniform("x", 0, 1), "y": {"z": [(1, 2), [3, 4]]}}, {"y": {"z": [(1, 2), [3, 4]]}}),
        ({"x": Choice([{"a": hp.uniform("u", 0, 1), "y": (1, 2)}])}, {}),
        ({"amltk": {"y": Constant(5), "x": (0, 1)}}, {"y": 5}),
    ],
)
def test_other_tuples_are_tuples_without_a_word(space: Any, suggestion: Any) -> None:
    for make in SEARCHES:
        found = make(space).suggest()[1]
        assert found.items() >= suggestion.items()


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (
            {"a": X, "x": [-5, 5]},
            r"^space\.x: \[-5, 5\] is no range but a list of .* Float\(-5, 5\).*Constant",
        ),
        ({"a": X, "m": {"x": [0.5, 1]}}, r"^space\.m\.x: \[0\.5, 1\] is no range"),
        ({"a": X, "l": [X, [0, 1]]}, r"^space\.l\.1: \[0, 1\] is no range"),
        ({"a": Choice([{"x": [0, 1]}, 3])}, r"^space\.a\.0\.x: \[0, 1\] is no range"),
        ({"a": ["hp_choice", "c", [{"x": [0, 1]}, 3]]}, r"^space\.a\.2\.0\.x: \[0, 1\] is no range"),
        ({"a": X, "x": [np.int64(0), np.float64(1)]}, r"^space\.x: \[0, 1\.0\] is no range"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("make", SEARCHES)
def test_a_list_of_two_numbers_is_warned_of(make: Callable[[Any], Any], space: Any, message: str) -> None:
    with pytest.warns(SpaceWarning, match=message) as caught:
        make(space)
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize("space", [{"x": [-5, 5]}, [[-5, 5], [0, 10]], [0, 1]], ids=repr)
def test_a_space_of_such_lists_alone_is_warned_of_as_a_whole_too(space: Any) -> None:
    with pytest.warns(SpaceWarning) as caught:
        Hyperopt(space)
    said = [str(warning.message) for warning in caught]
    assert said[-1].startswith("space: nothing in it varies, so every trial is the same")
    assert len(said) == (3 if len(space) == 2 and isinstance(space[0], list) else 2)


@pytest.mark.parametrize(
    "space",
    [
        {"x": X, "y": [1, 2, 3]},
        {"x": X, "y": ["a", "b"]},
        {"x": X, "y": [True, False]},
        {"x": X, "y": Constant([1, 2])},
        {"x": X, "y": Categorical([[1, 2], [3, 4]])},
        {"x": X, "y": Choice([[1, 2], [3, 4]])},
        {"x": X, "y": ["hp_choice", "c", [[1, 2], [3, 4]]]},
        {"x": X, "y": ["hp_loggrid", "l", 0, 1, 2]},
        {"neps": {"x": [0.0, 1.0], "y": {"value": [1, 2]}}},
        from_neps({"x": [0.0, 1.0], "y": {"value": [1, 2]}}),
        from_hyperopt({"x": hp.uniform("x", 0, 1), "y": (0.9, 0.999)}),
        {"hyperopt": {"x": hp.uniform("x", 0, 1), "y": [0.9, 0.999]}},
        {"maggy": {"x": ("DOUBLE", [0, 1])}},
        from_amltk({"x": (0, 1), "c": [[1, 2], [3, 4]]}),
    ],
)
def test_what_is_meant_is_not_warned_of(space: Any) -> None:
    for make in SEARCHES:
        make(space)


@pytest.mark.parametrize("space", [{}, {"x": 3}, {"a": {"b": "c"}}, 5, None, {"x": Integer(3, 3)}, {"x": Constant(1)}])
@pytest.mark.parametrize("make", SEARCHES)
def test_a_space_in_which_nothing_varies_is_warned_of(make: Callable[[Any], Any], space: Any) -> None:
    with pytest.warns(
        SpaceWarning, match=r"^space: nothing in it varies, so every trial is the same; put a parameter in"
    ):
        make(space)


def test_a_fidelity_alone_varies_only_for_a_search_that_knows_it() -> None:
    Space.of({"epochs": Integer(1, 9, fidelity=True)})
    with pytest.warns(SpaceWarning, match="nothing in it varies"):
        Hyperopt({"epochs": Integer(1, 9, fidelity=True)})


def test_the_warning_is_one_of_runtime_and_of_users() -> None:
    assert issubclass(SpaceWarning, RuntimeWarning)
    assert issubclass(SpaceWarning, UserWarning)


def loss(x: list[int]) -> float:
    return float(x[0])


def test_it_is_said_once_and_not_when_the_run_is_restored_or_forked(tmp_path: Path) -> None:
    with pytest.warns(SpaceWarning):
        search = Hyperopt({"x": [-5, 5]})
    run = Run(search, loss, StopMax(1), pool="pool_serial").prepare(tmp_path).run()
    assert len(Run.restore(run.work_directory, new_stop=StopMax(2)).run().state.trials) == 2
    assert len(Run.fork(run.work_directory, stop=StopMax(3), directory=tmp_path).run().state.trials) == 3
    assert Run.checkout(run.work_directory).best is not None


def test_parts_of_a_chain_are_looked_at(tmp_path: Path) -> None:
    with pytest.warns(SpaceWarning, match=r"^space\.x: \[0, 1\]"):
        ChainSearch([{"search": {"search_random": {}}}], space={"x": [0, 1], "y": X})


FILES = {
    "space.yaml": "x: [hp_uniform, x, -5, 5]\ny: {a: [hp_float, {low: 0, high: 1}]}\n",
    "space.yml": "x: [hp_uniform, x, -5, 5]\ny:\n  a: [hp_float, {low: 0, high: 1}]\n",
    "space.json": '{"x": ["hp_uniform", "x", -5, 5], "y": {"a": ["hp_float", {"low": 0, "high": 1}]}}',
}
WRITTEN = {"x": ["hp_uniform", "x", -5, 5], "y": {"a": Float(0, 1)}}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("make", SEARCHES)
def test_a_space_is_read_from_a_file(make: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).write_text(FILES[name])
    monkeypatch.chdir(tmp_path)
    expected = make(WRITTEN)
    for given in (name, Path(name), PurePosixPath(name), str(tmp_path / name), tmp_path / name, f"./{name}"):
        search = make(given)
        assert search.get_config() == expected.get_config()
    assert make(name).suggest() == expected.suggest()
    assert from_config({make.kind: {"space": name}}).get_config() == expected.get_config()
    assert Space.of(name).data == Space.of(WRITTEN).data


def test_a_file_is_looked_for_next_to_the_config_and_may_hold_a_dialect(tmp_path: Path) -> None:
    folder = tmp_path / "configs"
    folder.mkdir()
    (folder / "beside_the_config.yaml").write_text("amltk: {x: {range: [0, 1]}, y: [a, b]}\n")
    add_path(folder)
    found = Space.of("beside_the_config.yaml").data
    assert found == Space.of(from_amltk({"x": (0, 1), "y": ["a", "b"]})).data


def test_a_dialect_reads_files_too(tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    file.write_text("x: {range: [0.5, 1]}\ny: [a, b]\n")
    expected = Space.of(from_amltk({"x": (0.5, 1), "y": ["a", "b"]})).data
    assert Space.of({"amltk": str(file)}).data == Space.of({"amltk": file}).data == expected
    assert Space.of(from_amltk(file)).data == expected
    file.write_text("x: [DOUBLE, [0, 1]]\n")
    assert Space.of({"maggy": file}).data == Space.of({"x": Float(0, 1)}).data


def test_lists_in_a_file_are_warned_of(tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    file.write_text("x: [-5, 5]\ny: [hp_uniform, y, 0, 1]\n")
    with pytest.warns(SpaceWarning, match=r"^space\.x: \[-5, 5\] is no range"):
        Hyperopt(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tpe", r"space: takes parameters, or a file that ends with \.yaml, \.yml, \.json, got 'tpe'"),
        ("", "space: takes parameters, or a file that ends with"),
        ("space.txt", "space: takes parameters, or a file that ends with"),
        ("hp_uniform", "space: takes parameters, or a file"),
        ("{x: [hp_uniform, x, 0, 1]}", "space: takes parameters, or a file"),
        ("missing_space.yaml", r"space: no file 'missing_space\.yaml' in "),
        ("/missing/space.json", r"space: no file '/missing/space\.json' in "),
        (Path("missing/space.yml"), r"space: no file 'missing/space\.yml' in "),
    ],
)
@pytest.mark.parametrize("make", [Space.of, *SEARCHES])
def test_a_text_that_is_no_path_of_a_file_is_refused(make: Any, text: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=f"^{message}"):
        make(text)


def test_the_place_in_the_config_is_told() -> None:
    with pytest.raises(ConfigError, match=r"^search_hyperopt\.space: no file 'missing_space\.yaml'"):
        from_config({"search_hyperopt": {"space": "missing_space.yaml"}})
    with pytest.raises(ConfigError, match=r"^search_random\.space\.neps: no file 'missing_space\.yaml'"):
        from_config({"search_random": {"space": {"neps": "missing_space.yaml"}}})
    with pytest.raises(SpaceError, match=r"^space\.hyperopt: takes what fmin takes as its space, got the text"):
        Space.of({"hyperopt": "a.yaml"})
    with pytest.raises(SpaceError, match=r"^space\.configspace: takes parameters, or a file"):
        Space.of({"configspace": "text"})


def test_a_long_space_is_read_from_json(tmp_path: Path) -> None:
    space = {"x": ["hp_choice", "x", [f"option {k} {'-' * 100}" for k in range(12_000)]]}
    text = json.dumps(space)
    assert len(text) > 1024 * 1024  # more than a YAML file may have, whose error says to write JSON
    (tmp_path / "long.json").write_text(text)
    (tmp_path / "marked.json").write_text(text, encoding="utf-8-sig")
    for name in ("long.json", "marked.json"):
        assert Space.of(str(tmp_path / name)).data == Space.of(space).data


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.yaml", "x: [1", "a.yaml, line 1"),
        ("a.yaml", "x: 1\nx: 2\n", "a.yaml, line 2, column 1: the key 'x' stands twice"),
        ("a.yaml", "just a text", "a.yaml holds a text and no space"),
        ("a.yaml", "other.yaml", "a.yaml holds a text and no space"),
        ("a.json", "{", "a.json, line 1, column 2"),
        ("a.json", '{"x": 1, "x": 2}', "a.json: the key 'x' stands twice"),
        ("a.json", '{"x": NaN}', "a.json: NaN is no JSON"),
        ("a.json", '{"x": 1' + "0" * 5000 + "}", "a.json"),
        ("a.json", "\xff", "a.json"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(name: str, content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content.encode("latin-1"))
    with pytest.raises(SpaceError) as caught:
        Hyperopt(tmp_path / name)
    assert str(caught.value).startswith("space: ")
    assert message in str(caught.value)
