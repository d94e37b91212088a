"""Datasets read numbers lazily, and each thing that is wrong with a file has one clear error."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runlib.engine import registry
from runlib.engine.component import from_config
from runlib.errors import ConfigError
from runlib.evaluator import CsvDataset, Dataset, NpzDataset, SplitDataset

X = np.arange(12.0).reshape(6, 2)
Y = np.arange(6.0)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "data.npz", x=X, y=Y, energy=-Y)
    rows = [f"{a},{b},{c}" for (a, b), c in zip(X, Y, strict=True)]
    (tmp_path / "data.csv").write_text("\n".join(["age, height ,target", *rows, ""]))
    return tmp_path


def test_npz() -> None:
    x, y = NpzDataset("data.npz").load()
    assert np.array_equal(x, X)
    assert np.array_equal(y, Y)
    assert np.array_equal(NpzDataset("data.npz", y="energy").load()[1], -Y)


def test_csv() -> None:
    x, y = CsvDataset("data.csv", "target").load()
    assert np.array_equal(x, X)
    assert np.array_equal(y, Y)
    x, y = CsvDataset("data.csv", "age", features=["height"]).load()
    assert np.array_equal(x, X[:, 1:])
    assert np.array_equal(y, X[:, 0])


def test_csv_of_other_programs(folder: Path) -> None:
    (folder / "excel.csv").write_bytes('\ufeff"a";b\r\n1;2\r\n\r\n3;4e1\r\n'.encode())
    x, y = CsvDataset("excel.csv", "b", delimiter=";").load()
    assert x.tolist() == [[1.0], [3.0]]
    assert y.tolist() == [2.0, 40.0]


def test_the_file_is_read_when_asked_and_found_when_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = NpzDataset("data.npz")
    again = pickle.loads(pickle.dumps(dataset))
    monkeypatch.chdir("/")
    assert np.array_equal(again.load()[1], Y)
    (folder / "data.npz").unlink()
    with pytest.raises(ConfigError, match=r"data.npz cannot be read"):
        dataset.load()


def test_the_split_parts_are_the_whole_and_the_same_every_time() -> None:
    parts = [SplitDataset("data.npz", part, share=0.33).load() for part in ("train", "test")]
    (x_train, y_train), (x_test, y_test) = parts
    assert (len(y_train), len(y_test)) == (4, 2)
    assert sorted([*y_train, *y_test]) == Y.tolist()
    assert np.array_equal(x_train[:, 0], 2 * y_train)  # the rows stay together
    assert np.array_equal(x_test[:, 0], 2 * y_test)
    assert np.array_equal(SplitDataset("data.npz", "test", share=0.33).load()[1], y_test)
    others = [SplitDataset("data.npz", "test", share=0.33, seed=seed).load()[1].tolist() for seed in range(1, 6)]
    assert any(other != y_test.tolist() for other in others)


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_no_part_is_empty(share: float) -> None:
    sizes = [len(SplitDataset("data.npz", part, share=share).load()[1]) for part in ("train", "test")]
    assert sorted(sizes) == [1, 5]


def test_a_split_of_a_table_and_of_a_config() -> None:
    table = SplitDataset("data.csv", "train", target="target").load()
    config = SplitDataset({"data_csv": {"file": "data.csv", "target": "target"}}, "train").load()
    assert np.array_equal(table[0], config[0])


@pytest.mark.parametrize(
    "config",
    [
        {"data_npz": {"file": "data.npz", "y": "energy"}},
        {"data_csv": {"file": "data.csv", "target": "target", "features": ["age"]}},
        {"data_split": {"data": "data.csv", "part": "train", "target": "target"}},
        {"data_split": {"data": {"data_npz": {"file": "data.npz"}}, "part": "test", "seed": 4}},
    ],
)
def test_config_round_trip(config: Any) -> None:
    dataset = from_config(config, family=Dataset)
    again = from_config(json.loads(json.dumps(dataset.get_config())), family=Dataset)
    assert again.get_config() == dataset.get_config()
    for name, value in next(iter(config.values())).items():
        if not isinstance(value, dict):
            assert next(iter(dataset.get_config().values()))[name] == value
    assert np.array_equal(again.load()[0], dataset.load()[0])


@pytest.mark.parametrize(
    ("config", "path", "text"),
    [
        ({"data_npz": {"file": "none.npz"}}, "data_npz.file", "no file 'none.npz' in"),
        ({"data_npz": {"file": 3}}, "data_npz.file", "must be a path, got 3"),
        ({"data_csv": {"file": "none.csv", "target": "y"}}, "data_csv.file", "no file 'none.csv' in"),
        ({"data_csv": {"file": "data.csv"}}, "data_csv", "'target' is missing"),
        (
            {"data_csv": {"file": "data.csv", "target": "y", "delimiter": ""}},
            "data_csv.delimiter",
            "one character",
        ),
        (
            {"data_csv": {"file": "data.csv", "target": "y", "features": []}},
            "data_csv.features",
            "at least one",
        ),
        ({"data_csv": {"file": "data.csv", "target": "y", "features": "age"}}, "data_csv.features", "list"),
        ({"data_split": {"data": "data.npz", "part": "all"}}, "data_split.part", "'train' or 'test'"),
        (
            {"data_split": {"data": "data.npz", "part": "test", "share": 1}},
            "data_split.share",
            "between 0 and 1",
        ),
        ({"data_split": {"data": "data.npz", "part": "test", "seed": -1}}, "data_split.seed", "at least 0"),
        ({"data_split": {"data": "data.csv", "part": "test"}}, "data_split.target", "which column"),
        ({"data_split": {"data": "data.txt", "part": "test"}}, "data_split.data", ".npz or .csv"),
        ({"data_split": {"data": {"stop_max": {}}, "part": "test"}}, "data_split.data", ""),
        (
            {"data_split": {"data": {"data_npz": {"file": "none.npz"}}, "part": "test"}},
            "data_split.data.data_npz.file",
            "no file",
        ),
        (
            {"data_split": {"data": {"data_npz": {"file": "data.npz"}}, "part": "test", "target": "y"}},
            "data_split.target",
            "only for datasets given as paths",
        ),
    ],
)
def test_wrong_arguments_are_refused_with_their_path(config: Any, path: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_config(config, family=Dataset)
    assert caught.value.path == path
    assert text in caught.value.reason


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"x": X}, "has no array 'y'; it has x"),
        ({"x": X, "y": Y[:4]}, "x has 6 samples and y has 4"),
        ({"x": X.astype(str), "y": Y}, "x must hold numbers, but is of type <U"),
        ({"x": X, "y": np.array([None] * 6)}, "cannot be read as an .npz file of numbers"),
        ({"x": X[:0], "y": Y[:0]}, "it holds no samples"),
        ({"x": X, "y": np.array([0, 1, 2, np.nan, np.inf, 5])}, "y holds 2 values that are not finite"),
        ({"x": X, "y": 3.0}, "y must hold one entry per sample"),
    ],
)
def test_what_is_wrong_in_an_npz_file(folder: Path, arrays: dict[str, Any], text: str) -> None:
    np.savez(folder / "wrong.npz", **arrays)
    with pytest.raises(ConfigError, match=text):
        NpzDataset("wrong.npz").load()


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 cut off", b"\x93NUMPY"])
def test_a_file_that_is_no_npz(folder: Path, content: bytes) -> None:
    (folder / "wrong.npz").write_bytes(content)
    with pytest.raises(ConfigError, match=r"wrong.npz cannot be read as an .npz file"):
        NpzDataset("wrong.npz").load()


def test_a_damaged_npz_file(folder: Path) -> None:
    content = bytearray((folder / "data.npz").read_bytes())
    content[200] ^= 0xFF
    (folder / "wrong.npz").write_bytes(content)
    with pytest.raises(ConfigError, match=r"wrong.npz cannot be read as an .npz file"):
        NpzDataset("wrong.npz").load()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a,b\n1,2\n", "has no column 'target'; its columns are a, b"),
        ("a,target,target\n1,2,3\n", "has the column 'target' twice"),
        ("a,target\n1,2\nx,3\n", "line 3, column 'a': 'x' is no number"),
        ("a,target\n1,\n", "line 2, column 'target': '' is no number"),
        ("a,target\n1,2,3\n", "line 2: 3 cells under 2 columns"),
        ("a,target\n", "it holds no samples"),
        ("", "has no column 'target'"),
        ("a,target\n1,nan\n", "y holds 1 values that are not finite"),
    ],
)
def test_what_is_wrong_in_a_csv_file(folder: Path, text: str, error: str) -> None:
    (folder / "wrong.csv").write_text(text)
    with pytest.raises(ConfigError, match=error):
        CsvDataset("wrong.csv", "target").load()


def test_a_csv_file_that_is_no_text(folder: Path) -> None:
    (folder / "wrong.csv").write_bytes(b"a,target\n\xff\xfe,1\n")
    with pytest.raises(ConfigError, match=r"cannot be read as a \.csv file"):
        CsvDataset("wrong.csv", "target").load()


def test_the_fingerprint_is_that_of_the_content(folder: Path) -> None:
    dataset = CsvDataset("data.csv", "target")
    first = dataset.fingerprint()
    assert first is not None
    assert len(first) == 32
    assert first == CsvDataset("data.csv", "age").fingerprint()
    assert SplitDataset("data.csv", "test", target="target").fingerprint() == first
    (folder / "data.csv").write_text((folder / "data.csv").read_text() + "1,2,3\n")
    assert dataset.fingerprint() != first
    arrays = NpzDataset("data.npz").fingerprint()
    np.savez(folder / "data.npz", x=X, y=Y + 1)
    assert NpzDataset("data.npz").fingerprint() not in (None, arrays)


def test_a_file_that_is_gone_has_no_fingerprint(folder: Path) -> None:
    dataset = CsvDataset("data.csv", "target")
    (folder / "data.csv").unlink()
    with pytest.raises(ConfigError, match=r"data.csv cannot be read: No such file"):
        dataset.fingerprint()


@pytest.mark.parametrize("n", [1, 2])
def test_two_samples_can_be_split_and_one_cannot(folder: Path, n: int) -> None:
    np.savez(folder / "few.npz", x=X[:n], y=Y[:n])
    dataset = SplitDataset("few.npz", "test")
    if n == 2:
        assert dataset.load()[1].shape == (1,)
        return
    with pytest.raises(ConfigError, match="data: cannot be split in two: it holds 1 sample"):
        dataset.load()


def test_the_defaults_of_a_split() -> None:
    config = {"data": "data.npz", "part": "test", "share": 0.25, "seed": 0, "target": None}
    assert SplitDataset("data.npz", "test").get_config() == {"data_split": config}


class Unread(Dataset):
    """A dataset that forgot to load."""

    kind = "data_unread"


def test_what_a_dataset_gets_from_the_base() -> None:
    assert Dataset not in registry.classes(Dataset)
    assert Unread().fingerprint() is None
    with pytest.raises(NotImplementedError, match=r"Unread has no load\(\)"):
        Unread().load()
