"""``runlib verify`` and ``runlib repair`` as a user types them: what they say, and their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runlib import Run
from tests.audit.audit_tools import contents, pieces, set_tape, smear
from tests.cli.conftest import Command


@pytest.fixture
def folder(project: Path, quick: Command) -> Path:
    """A run of six trials."""
    assert quick("run", "project/run.yaml", "--quiet").returncode == 0
    return project / "run_red_fox"


def test_verify_says_intact_in_one_line(folder: Path, quick: Command) -> None:
    done = quick("verify", "run_red_fox")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{folder}: intact (15 records, 6 trials finished, 1 live)\n"


def test_verify_in_a_process_of_its_own_needs_no_plugin(folder: Path, command: Command) -> None:
    (folder.parent / "project" / "steps.py").unlink()
    assert command("verify", "run_red_fox").returncode == 0
    done = command("verify", "run_red_fox", "--replay")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: search: ")


def test_verify_replay(folder: Path, command: Command) -> None:
    done = command("verify", "run_red_fox", "--replay")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("1 live, 7 suggestions asked for again)\n")
    moved = folder.parent / "moved.py"
    moved.write_text((folder.parent / "project" / "steps.py").read_text().replace("* 7 %", "* 3 %"))
    (folder.parent / "project" / "steps.py").unlink()
    done = command("verify", "run_red_fox", "--replay", "--plugin", "moved.py")
    assert done.returncode == 1
    assert "error: record 2: asked again, search_steps suggests" in done.stdout


def test_verify_of_a_damaged_run(folder: Path, quick: Command) -> None:
    set_tape(folder, smear((folder / "tape.son").read_bytes(), 5))
    done = quick("verify", "run_red_fox")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0] == f"{folder}: damaged (4 records, 1 trials finished, 1 live)"
    assert "damaged at record 5, byte" in lines[1]
    assert lines[-1] == "  note: 14 records are intact, the last one is 15; runlib repair saves them"


def test_verify_of_a_torn_run(folder: Path, quick: Command) -> None:
    (folder / "status.txt").unlink()
    set_tape(folder, (folder / "tape.son").read_bytes()[:-30])
    done = quick("verify", "run_red_fox", "--json")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert (told["verdict"], told["counts"]["records"], told["folder"]) == ("torn", 14, str(folder))


def test_verify_of_no_run(project: Path, quick: Command) -> None:
    done = quick("verify", "project")
    assert done.returncode == 2
    assert done.stdout.startswith("project: not a run\n  error: project is no run: there is no tape.son in it")


def test_many_findings_are_cut_short(folder: Path, quick: Command) -> None:
    for path in folder.glob("suggestion-*.yml"):
        path.write_text("x")
    for k in range(30):
        (folder / f"tape.son.torn-{k}").write_bytes(b"{")
    lines = quick("verify", "run_red_fox").stdout.splitlines()
    assert (len(lines), lines[-1]) == (22, "  and 15 more; --json has them all")
    assert len(json.loads(quick("verify", "run_red_fox", "--json").stdout)["findings"]) == 35


def test_repair_tells_what_is_lost_and_how_to_go_on(folder: Path, quick: Command) -> None:
    set_tape(folder, smear((folder / "tape.son").read_bytes(), 4))
    before = contents(folder)
    done = quick("repair", "run_red_fox", "new fox")
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(folder) == before
    into = folder.parent / "new fox"
    lines = done.stdout.splitlines()
    assert lines[0] == f"{into}: 13 records saved, 2 lost"
    assert lines[1].startswith("  error: bytes ")
    assert lines[3] == "Lost trials: 1."
    assert lines[4] == "Renumbered trials: 2 -> 1, 3 -> 2, 4 -> 3, 5 -> 4, 6 -> 5."
    assert lines[5].startswith(f"Go on with: runlib restore '{into}'. As suggestions were made knowing what is lost")
    assert len(Run.checkout(into).state.trials) == 5


def test_repair_of_one_wrong_byte(folder: Path, quick: Command) -> None:
    data = (folder / "tape.son").read_bytes()
    set_tape(folder, data.replace(b"0.0081", b"0.0071", 1))
    done = quick("repair", "run_red_fox", "run_new")
    lines = done.stdout.splitlines()
    assert lines[0] == f"{folder.parent / 'run_new'}: 15 records saved, 1 of them put right, none lost"
    assert lines[-1] == f"Go on exactly with: runlib restore {folder.parent / 'run_new'}"
    assert Run.checkout(folder.parent / "run_new").best == Run.checkout(set_tape(folder, data)).best


def test_repair_as_json(folder: Path, quick: Command) -> None:
    parts = pieces((folder / "tape.son").read_bytes())
    set_tape(folder, b"\n---\n".join([*parts[:2], *parts[3:]]))
    told = json.loads(quick("repair", "run_red_fox", "run_new", "--json").stdout)
    assert (told["kept"], told["exact"], told["reopened"]) == (12, False, [0])
    assert told["into"] == str(folder.parent / "run_new")
    assert [found["n"] for found in told["dropped"]] == [4, 5, 3]


def test_repair_refuses(folder: Path, quick: Command) -> None:
    done = quick("repair", "run_red_fox", "project")
    assert (done.returncode, done.stdout) == (2, "")
    assert "project exists; a repair makes a new folder" in done.stderr
    done = quick("repair", "nowhere", "run_new")
    assert done.returncode == 2
    set_tape(folder, b"")
    done = quick("repair", "run_red_fox", "run_new")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
