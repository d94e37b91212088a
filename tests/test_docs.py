"""The Python in the README and the tutorials runs as it stands, typed into an interpreter that knows no file."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXTS = [ROOT / "README.md", *sorted((ROOT / "tutorials").glob("*.md"))]


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_python_blocks_run(path: Path, tmp_path: Path) -> None:
    code = "\n".join(blocks(path.read_text(), "python"))
    assert code
    result = subprocess.run(
        [sys.executable, "-W", "error", "-"], input=code, cwd=tmp_path, capture_output=True, text=True, timeout=100
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


def test_the_example_of_the_readme_as_a_script(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(blocks((ROOT / "README.md").read_text(), "python")[0])
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
