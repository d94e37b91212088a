"""The registry: conflicts, replacement, and the four ways in which a plugin is found."""

from __future__ import annotations

import abc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from runlib.engine import registry
from runlib.engine.component import Component, from_config
from runlib.errors import ConfigError, KindConflict, UnknownKind

PLUGIN = """
from runlib.engine.component import Component

class {name}(Component):
    kind = "{kind}"

    def __init__(self, x=1):
        self.x = x
"""


def write_plugin(folder: Path, module: str, kind: str, more: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{module}.py"
    file.write_text(PLUGIN.format(name=kind.title().replace("_", ""), kind=kind) + more)
    return file


def install(folder: Path, name: str, value: str) -> None:
    """The metadata of an installed package that announces one plugin."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[runlib.components]\n{name} = {value}\n")


@pytest.fixture
def place(tmp_path: Path, own_registry: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder on the search path; the working folder is another one."""
    (tmp_path / "site").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    sys.path.insert(0, str(tmp_path / "site"))
    return tmp_path / "site"


def test_two_classes_for_one_kind_are_an_error_that_names_both() -> None:
    class First(Component):
        """One."""

        kind = "doubled_kind"

    with pytest.raises(KindConflict) as caught:

        class Second(Component):
            """Another."""

            kind = "doubled_kind"

    assert "First" in str(caught.value)
    assert "Second" in str(caught.value)
    assert "'doubled_kind'" in str(caught.value)
    assert registry.lookup("doubled_kind") is First


def test_two_empty_classes_for_one_kind_are_a_conflict_too() -> None:
    def one() -> type:
        class EmptyBody(Component):
            pass

        return EmptyBody

    def two() -> None:
        class EmptyBody(Component):
            pass

    first = one()
    with pytest.raises(KindConflict, match=r"one.*two"):
        two()
    assert registry.lookup("emptybody") is first
    second = one()
    assert registry.lookup("emptybody") is second is not first


def test_a_class_that_lost_its_body_replaces_too() -> None:
    def cell(body: dict[str, int]) -> type:
        if body:

            class Cell(Component):
                number = 1
        else:

            class Cell(Component):  # type: ignore[no-redef]
                pass

        return Cell

    cell({"a": 1})
    second = cell({})
    assert registry.lookup("cell") is second


def test_a_family_with_its_own_metaclass() -> None:
    class Abstract(Component, abc.ABC, abstract=True):
        @abc.abstractmethod
        def f(self) -> int: ...

    class Concrete(Abstract):
        def f(self) -> int:
            return 1

    class Bare(Concrete):
        pass

    with registry.deferred():
        assert type(cloudpickle.loads(cloudpickle.dumps(Bare()))) is Bare
    assert registry.lookup("concrete") is Concrete
    assert registry.lookup("bare") is Bare


def test_the_same_name_defined_again_replaces() -> None:
    def cell(value: int) -> type[Component]:
        class Cell(Component):
            kind = "cell_of_a_notebook"
            number = value

        return Cell

    cell(1)
    second = cell(2)
    assert registry.lookup("cell_of_a_notebook") is second


def test_the_kind_is_the_name_in_lower_case_unless_given() -> None:
    class NameOnly(Component):
        """Has no kind of its own."""

    class Derived(NameOnly):
        """Does not take over the kind of its base."""

    assert registry.lookup("nameonly") is NameOnly
    assert registry.lookup("derived") is Derived
    assert registry.classes(NameOnly) == [Derived, NameOnly]


def test_an_abstract_class_is_not_registered() -> None:
    class Family(Component, abstract=True):
        """Only a base."""

    with pytest.raises(UnknownKind):
        registry.lookup("family")


def test_register_takes_a_class_back_and_is_a_decorator() -> None:
    class Known(Component):
        kind = "known_kind"

    del registry._classes[registry.lookup("known_kind").kind]  # type: ignore[attr-defined]
    assert registry.register(Known) is Known
    assert registry.lookup("known_kind") is Known


@pytest.mark.parametrize("value", [5, int, "a", None, object()])
def test_only_components_can_be_registered(value: Any) -> None:
    with pytest.raises(ConfigError, match="is no class derived from Component"):
        registry.register(value)


def test_a_component_without_kind_cannot_be_registered() -> None:
    class Kindless(Component, abstract=True):
        """No kind."""

    with pytest.raises(ConfigError, match="it has no text attribute 'kind'"):
        registry.register(Kindless)


@pytest.mark.usefixtures("place")
def test_an_unknown_kind_far_from_all_lists_the_family() -> None:
    class Family(Component, abstract=True):
        """A family."""

    class Member(Family):
        kind = "family_member"

    with pytest.raises(UnknownKind, match="known are: family_member"):
        registry.lookup("zzzzzzzzzzzz", Family)
    with pytest.raises(UnknownKind, match=r"'x{80}\.\.\.'") as caught:
        registry.lookup("x" * 10**6)
    assert len(str(caught.value)) < 5000


def test_a_plugin_module_named_in_the_environment(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_plugin(place, "announced_one", "announced_kind")
    write_plugin(place, "announced_two", "announced_too")
    monkeypatch.setenv("RUNLIB_PLUGINS", "announced_one, announced_two,")
    assert from_config({"announced_too": {"x": 2}}).get_config() == {"announced_too": {"x": 2}}
    assert registry.lookup("announced_kind").__module__ == "announced_one"
    assert registry.plugins() == ["announced_one", "announced_two"]


def test_a_failing_plugin_of_the_environment_is_told_each_time(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "broken_announced.py").write_text("1 / 0")
    monkeypatch.setenv("RUNLIB_PLUGINS", "broken_announced")
    for _ in range(2):
        with pytest.raises(ConfigError, match="plugin 'broken_announced' cannot be imported: ZeroDivisionError"):
            registry.lookup("nowhere_to_be_found")


def test_a_plugin_of_an_installed_package(place: Path) -> None:
    write_plugin(place, "installed_module", "installed_kind")
    install(place, "somepackage", "installed_module")
    assert from_config("installed_kind").get_config() == {"installed_kind": {"x": 1}}


def test_an_installed_package_may_name_the_class(place: Path) -> None:
    write_plugin(place, "installed_class", "direct_kind")
    install(place, "somepackage", "installed_class:DirectKind")
    assert registry.lookup("direct_kind").__qualname__ == "DirectKind"


def test_a_broken_installed_package_does_not_hide_another(place: Path) -> None:
    install(place, "aaabroken", "this_module_is_missing")
    write_plugin(place, "installed_sound", "sound_kind")
    install(place, "bbbsound", "installed_sound")
    assert registry.lookup("sound_kind").__module__ == "installed_sound"
    with pytest.raises(UnknownKind, match=r"not loaded: installed plugin 'this_module_is_missing' cannot be imported"):
        registry.lookup("nowhere_to_be_found")


def test_two_installed_packages_for_one_kind_are_a_conflict(place: Path) -> None:
    for name in ("left_module", "right_module"):
        write_plugin(place, name, "claimed_kind")
        install(place, f"package{name[:4]}", name)
    with pytest.raises(KindConflict, match=r"(?=.*left_module)(?=.*right_module)"):
        registry.lookup("claimed_kind")


def test_a_file_as_plugin(place: Path, tmp_path: Path) -> None:
    file = write_plugin(tmp_path / "else where", "file_plugin", "file_kind")
    registry.load_plugin(str(file))
    assert from_config({"file_kind": {"x": 3}}).get_config() == {"file_kind": {"x": 3}}
    assert registry.plugins() == [str(file)]
    registry.load_plugin(str(file))
    assert registry.plugins() == [str(file)]


def test_a_relative_file_is_looked_for_in_the_working_folder_and_the_added_ones(place: Path, tmp_path: Path) -> None:
    far = write_plugin(tmp_path / "configs", "relative_far", "far_kind")
    near = write_plugin(tmp_path / "work", "relative_near", "near_kind")
    with pytest.raises(ConfigError, match=r"no file 'relative_far\.py' in .*work"):
        registry.load_plugin("relative_far.py")
    registry.add_path(tmp_path / "configs")
    assert registry.paths() == [str(tmp_path / "configs")]
    assert registry.find_file("relative_far.py") == far
    registry.load_plugin("relative_far.py")
    registry.load_plugin("relative_near.py")
    assert registry.plugins() == [str(far), str(near)]


def test_a_module_beside_the_config_needs_no_search_path(place: Path, tmp_path: Path) -> None:
    file = write_plugin(tmp_path / "work", "beside_module", "beside_kind")
    registry.load_plugin("beside_module")
    assert registry.lookup("beside_kind").__module__ == "beside_module"
    assert registry.plugins() == [str(file)]


def test_a_module_imported_long_ago_is_registered_again(place: Path) -> None:
    write_plugin(place, "remembered", "remembered_kind")
    registry.load_plugin("remembered")
    del registry._classes["remembered_kind"]
    registry.load_plugin("remembered")
    assert registry.lookup("remembered_kind").__module__ == "remembered"


def test_a_plugin_may_list_its_components(place: Path) -> None:
    write_plugin(place, "listed_inner", "listed_kind")
    (place / "listed_outer.py").write_text("import listed_inner\ncomponents = [listed_inner.ListedKind]\n")
    registry.load_plugin("listed_inner")
    del registry._classes["listed_kind"]
    registry.load_plugin("listed_outer")
    assert registry.lookup("listed_kind").__module__ == "listed_inner"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import missing_of_the_plugin", "ModuleNotFoundError: No module named 'missing_of_the_plugin'"),
        ("def broken(:", "SyntaxError: "),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyError('a')", "KeyError: 'a'"),
    ],
)
def test_a_plugin_that_fails_is_one_sentence(place: Path, tmp_path: Path, code: str, message: str) -> None:
    (place / "failing_plugin.py").write_text(code)
    for name in ("failing_plugin", str(place / "failing_plugin.py")):
        with pytest.raises(ConfigError, match=rf"^plugin '.*failing_plugin.*' cannot be imported: {message}"):
            registry.load_plugin(name)
    assert registry.plugins() == []


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    "name", ["no_such_module", "no/such/folder", "no.such", "..", ".a", "a b", "no_such.py", "\0.py"]
)
def test_a_plugin_that_is_not_there(name: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot be imported|no file"):
        registry.load_plugin(name)


def test_a_plugin_in_the_way_of_which_stands_another_module_is_refused(place: Path, tmp_path: Path) -> None:
    write_plugin(place, "in_the_way", "way_kind", "open('canary', 'w').close()\n")
    second = write_plugin(tmp_path / "second", "in_the_way", "way_too")
    with pytest.raises(ConfigError, match=r"a module 'in_the_way' comes from .*site.*; rename the file"):
        registry.load_plugin(str(second))
    assert not (tmp_path / "work" / "canary").exists()
    builtin = write_plugin(tmp_path / "second", "sys", "sys_kind")
    with pytest.raises(ConfigError, match="a module 'sys' comes from Python itself"):
        registry.load_plugin(str(builtin))


def test_the_script_itself_is_not_imported_twice(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        PLUGIN.format(name="Own", kind="own_of_script")
        + "import sys\nfrom runlib.engine import registry\n"
        + "print('run')\n"
        + "print(registry.import_file(__file__) is sys.modules['__main__'])\n"
        + "registry.load_plugin(__file__)\n"
        + "print(registry.lookup('own_of_script') is Own)\n"
    )
    got = subprocess.run([sys.executable, str(script)], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert got.stdout.split() == ["run", "True", "True"]


def test_plugins_are_found_in_a_fresh_process(tmp_path: Path) -> None:
    write_plugin(tmp_path, "fresh_module", "fresh_kind")
    environment = {**os.environ, "RUNLIB_PLUGINS": str(tmp_path / "fresh_module.py")}
    code = "from runlib.engine.component import from_config; print(from_config({'fresh_kind': {'x': 7}}).get_config())"
    run = [sys.executable, "-c", code]
    got = subprocess.run(run, env=environment, check=True, capture_output=True, text=True)
    assert got.stdout.strip() == "{'fresh_kind': {'x': 7}}"
