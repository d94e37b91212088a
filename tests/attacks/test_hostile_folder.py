"""A folder in which somebody else put links, pipes and devices: nothing hangs, nothing outside is read or written."""

from __future__ import annotations

import contextlib
import functools
import operator
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from runlib import Run, StopMax
from runlib.audit.repair import repair
from runlib.audit.verify import verify
from runlib.cli.main import app
from runlib.engine.data.yamlfile import read_yaml
from runlib.engine.directory import Directory, NotPlainFile
from runlib.errors import FolderError, RunlibError, TapeError
from runlib.run.continuation.fork import make_fork
from runlib.run.edits.edit import Inbox
from runlib.run.folder.folder import RunFolder
from runlib.run.folder.large import hash_of
from runlib.tape.events import Session, Submit, Suggest
from tests.attacks.attack_tools import large, prepared, with_bytes
from tests.attacks.hostile_tapes import chained, parsed
from tests.audit.audit_tools import contents, set_tape, tape_run
from tests.fakes import DirectPool, quadratic

pytestmark = pytest.mark.timeout(60)  # a look that waits for a pipe would never end


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of the victim with a file."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "victim").write_text("precious")
    return folder


def _pipe(place: Path, outside: Path) -> None:
    os.mkfifo(place)


def _link_to_a_file(place: Path, outside: Path) -> None:
    place.symlink_to(outside / "victim")


def _link_to_a_new_file(place: Path, outside: Path) -> None:
    place.symlink_to(outside / "new")


def _link_to_a_folder(place: Path, outside: Path) -> None:
    place.symlink_to(outside)


def _link_to_a_device(place: Path, outside: Path) -> None:
    place.symlink_to("/dev/zero")


def _folder(place: Path, outside: Path) -> None:
    place.mkdir()


def _socket(place: Path, outside: Path) -> None:
    here = os.getcwd()
    os.chdir(place.parent)  # the path of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(place.name)
    finally:
        os.chdir(here)


THINGS = [_pipe, _link_to_a_file, _link_to_a_new_file, _link_to_a_folder, _link_to_a_device, _folder, _socket]
BESIDE = [
    "status.txt",
    "log.log",
    "suggestion-0.yml",
    "refined_suggestion-0.yml",
    "tape.son.torn-1",
    "run.lock",
    "inbox",
    "trials",
    "trials/0",
    "trials/0/result.json",
    "inbox/1.json",
    "inbox/1.refused",
    "run.lock.new",
]

each_thing = pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.__name__)


def put(folder: Path, name: str, thing: Callable[[Path, Path], None], outside: Path) -> None:
    """The thing in the place of a file of the run."""
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir():
        with Directory(place.parent) as parent:
            parent.remove(place.name)
    place.unlink(missing_ok=True)
    thing(place, outside)


def is_as_it_was(outside: Path) -> bool:
    return contents(outside) == {"victim": b"precious"}


def only_own_errors(action: Callable[[], Any]) -> None:
    """Whatever comes of it, it ends, and raises nothing that is not told in a sentence."""
    with contextlib.suppress(RunlibError):
        action()


@each_thing
@pytest.mark.parametrize("name", BESIDE)
def test_everything_ends_and_nothing_outside_is_touched(
    tmp_path: Path, outside: Path, name: str, thing: Callable[[Path, Path], None]
) -> None:
    folder = prepared(tmp_path, evaluator=large, count=4).run().work_directory
    put(folder, name, thing, outside)
    assert Run.checkout(folder).state.trials
    verify(folder)
    for words in (["status"], ["top"], ["verify"]):
        result = CliRunner().invoke(app, [*words, str(folder)])
        assert result.exception is None or isinstance(result.exception, SystemExit)
    only_own_errors(lambda: repair(folder, tmp_path / "repaired"))
    only_own_errors(
        lambda: Run.fork(
            folder, directory=tmp_path, name="fork", evaluator=large, pool=DirectPool(), stop=StopMax(6)
        ).run()
    )
    only_own_errors(lambda: Inbox(folder).annotate(None, "a remark"))
    only_own_errors(lambda: Run.restore(folder, evaluator=large, pool=DirectPool(), new_stop=StopMax(8)).run())
    assert is_as_it_was(outside)


@each_thing
def test_a_run_is_not_stopped_by_what_appears_in_its_folder(
    tmp_path: Path, outside: Path, thing: Callable[[Path, Path], None]
) -> None:
    run = prepared(tmp_path)
    for name in ("status.txt", "inbox/1.json", "suggestion-0.yml", "tape.son.torn-1", "trials/0"):
        put(run.work_directory, name, thing, outside)
    assert len(run.run().state.trials) == 12
    assert is_as_it_was(outside)


@each_thing
def test_what_is_no_tape_is_no_run(tmp_path: Path, outside: Path, thing: Callable[[Path, Path], None]) -> None:
    folder = prepared(tmp_path).run().work_directory
    put(folder, "tape.son", thing, outside)
    for words in (["status"], ["top"], ["verify"], ["restore"], ["fork"], ["annotate"], ["repair"]):
        more = {"annotate": ["x"], "repair": [str(tmp_path / "new")], "fork": ["--directory", str(tmp_path)]}
        result = CliRunner().invoke(app, [*words, str(folder), *more.get(words[0], [])])
        assert result.exit_code in (1, 2)
        assert isinstance(result.exception, SystemExit)
    assert not (tmp_path / "new").exists()
    assert is_as_it_was(outside)


@each_thing
def test_what_is_no_config_is_said(tmp_path: Path, outside: Path, thing: Callable[[Path, Path], None]) -> None:
    thing(tmp_path / "c.yml", outside)
    result = CliRunner().invoke(app, ["run", str(tmp_path / "c.yml"), "--directory", str(tmp_path / "runs")])
    assert (result.exit_code, isinstance(result.exception, SystemExit)) == (2, True)
    assert "c.yml" in result.output
    assert is_as_it_was(outside)


def test_a_config_may_come_through_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "c.yml")
    read = threading.Thread(target=lambda: (tmp_path / "c.yml").write_text("run: {search: 1}"))
    with open(os.open(tmp_path / "c.yml", os.O_RDONLY | os.O_NONBLOCK), "rb"):  # so that the writer does not wait
        read.start()
        read.join()
        assert read_yaml(tmp_path / "c.yml") == {"run": {"search": 1}}


@pytest.mark.parametrize("evaluator", [large, with_bytes])
@pytest.mark.parametrize("name", ["trials", "trials/1"])
def test_no_file_of_a_result_is_written_through_a_link(
    tmp_path: Path, outside: Path, name: str, evaluator: Any
) -> None:
    run = prepared(tmp_path, evaluator=evaluator)
    put(run.work_directory, name, _link_to_a_folder, outside)
    with pytest.raises(RunlibError, match=r"could not be written: .* is a symbolic link"):
        run.run()
    assert is_as_it_was(outside)


@each_thing
def test_what_lies_where_bytes_of_a_result_were_is_not_taken_for_them(
    tmp_path: Path, outside: Path, thing: Callable[[Path, Path], None]
) -> None:
    folder = prepared(tmp_path, evaluator=with_bytes, count=3).run().work_directory
    put(folder, "trials/1/returned-png", thing, outside)
    report = verify(folder)
    assert report.verdict == "damaged"
    assert "returned-png is no file of this run" in report.findings[0].text
    with pytest.raises(RunlibError, match="returned-png is no file of this run"):
        Run.checkout(folder).full_result(1)
    with pytest.raises(RunlibError, match="returned-png is no file of this run"):
        Run.fork(folder, directory=tmp_path, name="fork")
    repair(folder, tmp_path / "repaired")
    assert verify(tmp_path / "repaired").verdict == "intact"
    assert Run.checkout(folder).full_result(2)["ok"]["png"] == b"\x89PNG"
    assert is_as_it_was(outside)


@each_thing
def test_bytes_of_a_result_replace_what_somebody_put_there(
    tmp_path: Path, outside: Path, thing: Callable[[Path, Path], None]
) -> None:
    run = prepared(tmp_path, evaluator=with_bytes, count=3)
    put(run.work_directory, "trials/1/returned-png", thing, outside)
    if thing is _folder:
        with pytest.raises(RunlibError, match="returned-png could not be written"):
            run.run()
    else:
        assert run.run().full_result(1)["ok"]["png"] == b"\x89PNG"
        assert verify(run.work_directory).verdict == "intact"
    assert is_as_it_was(outside)


@pytest.mark.parametrize("name", ["inbox", "inbox/left"])
def test_no_command_is_written_through_a_link(tmp_path: Path, outside: Path, name: str) -> None:
    run = prepared(tmp_path)
    put(run.work_directory, name, _link_to_a_folder, outside)
    if name == "inbox":
        with pytest.raises(FolderError, match="inbox is a symbolic link"):
            Inbox(run.work_directory).annotate(None, "x")
    else:
        run.run()
    assert is_as_it_was(outside)


def test_no_tape_is_gone_on_with_through_a_link(tmp_path: Path) -> None:
    folder = prepared(tmp_path).run().work_directory
    (folder / "tape.son").rename(tmp_path / "elsewhere")
    (folder / "tape.son").symlink_to(tmp_path / "elsewhere")
    before = (tmp_path / "elsewhere").read_bytes()
    assert len(Run.checkout(folder).state.trials) == 12
    with pytest.raises(FolderError, match=r"tape\.son is a symbolic link"):
        Run.restore(folder, evaluator=quadratic, pool=DirectPool())
    assert (tmp_path / "elsewhere").read_bytes() == before


def test_a_run_may_be_reached_through_links(tmp_path: Path) -> None:
    folder = prepared(tmp_path / "real").work_directory
    (tmp_path / "link").symlink_to(folder)
    run = Run.restore(tmp_path / "link", evaluator=quadratic, pool=DirectPool()).run()
    assert len(run.state.trials) == 12
    assert verify(tmp_path / "link").verdict == "intact"


NAMES = [
    "link/../../../new",
    "/etc/passwd",
    "trials/0/../../../new",
    "../new",
    "trials//0/result.json",
    "trials/0/result.json/",
    "trials/00/result.json",
    "trials/-1/result.json",
    "trials/0/other.json",
    "trials/0/result.json\n",
    "trials/0/returned-../../new",
    "trials/0/returned-/etc/passwd",
    "trials/0/returned-",
    "trials/0/returned-x/../../../new",
    "trials/\u0661/returned-png",
    "trials/07/returned-png",
    "trials/0/returned-png\n",
    "trials/0/returned-\xe9",
    "tape.son",
    "run.lock",
    "",
    ".",
    7,
    None,
    ["trials/0/result.json"],
]


def tape_with(directory: Path, result: dict[str, Any], place: tuple[Any, ...], name: Any) -> Path:
    """A run with a right chain in which the result of trial 0 names a file so."""
    folder = directory / "run_x"
    data = tape_run(folder, [Session({"host": "h", "pid": 1}), Suggest(0, {"x": 1}), Submit(0, result)])
    metadata, records = parsed(data)
    functools.reduce(operator.getitem, place, records[-1]["submit"]["result"])["name"] = name
    return set_tape(folder, chained(metadata, records))


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_no_name_on_a_tape_becomes_a_path(tmp_path: Path, name: Any) -> None:
    result = {"ok": {"loss": 1.0}, "file": {"name": "trials/0/result.json", "bytes": 8, "hash": "0" * 32}}
    folder = tape_with(tmp_path, result, ("file",), name)
    before = contents(tmp_path)
    assert verify(folder).verdict == "damaged"
    with pytest.raises(TapeError, match=r"has not the form of its kind|must be"):
        Run.fork(folder, directory=tmp_path, name="fork")
    with pytest.raises(TapeError, match=r"has not the form of its kind|must be"):
        Run.checkout(folder)
    assert contents(tmp_path) == before
    repair(folder, tmp_path / "repaired")
    assert {path.name for path in tmp_path.iterdir()} == {"run_x", "repaired"}
    assert {path.name for path in (tmp_path / "repaired").iterdir()} == {"tape.son"}


@pytest.mark.parametrize("name", [*NAMES, "trials/0/result.json"], ids=repr)
def test_bytes_are_looked_for_by_names_of_their_form_alone(tmp_path: Path, name: Any) -> None:
    entry = {"at": ["png"], "name": "trials/0/returned-png", "bytes": 8, "hash": "0" * 32}
    result = {"ok": {"loss": 1.0, "png": "returned-png"}, "files": [entry]}
    folder = tape_with(tmp_path, result, ("files", 0), name)
    before = contents(tmp_path)
    assert verify(folder).verdict == "damaged"
    with pytest.raises(TapeError):
        Run.checkout(folder)
    with pytest.raises(TapeError):
        make_fork(RunFolder.find(folder), None, tmp_path, {"name": "fork"})
    assert contents(tmp_path) == before
    repair(folder, tmp_path / "repaired")
    assert {path.name for path in tmp_path.iterdir()} == {"run_x", "repaired"}
    assert {path.name for path in (tmp_path / "repaired").iterdir()} <= {"tape.son", "run.lock"}


def test_a_file_that_several_results_name_is_copied_once(tmp_path: Path) -> None:
    folder, data = tmp_path / "run_x", b"png"
    entry = {"at": ["png"], "name": "trials/0/returned-png", "bytes": 3, "hash": hash_of(data)}
    results = [Submit(tid, {"ok": {"loss": float(tid), "png": "returned-png"}, "files": [entry]}) for tid in (0, 1)]
    tape_run(folder, [Session({"host": "h", "pid": 1}), Suggest(0, {"x": 1}), Suggest(1, {"x": 2}), *results])
    (folder / "trials" / "0").mkdir(parents=True)
    (folder / entry["name"]).write_bytes(data)
    make_fork(RunFolder.find(folder), None, tmp_path, {"name": "fork"})
    repair(folder, tmp_path / "repaired")
    for copy in ("run_fork", "repaired"):
        assert verify(tmp_path / copy).verdict == "intact"
        assert Run.checkout(tmp_path / copy).full_result(1)["ok"]["png"] == data


@each_thing
def test_a_directory_opens_only_plain_files(tmp_path: Path, outside: Path, thing: Callable[[Path, Path], None]) -> None:
    thing(tmp_path / "a", outside)
    with Directory(tmp_path) as directory:
        for flags in (os.O_RDWR, os.O_RDWR | os.O_CREAT, os.O_WRONLY | os.O_APPEND | os.O_CREAT):
            with pytest.raises(NotPlainFile, match=r"a is a (symbolic link|pipe|folder|socket)"):
                directory.open("a", flags)
        with pytest.raises(NotPlainFile):
            directory.read("a", 10)
        if thing is not _folder:
            with pytest.raises(NotPlainFile):
                directory.inside("a", make=True)
        directory.remove("a")
    assert not os.path.lexists(tmp_path / "a")
    assert is_as_it_was(outside)


def test_removing_a_folder_follows_no_link(tmp_path: Path, outside: Path) -> None:
    for name in ("f/a", "f/g/b"):
        put(tmp_path, name, _link_to_a_folder, outside)
    with Directory(tmp_path) as directory:
        directory.remove("f")
    assert is_as_it_was(outside)


def test_a_directory_follows_where_it_is_moved(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with Directory(tmp_path / "a") as directory:
        assert directory.is_at_path()
        (tmp_path / "a").rename(tmp_path / "b")
        assert not directory.is_at_path()
        assert directory.find() == tmp_path / "b"
        directory.inside("c", "d", make=True).replace("e", b"1", durable=True)
        assert (tmp_path / "b" / "c" / "d" / "e").read_bytes() == b"1"
        directory.remove("c")
        (tmp_path / "b").rmdir()
        assert directory.find() is None
    with pytest.raises(ValueError, match="is closed"):
        directory.names()
