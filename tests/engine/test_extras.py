"""Modules that are imported when used: what is missing is told with the extra that brings it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from runlib.engine import extras
from runlib.errors import MissingExtra


def test_a_module_is_imported_by_its_full_name() -> None:
    assert extras.load("xml.sax.handler") is sys.modules["xml.sax.handler"]


def test_a_missing_module_names_the_extra() -> None:
    with pytest.raises(MissingExtra, match=r"no_such_thing\.part is needed.*pip install 'runlib\[plots\]'") as caught:
        extras.load("no_such_thing.part", "plots")
    assert isinstance(caught.value, ImportError)


def test_a_missing_core_module_is_an_ordinary_error() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_thing"):
        extras.load("no_such_thing")


def test_a_module_that_is_there_but_lacks_another_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there_but_broken.py").write_text("import what_it_needs\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="what_it_needs") as caught:
        extras.load("there_but_broken", "plots")
    assert not isinstance(caught.value, MissingExtra)
