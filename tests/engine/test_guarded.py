"""Which names a script changes under its guard, read without running it."""

from __future__ import annotations

from pathlib import Path

import pytest

from runlib.engine.code.guarded import Guarded

GUARD = 'if __name__ == "__main__":\n'


@pytest.mark.parametrize(
    ("under", "names"),
    [
        ("A = 1", {"A"}),
        ("A: int = 1", {"A"}),
        ("A += 1", {"A"}),
        ("(A, [B, *C]) = things", {"A", "B", "C"}),
        ("if (A := f()): pass", {"A"}),
        ("for A in x: B = 1", {"A", "B"}),
        ("with f() as A: pass", {"A"}),
        ("import numpy as A, b.c", {"A", "b"}),
        ("from x import A", {"A"}),
        ("def A(): pass", {"A"}),
        ("class A: B = 1", {"A"}),
        ("del A", {"A"}),
        ("A['x'] = 1", {"A"}),
        ("A.x.y[0] = 1", {"A"}),
        ("A.update(x=1)", {"A"}),
        ("A.x.append(1)", {"A"}),
        ("setattr(A, 'x', 1)", {"A"}),
        ("print(A.mean(), A['x'], A)", set()),
        ("lambda: A.update(x=1)", set()),
    ],
)
def test_what_stands_under_the_guard(under: str, names: set[str]) -> None:
    text = f"A = B = C = 0\n{GUARD}    {under}\n"
    assert Guarded(text.encode()).set_aside() == names


@pytest.mark.parametrize(
    "text",
    [
        'if "__main__" == __name__: A = 1',
        'if __name__ == "__main__" and x: A = 1',
        'if __name__ != "__main__": pass\nelse: A = 1',
        'A = 1 if __name__ == "__main__" else 2',
        'here = __name__ == "__main__"\nif here:\n    A = 1',
        f"def main():\n    global A\n    A = 1\n{GUARD}    main()",
        f"def main():\n    A['x'] = 1\n{GUARD}    main()",
        f"def main():\n    first()\ndef first():\n    global A\n    A = 1\n{GUARD}    main()",
        f"@app.command()\ndef main():\n    global A\n    A = 1\n{GUARD}    app()",
    ],
)
def test_other_guards_and_functions(text: str) -> None:
    assert "A" in Guarded(f"A = 0\n{text}\n".encode()).set_aside()


@pytest.mark.parametrize(
    "text",
    [
        "A = 1",
        "def main():\n    global A\n    A = 1\nmain()",  # there is no guard: all of it runs
        f"def main():\n    global A\n    A = 1\nmain()\n{GUARD}    pass",
        f"def main():\n    A = {{}}\n    A['x'] = 1\n{GUARD}    main()",
        f"def main(A):\n    A['x'] = 1\n{GUARD}    main({{}})",
        f"log = logging.getLogger(__name__)\nA = __name__\n{GUARD}    B = 1",
        "this is no Python",
        "\0",
    ],
)
def test_what_runs_in_any_case(text: str) -> None:
    assert "A" not in Guarded(text.encode()).set_aside()


def test_what_an_evaluator_changes_is_its_own_affair() -> None:
    guarded = Guarded(f"A = []\ndef f(x):\n    A.append(x)\n{GUARD}    g()\n".encode())
    assert guarded.set_aside() == {"A"}
    assert guarded.set_aside({"f"}) == set()
    assert guarded.changed_by({"f"}) == {"A"}


def test_no_file_and_a_large_one(tmp_path: Path) -> None:
    file = tmp_path / "large.py"
    file.write_text(f"{GUARD}    A = 1\n" + "#" * 1_000_000)
    for place in (file, tmp_path, tmp_path / "none.py", "no\0name", None):
        assert Guarded.of(place).set_aside() == set()
