"""Files of NePS are read as NePS reads them, by the rules of YAML 1.1, wherever they are named."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml

from runlib import Categorical, ConfigError, Float, Hyperopt, Integer, Space, SpaceError, from_config, from_neps
from runlib.cli.job import read_job
from runlib.engine.data.yaml11 import as_yaml_1_1
from runlib.engine.data.yamlfile import parse_yaml
from runlib.space.dialects.neps import reread_words

FILE = """
batch: {lower: 1e0, upper: 1e2}
learning_rate: {lower: 1e-5, upper: 1e-1, log: yes, prior: 1e-3, prior_confidence: high}
epochs: {lower: 5, upper: 2_000, is_fidelity: on}
layers: [1, 0x10]
alpha: [1.0e-3, 1.0]
steps: 1e3
quoted: {value: "1e3"}
plain: {value: 1e3}
nesterov: [yes, no]
switch: [off, "on", 'yes']
mode: 010
when: 2020-01-01
nothing: [~, none]
text: ["12", a, 3]
name: adam
"""
WRITTEN = {
    "batch": Integer(1, 100),
    "learning_rate": Float(1e-5, 1e-1, log=True, prior=1e-3, prior_confidence="high"),
    "epochs": Integer(5, 2000, fidelity=True),
    "layers": Integer(1, 16),
    "alpha": Float(1e-3, 1.0),
    "steps": 1000,
    "quoted": 1000,
    "plain": 1000,
    "nesterov": Categorical([True, False]),
    "switch": Categorical([False, "on", "yes"]),
    "mode": 8,
    "when": "2020-01-01",
    "nothing": Categorical([None, "none"]),
    "text": Categorical(["12", "a", 3]),
    "name": "adam",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "pipeline_space.yaml"
    made.write_text(FILE)
    return made


def test_a_file_is_read_as_neps_reads_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = Space.of(WRITTEN).data
    monkeypatch.chdir(file.parent)
    for name in (file, str(file), file.name, Path(file.name)):
        assert repr(Space.of(from_neps(name)).data) == repr(expected)
        assert repr(Space.of({"neps": name}).data) == repr(expected)
    search = from_config({"search_hyperopt": {"space": {"neps": file.name}}})
    assert search.suggest() == Hyperopt(WRITTEN).suggest()


def test_it_is_what_their_reader_makes_of_it(file: Path) -> None:
    theirs = yaml.safe_load(file.read_text().replace("2020-01-01", "'2020-01-01'"))
    assert from_neps(theirs) == from_neps(file)


def test_a_config_of_neps_may_hold_the_space(file: Path) -> None:
    whole = file.with_name("config.yaml")
    whole.write_text(
        "evaluate_pipeline: train.py:run\npipeline_space:\n  a: {lower: 1e0, upper: 1e1}\n  b: [yes, no]\n"
    )
    assert from_neps(whole) == from_neps({"a": {"lower": "1e0", "upper": "1e1"}, "b": [True, False]})


@pytest.mark.parametrize(
    "text",
    [
        "neps:\n  batch: {lower: 1e0, upper: 1e2}\n  nesterov: [yes, no]\n  steps: 1e3\n",
        "{neps: {batch: {lower: 1e0, upper: 1e2}, nesterov: [yes, no], steps: 1e3}}",
    ],
)
def test_under_the_word_in_a_file_of_a_space(text: str, tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(text)
    expected = Space.of({"batch": Integer(1, 100), "nesterov": Categorical([True, False]), "steps": 1000}).data
    assert repr(Space.of(tmp_path / "space.yaml").data) == repr(expected)


RUN = """
run:
  search:
    search_hyperopt:
      space:
        neps: {batch: {lower: 1e0, upper: 1e2}, nesterov: [yes, no], steps: 1e3}
  evaluator: {eval_function: {function: "os:getcwd"}}
  stop: {stop_max: {count: 1e1}}
  description: yes
"""


def test_under_the_word_in_the_config_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(RUN)
    run: Any = read_job(tmp_path / "run.yaml").run
    space = run["search"]["search_hyperopt"]["space"]
    assert (
        Space.of(space).data
        == Space.of({"batch": Integer(1, 100), "nesterov": Categorical([True, False]), "steps": 1000}).data
    )
    assert run["stop"] == {"stop_max": {"count": 10.0}}
    assert run["description"] == "yes"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{space: {neps: {a: yes}}}", {"space": {"neps": {"a": True}}}),
        ("{space: {other: {a: yes}}}", {"space": {"other": {"a": "yes"}}}),
        ("{space: {neps: {a: yes}, b: yes}}", {"space": {"neps": {"a": "yes"}, "b": "yes"}}),
        ("{other: {neps: {a: yes}}}", {"other": {"neps": {"a": "yes"}}}),
        ("{neps: {a: yes}}", {"neps": {"a": True}}),
        ("{x: &x {a: yes}, space: {neps: *x}}", {"x": {"a": "yes"}, "space": {"neps": {"a": True}}}),
        (
            "{x: &x {a: yes}, space: {neps: {<<: *x, b: no}}}",
            {"x": {"a": "yes"}, "space": {"neps": {"a": True, "b": False}}},
        ),
        ("[{space: {neps: {a: [yes, {b: 1_0}]}}}]", [{"space": {"neps": {"a": [True, {"b": 10}]}}}]),
        ("text", "text"),
    ],
)
def test_nothing_else_is_read_so(text: str, value: Any) -> None:
    assert parse_yaml(text, reread=reread_words) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1e3, 1.0e+3, 1.5, .5, 1., -.inf]", ["1e3", 1000.0, 1.5, 0.5, 1.0, float("-inf")]),
        ("[010, 0b11, 0x1F, 1_000, 1:30]", [8, 3, 31, 1000, 90]),
        ("[y, n, Yes, NO, On, OFF, true]", ["y", "n", True, False, True, False, True]),
        ("- ~\n- null\n- ''\n- \"no\"\n- |-\n  no\n", [None, None, "", "no", "no"]),
        ("{yes: no}", {"yes": False}),
    ],
)
def test_scalars_of_yaml_1_1(text: str, value: Any) -> None:
    assert repr(parse_yaml(text, reread=as_yaml_1_1)) == repr(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", "line 2, column 1: the key 'a' stands twice"),
        ("a: " + "9" * 5000, "line 1, column 4: an integer with too many digits"),
        ("a: !<\0yaml-1.1:int> x", "special characters are not allowed"),
        ("a: {lower: 2, upper: 1}", "neps.a: lower must be below upper, got 2 and 1"),
        ("[1, 2]", "neps: takes a dict of parameters"),
    ],
)
def test_what_is_wrong_in_a_file(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(text)
    with pytest.raises(SpaceError) as caught:
        from_neps(tmp_path / "space.yaml")
    assert message in str(caught.value)


def test_a_file_that_is_missing() -> None:
    with pytest.raises(SpaceError, match=r"^neps: no file 'missing_neps\.yaml' in "):
        from_neps("missing_neps.yaml")
    with pytest.raises(SpaceError, match=r"^neps: takes parameters, or a file"):
        from_neps("adam")
    with pytest.raises(ConfigError, match=r"^search_grid\.space\.neps: no file"):
        from_config({"search_grid": {"space": {"neps": "missing_neps.yaml"}}})


def test_reading_warns_of_nothing(file: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Hyperopt({"neps": file})
