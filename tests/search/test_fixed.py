"""``search_fixed``: lists and files, in their order; what is wrong in a file is named with its line."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from runlib import ConfigError, FixedSearch, Float, ReplayMismatch, SearchExhausted, SpaceError
from runlib.engine.component import from_config

LIST = [{"x": 1}, {"x": 0.5, "net": {"lr": 1e-5, "sizes": [3, 4]}}, {"x": 1}]


def everything(search: FixedSearch) -> list[Any]:
    return [search.suggest()[1] for _ in search.suggestions]


def test_a_list_in_its_order_repeats_included() -> None:
    search = FixedSearch(LIST)
    assert everything(search) == LIST
    with pytest.raises(SearchExhausted, match="all 3 suggestions of the list were made"):
        search.suggest()


CSV = '''x, net.lr, net.sizes.0,net.sizes.1,name,flag,data
1,1e-5,3,4,adam,true,"[1, {""a"": null}]"
-2.5,,,,"07",null,"""7"""

'''


def test_a_table_with_dotted_keys_numbers_words_and_empty_cells(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(CSV)
    made = everything(FixedSearch(file=str(tmp_path / "s.csv")))
    assert made == [
        {"x": 1, "net": {"lr": 1e-5, "sizes": [3, 4]}, "name": "adam", "flag": True, "data": [1, {"a": None}]},
        {"x": -2.5, "name": 7, "flag": None, "data": "7"},
    ]
    assert type(made[0]["x"]) is int
    assert type(made[1]["x"]) is float


def test_a_table_as_python_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["flag", "text"], [True, "one\u2028line"], [False, "form\x0cfeed"], ["", "a\nb"]])
    assert FixedSearch(file=str(file)).suggestions == [
        {"flag": True, "text": "one\u2028line"},
        {"flag": False, "text": "form\x0cfeed"},
        {"text": "a\nb"},
    ]


@pytest.mark.parametrize("name", ["s.json", "s.yaml", "s.yml"])
def test_lists_in_other_files(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(json.dumps(LIST))
    assert everything(FixedSearch(file=str(tmp_path / name))) == LIST


def test_the_content_of_the_file_stands_in_the_config(tmp_path: Path) -> None:
    file = tmp_path / "s.csv"
    file.write_text("x\n1\n2\n")
    search = FixedSearch(file=str(file))
    file.unlink()
    config = search.get_config()
    assert config == FixedSearch([{"x": 1}, {"x": 2}]).get_config()
    assert everything(from_config(config)) == [{"x": 1}, {"x": 2}]


def test_a_space_that_is_given_is_kept() -> None:
    space = {"x": Float(0, 1)}
    assert everything(FixedSearch([{"x": 0.5}], space=space)) == [{"x": 0.5}]
    with pytest.raises(SpaceError, match=r"search_fixed\.suggestions\.1\.x: must be a number from 0 to 1, got 3"):
        from_config({"search_fixed": {"suggestions": [{"x": 0.5}, {"x": 3}], "space": space}})


def test_a_recalled_suggestion_must_be_the_next() -> None:
    search = FixedSearch(LIST)
    with pytest.raises(ReplayMismatch, match="it is not suggestion 0 of the list"):
        search.recall(0, {"x": 1.5}, None)
    search.recall(0, {"x": 1}, None)
    assert search.suggest() == (1, LIST[1])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("s.csv", "", "is empty; its first line must name the keys"),
        ("s.csv", "x,y\n1\n", "line 2: 1 cells, where the header has 2"),
        ("s.csv", "x,\n1,2\n", "line 1: column 2 has no key, or one with an empty part"),
        ("s.csv", "a.b,a\n1,2\n", "line 1: the keys 'a.b' and 'a' collide"),
        ("s.csv", "x,x\n1,2\n", "line 1: the keys 'x' and 'x' collide"),
        ("s.csv", "x\n[1\n", "line 2: the cell '\\[1' is no JSON"),
        ("s.csv", "x\n1e999\n", "line 2: 1e999 is beyond the range of a float"),
        ("s.csv", 'x\n"1\n', "line 2: unexpected end of data"),
        ("s.json", "[1, 2", "is no JSON"),
        ("s.json", '{"x": 1}', "must hold a list of suggestions"),
        ("s.yaml", "x: [1, 2", "line 1"),
        ("s.txt", "[]", "must be a .csv, .yaml, .yml or .json file"),
    ],
)
def test_wrong_files_are_named_with_line_and_reason(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        from_config({"search_fixed": {"file": str(tmp_path / name)}})
    assert caught.value.path == "search_fixed.file"
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "search_fixed.suggestions: takes either suggestions or a file"),
        ({"suggestions": [], "file": "s.csv"}, "search_fixed.suggestions: takes either suggestions or a file"),
        ({"suggestions": [{"x": {1}}]}, r"search_fixed\.suggestions\.0\.x: is no data, but of type set"),
        ({"file": "nowhere.csv"}, r"search_fixed\.file: no file 'nowhere\.csv' in "),
        ({"file": 3}, r"search_fixed\.file: must be the path of a file, got 3"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_config({"search_fixed": arguments})
