"""Components: configs made and read, contexts, and errors that name their place."""

from __future__ import annotations

import contextlib
import inspect
import math
import os
import pickle
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import cloudpickle
import numpy as np
import pytest

from runlib.engine import registry
from runlib.engine.component import Component, from_config, is_config, merge_context, to_config
from runlib.engine.data.canonical import compute_hash
from runlib.errors import ConfigError, MissingExtra, RunlibError, SpaceError, UnknownKind


class Kernel(Component, abstract=True):
    """The family of the tests."""


class TestedGaussian(Kernel):
    kind = "tested_gaussian"
    default_context = {"threads": 1, "cache": "small"}
    __test__ = False

    def __init__(self, ls: Any, nodes: Any = (1, 2), context: Any = None) -> None:
        super().__init__(context)
        if isinstance(ls, float) and not ls > 0:
            raise ConfigError("must be positive", "ls")
        self.ls = ls
        self.nodes = nodes


class TestedModel(Component):
    kind = "tested_model"
    __test__ = False

    def __init__(self, kernel: Any, context: Any = None) -> None:
        super().__init__(context)
        self.kernel = self.build("kernel", kernel, Kernel)


NESTED = {"tested_model": {"kernel": {"tested_gaussian": {"ls": 0.5, "nodes": [1, 2]}}}}


def test_a_config_makes_the_component_and_comes_back() -> None:
    made: Any = from_config(NESTED)
    assert type(made) is TestedModel
    assert type(made.kernel) is TestedGaussian
    assert made.kernel.ls == 0.5
    assert made.get_config() == NESTED == to_config(made)


def test_defaults_stand_in_the_config() -> None:
    assert TestedGaussian(2).get_config() == {"tested_gaussian": {"ls": 2, "nodes": [1, 2]}}


def test_arguments_are_stored_untouched_and_the_config_is_a_copy() -> None:
    nodes = [np.int64(1), (2, 3)]
    made = TestedGaussian(np.float32(0.5), nodes)
    assert made.nodes is nodes
    config = made.get_config()
    assert config == {"tested_gaussian": {"ls": 0.5, "nodes": [1, [2, 3]]}}
    config["tested_gaussian"]["nodes"].append(4)
    assert made.get_config() == {"tested_gaussian": {"ls": 0.5, "nodes": [1, [2, 3]]}}


def test_components_inside_lists_and_dicts_become_configs() -> None:
    value = {"a": [TestedGaussian(1, [])], "b": ({"c": TestedGaussian(2, [])},)}
    assert to_config(value) == {
        "a": [{"tested_gaussian": {"ls": 1, "nodes": []}}],
        "b": [{"c": {"tested_gaussian": {"ls": 2, "nodes": []}}}],
    }


def test_a_component_passes_through_and_a_bare_kind_needs_no_arguments() -> None:
    class Bare(Component):
        pass

    made = Bare()
    assert from_config(made) is made
    assert from_config("bare").get_config() == from_config({"bare": None}).get_config() == {"bare": {}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": {}}, True),
        ({"a": None}, True),
        ({"a": 1}, False),
        ({"a": {}, "b": {}}, False),
        ("a", False),
        ({1: {}}, False),
    ],
)
def test_the_form_of_a_config(value: Any, expected: bool) -> None:
    assert is_config(value) is expected


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"tested_gaussian": {"ls": -1.0}}, "tested_gaussian.ls: must be positive"),
        ({"tested_gaussian": {}}, "tested_gaussian: the argument 'ls' is missing"),
        ({"tested_gaussian": {"ls": 1, "noodes": 2}}, "unknown argument 'noodes'; did you mean 'nodes'"),
        ({"tested_gaussian": {"ls": 1, "zzz": 2}}, "unknown argument 'zzz'; it takes ls, nodes"),
        ({"tested_gaussian": {"ls": 1, "context": {}}}, "unknown argument 'context'"),
        ({"tested_gaussian": {"ls": 1, "self": 2}}, "unknown argument 'self'"),
        ({"tested_gaussian": {"ls": 1, 5: 2}}, "unknown argument 5"),
        ({"tested_pair": [1]}, r"tested_pair: takes a dict of arguments \(left, right\), got \[1\]"),
        ({"tested_nothing": 1}, r"tested_nothing: takes a dict of arguments \(it has none\), got 1"),
        ({"tested_gausian": [1]}, r"no component of kind 'tested_gausian' .* did you mean 'tested_gaussian'"),
        ({"tested_gaussian": {}, "b": {}}, "with one kind, got"),
        ({}, "with one kind, got {}"),
        ({5: {}}, "with a text as kind"),
        (None, "got None"),
        pytest.param(10**5000, "got a value of type int", id="huge"),
        ([[[[[[[[[]]]]]]]]], "got"),
        (TestedGaussian, r"takes an object, got the class TestedGaussian; write TestedGaussian\(\.\.\.\)"),
        (
            {"tested_model": {"kernel": {"tested_gaussian": {"ls": -1.0}}}},
            "^tested_model.kernel.tested_gaussian.ls: must",
        ),
        (
            {"tested_model": {"kernel": {"tested_model": {}}}},
            "^tested_model.kernel: 'tested_model' is no Kernel",
        ),
        (
            {"tested_model": {"kernel": {"tested_gausian": {}}}},
            "^tested_model.kernel: no component.*'tested_gaussian'",
        ),
        ({"tested_model": {"kernel": 7}}, "^tested_model.kernel: a kernel is written"),
    ],
)
def test_wrong_configs_are_told_with_their_place(config: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        from_config(config)
    assert len(str(caught.value)) < 1000


def test_an_object_of_another_family_is_refused() -> None:
    with pytest.raises(ConfigError, match="kernel: expected a Kernel, got a TestedModel"):
        TestedModel(kernel=TestedModel(kernel=TestedGaussian(1)))


@pytest.mark.parametrize("error", [ValueError, TypeError, KeyError, ZeroDivisionError, AttributeError, OSError])
def test_what_a_component_raises_over_a_value_names_the_place(error: type[Exception]) -> None:
    class Picky(Component):
        def __init__(self, x: Any) -> None:
            raise error("not this one")

    with pytest.raises(ConfigError, match=rf"^picky: {error.__name__}: .*not this one") as caught:
        from_config({"picky": {"x": 1}})
    assert isinstance(caught.value.__cause__, error)


@pytest.mark.parametrize("error", [MissingExtra("install it"), SpaceError("wrong", "space.x")])
def test_own_errors_keep_their_class(error: RunlibError) -> None:
    class Picky(Component):
        def __init__(self) -> None:
            raise error

    with pytest.raises(type(error), match=r"install it|^picky\.space\.x: wrong"):
        from_config("picky")


def test_an_argument_that_is_not_stored_is_named() -> None:
    class Forgetful(Component):
        def __init__(self, lost: int) -> None:
            super().__init__()

    with pytest.raises(ConfigError, match=r"Forgetful.__init__ takes 'lost' but does not store it as self\.lost"):
        Forgetful(1).get_config()
    assert "Forgetful" in repr(Forgetful(1))


@pytest.mark.parametrize("value", [{1, 2}, np.zeros(2, dtype=complex), lambda: 1, object()])
def test_an_argument_that_is_no_data_is_named(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"^tested_gaussian\.nodes\.0\.a: is no data, but of type"):
        TestedGaussian(1, [{"a": value}]).get_config()


def test_an_error_in_a_nested_config_has_the_whole_path() -> None:
    inner = TestedGaussian(1, {"a": math})
    with pytest.raises(ConfigError, match=r"^tested_model\.kernel\.tested_gaussian\.nodes\.a: is no data"):
        TestedModel(inner).get_config()
    with pytest.raises(ConfigError, match=r"^0\.k\.tested_gaussian\.nodes\.a: is no data"):
        to_config([{"k": inner}])


def test_an_argument_that_contains_itself_is_an_error() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(ConfigError, match="contains itself"):
        TestedGaussian(1, circle).get_config()


def test_a_config_written_by_hand() -> None:
    class Handmade(Component):
        def __init__(self, x: int) -> None:
            self.twice = 2 * x

        def _get_config(self) -> dict[str, Any]:
            return {"x": self.twice // 2}

    assert from_config({"handmade": {"x": 4}}).get_config() == {"handmade": {"x": 4}}


def test_free_arguments_are_kept_if_they_are_stored() -> None:
    class Free(Component):
        def __init__(self, x: int, **options: Any) -> None:
            self.x, self.options = x, options

    config = {"free": {"x": 1, "a": [1], "b": None}}
    assert from_config(config).get_config() == config


def test_free_arguments_that_a_config_cannot_hold_are_an_error() -> None:
    class Many(Component):
        def __init__(self, *parts: int) -> None:
            self.parts = parts

    class Passing(Component):
        def __init__(self, **options: Any) -> None:
            super().__init__()

    with pytest.raises(ConfigError, match=r"many: \*parts.* has no place in a config; take a list"):
        Many(1, 2).get_config()
    with pytest.raises(ConfigError, match="takes 'options' but does not store it"):
        Passing(a=1).get_config()


def test_a_dataclass_can_be_a_component() -> None:
    @dataclass
    class Record(Component):
        x: int
        y: str = "a"

    made: Any = from_config({"record": {"x": 1}}, context={"threads": 2})
    assert made.get_config() == {"record": {"x": 1, "y": "a"}}
    assert made.context == {"threads": 2}


def test_an_argument_called_kind_does_not_change_the_kind() -> None:
    class Confusing(Component):
        def __init__(self, kind: str) -> None:
            self.kind = kind  # type: ignore[misc]

    assert from_config({"confusing": {"kind": "x"}}).get_config() == {"confusing": {"kind": "x"}}


def test_an_abstract_class_has_no_config_but_a_repr() -> None:
    with pytest.raises(ConfigError, match="Kernel is abstract"):
        Kernel().get_config()
    assert repr(Kernel()) == "<Kernel>"


def test_repr_shows_the_arguments() -> None:
    assert repr(TestedGaussian(1)) == "TestedGaussian(ls=1, nodes=[1, 2])"


def test_the_context_is_merged_in_order() -> None:
    class Finer(TestedGaussian):
        kind = "tested_finer"
        default_context = {"cache": "large", "own": 1}

    assert TestedGaussian(1).context == {"threads": 1, "cache": "small"}
    assert Finer(1).context == {"threads": 1, "cache": "large", "own": 1}
    assert Finer(1, context={"threads": 4}).context == {"threads": 4, "cache": "large", "own": 1}
    given = {"threads": 4, "tested_finer": {"threads": 8}, "tested_gaussian": {"threads": 16}}
    assert Finer(1, context=given).context["threads"] == 8
    assert TestedGaussian(1, context=given).context["threads"] == 16
    assert merge_context(Finer, given)["threads"] == 8


def test_a_context_is_passed_down_but_not_the_part_of_another() -> None:
    given = {"threads": 2, "tested_model": {"threads": 99}, "tested_gaussian": {"cache": "none"}}
    made: Any = from_config(NESTED, context=given)
    assert made.context["threads"] == 99
    assert made.kernel.context["threads"] == 2
    assert made.kernel.context["cache"] == "none"
    assert "cache" not in made.context


def test_a_context_is_copied_and_never_in_config_or_hash() -> None:
    given = {"threads": 2}
    made = TestedGaussian(1, context=given)
    given["threads"] = 3
    assert made.context["threads"] == 2
    assert made.get_config_hash() == TestedGaussian(1).get_config_hash() == compute_hash(made.get_config())
    assert TestedGaussian.default_context == {"threads": 1, "cache": "small"}


def test_init_without_super_still_has_its_context() -> None:
    class Plainly(Component):
        default_context = {"threads": 1}

        def __init__(self, kernel: Any, context: Any = None) -> None:
            self.kernel = self.build("kernel", kernel, Kernel)
            self.seen = dict(self.context)

    class Untaking(Component):
        def __init__(self, kernel: Any) -> None:
            super().__init__()
            self.kernel = self.build("kernel", kernel, Kernel)

    inner = {"tested_gaussian": {"ls": 1}}
    for kind in ("plainly", "untaking"):
        made: Any = from_config({kind: {"kernel": inner}}, context={"threads": 5})
        assert made.context["threads"] == 5
        assert made.kernel.context["threads"] == 5
    assert Plainly(inner).context == Plainly(inner).seen == {"threads": 1}
    assert Untaking(inner).context == {}


def test_a_class_that_stores_its_context_by_itself() -> None:
    class Storing(Component):
        default_context = {"threads": 1, "a": 2}

        def __init__(self, context: Any = None) -> None:
            self.context = context

    assert Storing().context == {"threads": 1, "a": 2}
    assert Storing({"threads": 3}).context == {"threads": 3, "a": 2}


@pytest.mark.parametrize("context", [5, "a", [1]])
def test_a_context_must_be_a_dict(context: Any) -> None:
    with pytest.raises(ConfigError, match="a context is a dict, got"):
        from_config({"tested_gaussian": {"ls": 1}}, context=context)
    with pytest.raises(ConfigError, match="a context is a dict, got"):
        TestedGaussian(1, context=context)


def test_components_survive_pickle_with_their_context() -> None:
    made = pickle.loads(pickle.dumps(TestedGaussian(1, [2], {"threads": 7})))
    assert made.get_config() == {"tested_gaussian": {"ls": 1, "nodes": [2]}}
    assert made.context["threads"] == 7


def test_a_component_with_its_own_new() -> None:
    class Counted(Component):
        def __new__(cls, x: int) -> Any:
            made = super().__new__(cls)
            made.before = x + 1
            return made

        def __init__(self, x: int) -> None:
            self.x = x

    made: Any = from_config({"counted": {"x": 1}})
    assert (made.before, made.x) == (2, 1)


MAIN = """
from runlib.engine.component import Component, from_config
from runlib.errors import UnknownKind

class Kernel(Component, abstract=True):
    pass

class Mine(Kernel):
    kind = "mine_in_main"
    def __init__(self, x=1, context=None):
        super().__init__(context)
        self.x = x

made = from_config({"mine_in_main": {"x": 3}}, family=Kernel)
print(type(made).__module__, made.get_config(), made.get_config_hash())
try:
    from_config("mine_in_mein")
except UnknownKind as error:
    print("mine_in_main" in str(error))
"""


def test_a_component_defined_in_a_script_from_standard_input() -> None:
    seen = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        run = subprocess.run(
            [sys.executable, "-"], input=MAIN, env=environment, check=True, capture_output=True, text=True
        )
        seen.add(run.stdout)
    [output] = seen
    first, second = output.splitlines()
    assert first.startswith("__main__ {'mine_in_main': {'x': 3}} ")
    assert second == "True"


SHIPPING = """
import base64, cloudpickle
from runlib.engine.component import Component

class Base(Component, abstract=True):
    pass

class Shipped(Base):
    kind = "shipped_kind"
    def __init__(self, x=1):
        self.x = x

print(base64.b64encode(cloudpickle.dumps(Shipped(5))).decode())
"""


@pytest.mark.parametrize("place", ["registry.deferred()", "contextlib.nullcontext()"])
def test_classes_of_another_script_are_registered_whole(place: str) -> None:
    import_code = (
        "import base64, contextlib, sys, cloudpickle\n"
        "from runlib.engine import registry\n"
        "from runlib.engine.component import from_config\n"
        "before = set(registry._classes)\n"
        f"with {place}:\n"
        "    made = cloudpickle.loads(base64.b64decode(sys.argv[1]))\n"
        "print(made.get_config(), from_config('shipped_kind').x, sorted(set(registry._classes) - before))\n"
    )
    dumped = subprocess.run([sys.executable, "-"], input=SHIPPING, check=True, capture_output=True, text=True).stdout
    run = [sys.executable, "-c", import_code, dumped.strip()]
    got = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    assert got.strip() == "{'shipped_kind': {'x': 5}} 1 ['shipped_kind']"


@pytest.mark.parametrize("hold", [True, False])
def test_a_pickled_copy_of_a_known_class_changes_nothing(hold: bool) -> None:
    class Local(Component):
        kind = "local_kind"

        def __init__(self, x: int) -> None:
            self.x = x

    with registry.deferred() if hold else contextlib.nullcontext():
        assert type(cloudpickle.loads(cloudpickle.dumps(Local(3)))) is Local
    assert registry.lookup("local_kind") is Local
    assert from_config({"local_kind": {"x": 4}}).get_config() == {"local_kind": {"x": 4}}
    with pytest.raises(UnknownKind):
        registry.lookup("local")


def test_an_unknown_kind_offers_near_names_and_says_how_to_register() -> None:
    with pytest.raises(UnknownKind) as caught:
        from_config({"tested_gausian": {}}, family=Kernel)
    message = str(caught.value)
    assert "did you mean 'tested_gaussian'?" in message
    assert "--plugin" in message
    assert "RUNLIB_PLUGINS" in message
    assert "register" in message


class TestedPair(Component):
    kind = "tested_pair"
    __test__ = False

    def __init__(self, left: Any, right: Any) -> None:
        super().__init__()
        self.left, self.right = left, right


class TestedNothing(Component):
    kind = "tested_nothing"
    __test__ = False


@pytest.mark.parametrize("given", [0.5, "wide", [1, 2], True])
def test_what_is_no_dict_is_the_one_argument_that_has_to_be_given(given: Any) -> None:
    made: Any = from_config({"tested_gaussian": given})
    assert made.ls == given
    assert made.get_config() == {"tested_gaussian": {"ls": given, "nodes": [1, 2]}}


def test_a_subclass_without_a_constructor_keeps_its_signature() -> None:
    assert (
        str(inspect.signature(TestedGaussian)) == "(ls: 'Any', nodes: 'Any' = (1, 2), context: 'Any' = None) -> 'None'"
    )
    assert list(inspect.signature(TestedNothing.__init__).parameters) == ["self", "context"]
