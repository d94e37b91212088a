"""The README and the tutorials, typed as they stand: Python, commands, and the files that are printed with them.

A block whose first line is a comment with the name of a file is that file. The other Python blocks of a text are one
program, typed into an interpreter in an empty folder; the shell blocks of a section are typed, line by line, in
another empty folder with the printed files in it. What needs the repository is typed in a copy of it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from runlib import Float, RandomSearch, Run, SerialPool, StopMax
from runlib.cli.job import read_job
from runlib.engine.component import from_config
from runlib.engine.data.yamlfile import parse_yaml

ROOT = Path(__file__).parent.parent
TEXTS = [ROOT / "README.md", *sorted((ROOT / "tutorials").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ([\w./-]+\.(?:py|yaml|yml|csv|json|sh))\n")
INLINE = re.compile(r"`(runlib [^`\n]+)`")
NOT_RUNNING = "while it runs"  # a comment behind a command that is for a run that turns: typed when it has ended
CLONED = ("pip install '.", "examples/", "python -m pytest")  # what is typed in a clone of the repository


class Block(NamedTuple):
    """A fenced block of a text."""

    section: str
    language: str
    body: str

    @property
    def file(self) -> str | None:
        """The name of the file that it is; None if it is to be typed."""
        match = FILE.match(self.body)
        return match[1] if match else None


def blocks(path: Path, *languages: str) -> list[Block]:
    """The fenced blocks of a text, each with the heading that it stands under."""
    text, found = path.read_text(encoding="utf-8"), []
    for match in FENCE.finditer(text):
        headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text[: match.start()]), re.MULTILINE)
        if match[1] in languages:
            found.append(Block(headings[-1] if headings else "", match[1], match[2]))
    return found


def files(path: Path) -> dict[str, str]:
    """The files that are printed in a text, by their names."""
    return {block.file: block.body for block in blocks(path, "python", "yaml", "json", "csv", "sh") if block.file}


def commands(path: Path) -> list[tuple[str, str]]:
    """The lines to be typed into a shell, each with its section."""
    found = [block for block in blocks(path, "sh") if not block.file]
    return [(block.section, line) for block in found for line in block.body.splitlines() if line.strip()]


def named_files(text: str) -> set[str]:
    """The files that a command or a file reads."""
    return set(re.findall(r"(?<![\w./-])[\w-]+(?:/[\w-]+)*\.(?:py|yaml|yml|csv)\b", text))


def sections(texts: list[Path]) -> list[tuple[Path, str]]:
    """Where commands stand whose files are printed in the same text, with the files that these name."""
    found: dict[tuple[Path, str], bool] = {}
    for path in texts:
        printed = files(path)
        complete = set(printed) >= set().union(*map(named_files, printed.values()))
        for section, line in commands(path):
            known = not any(word in line for word in CLONED) and named_files(line) <= set(printed) and complete
            found[path, section] = found.get((path, section), True) and known
    return [place for place, known in found.items() if known]


class Shell:
    """A shell in a folder, with this interpreter's ``python`` and ``runlib`` first; nothing is installed."""

    def __init__(self, folder: Path, tools: Path, **environment: str) -> None:
        tools.mkdir()
        python = shlex.quote(sys.executable)
        # Whether it can be installed is seen where everything is installed into a fresh environment.
        for name, program in (("python", python), ("runlib", f"{python} -m runlib"), ("pip", "true")):
            (tools / name).write_text(f'#!/bin/sh\nexec {program} "$@"\n')
            (tools / name).chmod(0o755)
        self.folder = folder
        known = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "RUNLIB_"))}
        self._environment = {**known, "PATH": f"{tools}:{os.environ['PATH']}", **environment}

    def type(self, line: str) -> subprocess.CompletedProcess[str]:
        """Type a line; it ends well."""
        if "| jq" in line and shutil.which("jq") is None:
            line = (
                line.partition("| jq")[0] + '| python -c "import json, sys; [json.loads(line) for line in sys.stdin]"'
            )
        command = ["/bin/sh", "-c", line]
        done = subprocess.run(
            command, cwd=self.folder, env=self._environment, capture_output=True, text=True, timeout=100
        )
        ended = line.rstrip().endswith(NOT_RUNNING) and "it is not running" in done.stderr
        assert done.returncode == 0 or ended, f"{line}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_python_blocks_run(path: Path, tmp_path: Path) -> None:
    code = "\n".join(block.body for block in blocks(path, "python") if not block.file)
    assert code
    result = subprocess.run(
        [sys.executable, "-W", "error", "-"], input=code, cwd=tmp_path, capture_output=True, text=True, timeout=100
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


def type_sections(texts: list[Path], folder: Path) -> list[str]:
    """Type the shell blocks of each section in a folder of its own; returns what was typed."""
    typed = []
    for number, (path, section) in enumerate(sections(texts)):
        here = folder / str(number)
        here.mkdir(parents=True)
        for name, body in files(path).items():
            (here / name).parent.mkdir(exist_ok=True)
            (here / name).write_text(body)
        shell = Shell(here, folder / f"tools_{number}")
        lines = [line for where, line in commands(path) if where == section]
        typed += [shell.type(line).args[-1] for line in lines]
    return typed


def test_shell_blocks_are_typed(tmp_path: Path) -> None:
    (tmp_path / "sample.md").write_text(SAMPLE)  # so that it is seen what is typed, and that in it a failure shows
    typed = type_sections([tmp_path / "sample.md", *TEXTS], tmp_path / "typed")
    assert typed[:2] == ["runlib run job.yaml --quiet", "runlib top run_a_fox"]
    (tmp_path / "sample.md").write_text(SAMPLE.replace("top run_a_fox", "top run_a_cat"))
    with pytest.raises(AssertionError, match="run_a_cat is no run"):
        type_sections([tmp_path / "sample.md"], tmp_path / "again")


SAMPLE = """
# A text

```yaml
# job.yaml
run: {search: {search_random: {space: {x: [hp_uniform, x, 0, 1]}}}, evaluator: "own.py:f", stop: 3, name: a_fox}
```

```python
# own.py
def f(x):
    return x
```

## Typed

```sh
runlib run job.yaml --quiet
runlib top run_a_fox
```

## Of files that are not here

```sh
runlib run other.yaml
```
"""


@pytest.mark.slow
def test_commands_for_a_clone_are_typed_in_one(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    for item in ROOT.iterdir():
        if not item.name.startswith((".", "run_")):
            (clone / item.name).symlink_to(item)
    shell = Shell(clone, tmp_path / "tools", PYTEST_ADDOPTS="--collect-only -q -p no:cacheprovider")
    lines = [line for path in TEXTS for _, line in commands(path) if any(word in line for word in CLONED)]
    assert len(lines) >= 2
    for line in lines:
        shell.type(line)


def test_commands_in_sentences_are_typed(tmp_path: Path) -> None:
    shell = Shell(tmp_path, tmp_path / "tools")
    (tmp_path / "own.py").write_text("def f(x):\n    return x\n")
    (tmp_path / "job.yaml").write_text(SAMPLE.split("```yaml\n")[1].split("```")[0].replace("stop: 3", "stop: 12"))
    shell.type("runlib run job.yaml --quiet")
    words = {"FOLDER": "run_a_fox", "FORK": "run_a_fox", "INTO": "repaired", "N": "20", "D": "forks"}
    words |= {"FILE": "own", "NAME": "f"}
    found = [
        command
        for path in [*TEXTS, *(ROOT / "examples").glob("*/*.md")]
        for command in INLINE.findall(path.read_text())
    ]
    lines = {re.sub(r"\b[A-Z]+\b", lambda word: words.get(word[0], word[0]), command) for command in found}
    assert lines
    for line in sorted(lines):
        has_folder = "run_a_fox" in line
        done = shell.type(line if has_folder else f"{line} --help")  # a command that is named alone
        assert done.stdout


def test_yaml_blocks_are_read(tmp_path: Path) -> None:
    found = [block for path in TEXTS for block in blocks(path, "yaml")]
    assert found
    for number, block in enumerate(found):
        data = parse_yaml(block.body, f"block {number}")
        if "run" not in data:
            assert from_config(data).get_config()
            continue
        file = tmp_path / f"{number}.yaml"
        file.write_text(block.body)
        assert read_job(file).run["stop"]


def test_the_tape_is_read_as_the_readme_says(tmp_path: Path) -> None:
    run = Run(RandomSearch({"x": Float(0, 1)}), "builtins:len", StopMax(5), name="a", pool=SerialPool()).prepare(
        tmp_path
    )
    run.run()
    shell = Shell(tmp_path, tmp_path / "tools")
    shown = shell.type("grep '^{' run_a/tape.son | jq -c . || grep '^{' run_a/tape.son").stdout
    read = [json.loads(line) for line in shown.splitlines()]
    assert read[0]["format"] == run.state.tape.metadata["format"]
    assert len(read) == 1 + run.state.n
    if shutil.which("jq"):
        losses = "grep '^{' run_a/tape.son | jq 'select(.submit) | .submit.result.ok.loss'"
        assert len(shell.type(losses).stdout.split()) == 5


def test_the_example_of_the_readme_as_a_script(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(blocks(ROOT / "README.md", "python")[0].body)
    result = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert result.returncode == 0, result.stderr
    loss, restored, top = result.stdout.splitlines()
    assert float(loss.split()[0]) < 4
    assert "60 trials (60 ok, 0 failed)" in restored
    assert top.startswith("[{'x': ")


def test_links_lead_somewhere() -> None:
    for path in [*TEXTS, ROOT / "runlib" / "README.md"]:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


@pytest.mark.slow
def test_examples_run(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "examples" / "killed_and_restored.py"), str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert result.returncode == 0, result.stderr
    assert "60 trials are identical" in result.stdout
    command = [sys.executable, str(ROOT / "examples" / "tune_in_python.py")]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110)
    assert result.returncode == 0, result.stderr
    untuned, tuned = map(float, re.findall(r"RMSE (\d+\.\d+)", result.stdout))
    assert tuned < untuned
