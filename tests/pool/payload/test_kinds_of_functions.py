"""Functions and classes of a script that are more than a ``def``: caches, dispatchers, dataclasses, enums."""

from __future__ import annotations

from tests.pool.payload.script_tools import try_each

CACHES = """
import functools, time, weakref

@functools.lru_cache
def load(n):
    return list(range(n))

@functools.cache
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

@functools.lru_cache(maxsize=2, typed=True)
def kept(x):
    "Kept."
    return x

class Table:
    rows = 3

    @functools.cached_property
    def total(self):
        return self.rows + len(load(2))

    @classmethod
    @functools.lru_cache
    def made(cls, n):
        return cls.rows * n

    @staticmethod
    @functools.cache
    def fixed():
        return "fixed"

    @functools.lru_cache(maxsize=None)
    def method(self, n):
        return self.rows + n

load(5)
KNOWN = weakref.WeakValueDictionary()
SEEN = weakref.WeakKeyDictionary()
SEEN[Table] = "table"

def try_a_cached_function():
    return [load(3), load(3) is load(3), fibonacci(50)]

def try_its_arguments():
    return [kept.cache_parameters(), kept.__doc__, kept.__wrapped__(4), kept.__name__]

def try_a_cached_property():
    table = Table()
    return [table.total, "total" in vars(table), table.total]

def try_cached_methods():
    return [Table.made(2), Table.fixed(), Table().method(4)]

def try_weak_dictionaries():
    return [len(KNOWN), SEEN[Table]]

def try_pickling_it_by_name():
    import pickle
    return pickle.loads(pickle.dumps(load)) is load
"""


def test_caches(tmp_path):
    assert try_each(tmp_path, CACHES) == {
        "try_a_cached_function": [[0, 1, 2], True, 12586269025],
        "try_its_arguments": [{"maxsize": 2, "typed": True}, "Kept.", 4, "kept"],
        "try_a_cached_property": [5, True, 5],
        "try_cached_methods": [6, "fixed", 7],
        "try_weak_dictionaries": [0, "table"],
        "try_pickling_it_by_name": True,
    }


WRAPPED = """
import contextlib, functools, operator, typing

P = typing.ParamSpec("P")
T = typing.TypeVar("T")

@functools.singledispatch
def show(x):
    return f"any {x}"

@show.register
def _(x: int):
    return f"int {x}"

@show.register
def _(x: list):
    return [show(item) for item in x]

class Shower:
    @functools.singledispatchmethod
    def show(self, x):
        return "any"

    @show.register
    def _(self, x: int):
        return "int"

    double = functools.partialmethod(lambda self, factor, x: factor * x, 2)

def twice(function: typing.Callable[P, T]) -> typing.Callable[P, T]:
    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        wrapper.calls += 1
        return 2 * function(*args, **kwargs)
    wrapper.calls = 0
    return wrapper

@twice
def one(x):
    "One."
    return x

class Counted:
    def __init__(self, function):
        functools.update_wrapper(self, function)
        self.calls = 0

    def __call__(self, *args):
        self.calls += 1
        return self.__wrapped__(*args)

@Counted
def counted(x):
    return x + 1

@contextlib.contextmanager
def opened(x):
    yield x

add = functools.partial(operator.add, 10)
square = lambda x: x * x

def try_a_dispatcher():
    return [show("a"), show(1), show([1, "a", [2]])]

def try_a_late_registration():
    show.register(float, lambda x: "float")
    return show(1.5)

def try_a_dispatching_method():
    return [Shower().show("a"), Shower().show(1), Shower().double(5)]

def try_a_decorated_function():
    before = one.calls
    return [one(3), one.calls - before, one.__name__, one.__doc__]

def try_a_decorator_that_is_a_class():
    before = counted.calls
    return [counted(1), counted.calls - before]

def try_a_context_manager():
    with opened(3) as x:
        return x

def try_a_partial_and_a_lambda():
    return [add(1), square(3)]
"""


def test_decorators_and_dispatchers(tmp_path):
    assert try_each(tmp_path, WRAPPED) == {
        "try_a_dispatcher": ["any a", "int 1", ["int 1", "any a", ["int 2"]]],
        "try_a_late_registration": "float",
        "try_a_dispatching_method": ["any", "int", 10],
        "try_a_decorated_function": [6, 1, "one", "One."],
        "try_a_decorator_that_is_a_class": [2, 1],
        "try_a_context_manager": 3,
        "try_a_partial_and_a_lambda": [11, 9],
    }


CLASSES = """
from __future__ import annotations

import abc, collections, dataclasses, enum, typing
from typing import Optional

UserId = typing.NewType("UserId", int)
T = typing.TypeVar("T")

@dataclasses.dataclass(frozen=True, order=True)
class Point:
    x: float
    y: Optional[float] = None
    tags: list[Color] = dataclasses.field(default_factory=list, compare=False)

@dataclasses.dataclass(slots=True, kw_only=True)
class Slotted:
    a: int = 1

class Private:
    __slots__ = ("__x", "__weakref__")

    def __init__(self):
        self.__x = 1

class Color(enum.Enum):
    RED = enum.auto()
    BLUE = enum.auto()

    @property
    def lower(self):
        return self.name.lower()

class Mode(str, enum.Enum):
    FAST = "fast"

class Bits(enum.Flag):
    A = 1
    B = 2

class Level(enum.IntEnum):
    LOW = 1

class Row(typing.NamedTuple):
    name: str
    value: int = 0

    def shown(self):
        return f"{self.name}={self.value}"

class Options(typing.TypedDict, total=False):
    depth: int

class Sized(typing.Protocol):
    def size(self) -> int: ...

@typing.runtime_checkable
class Named(typing.Protocol):
    def name(self): ...

class Box(typing.Generic[T]):
    def __init__(self, item: T):
        self.item = item

class Shape(abc.ABC):
    @property
    @abc.abstractmethod
    def area(self): ...

class Square(Shape):
    side = 2
    __match_args__ = ("side",)

    @property
    def area(self):
        return self.side ** 2

class Registered:
    def name(self):
        return "r"

Shape.register(Registered)

class Meta(type):
    def __new__(mcs, name, bases, space, **options):
        made = super().__new__(mcs, name, bases, space)
        made.size = options.get("size", made.__dict__.get("size"))
        return made

class WithMeta(metaclass=Meta, size=3):
    pass

class Plugin:
    known = {}

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        Plugin.known[cls.__name__] = cls

class First(Plugin):
    pass

class Failure(Exception):
    def __init__(self, code, text):
        super().__init__(code, text)
        self.code = code

@dataclasses.dataclass
class Child(Slotted):
    b: int = 2

    def __post_init__(self):
        self.extra = super().__repr__()

Alias = dict[str, UserId]

def try_a_dataclass():
    point = Point(1.0, 2.0, [Color.RED])
    return [dataclasses.asdict(dataclasses.replace(point, tags=[])), point < Point(2.0, 0.0), Point(1.0) == Point(1.0)]

def try_its_types():
    return sorted(typing.get_type_hints(Point))

def try_a_dataclass_with_slots():
    return [Slotted(a=2).a, hasattr(Slotted(), "__dict__"), hasattr(Private(), "__dict__"), Private()._Private__x]

def try_a_derived_dataclass():
    return [Child(a=3).extra, Child().b]

def try_enums():
    return [Color(1) is Color.RED, Color["BLUE"].lower, Mode("fast") is Mode.FAST, Mode.FAST == "fast", Level.LOW + 1]

def try_flags():
    return [(Bits.A | Bits.B).value, Bits.A in (Bits.A | Bits.B), list(map(str, Color))]

def try_a_named_tuple():
    return [Row("a").shown(), Row("a", 2)._replace(value=3)._asdict()]

def try_typing():
    options: Options = {"depth": 3}
    return [UserId(3), options, Box[int](4).item, isinstance(Registered(), Named), Alias.__args__[1] is UserId]

def try_abstract_classes():
    try:
        Shape()
    except TypeError:
        match Square():
            case Square(side):
                return [Square().area, isinstance(Registered(), Shape), side]

def try_metaclasses():
    return [WithMeta.size, type(WithMeta) is Meta, Plugin.known["First"] is First]

def try_exceptions():
    try:
        raise Failure(3, "no")
    except Failure as error:
        return [error.code, type(error).__qualname__]
"""


def test_classes(tmp_path):
    assert try_each(tmp_path, CLASSES) == {
        "try_a_dataclass": [{"x": 1.0, "y": 2.0, "tags": []}, True, True],
        "try_its_types": ["tags", "x", "y"],
        "try_a_dataclass_with_slots": [2, False, False, 1],
        "try_a_derived_dataclass": ["Child(a=3)", 2],
        "try_enums": [True, "blue", True, True, 2],
        "try_flags": [3, True, ["Color.RED", "Color.BLUE"]],
        "try_a_named_tuple": ["a=0", {"name": "a", "value": 3}],
        "try_typing": [3, {"depth": 3}, 4, True, True],
        "try_abstract_classes": [4, True, 2],
        "try_metaclasses": [3, True, True],
        "try_exceptions": [3, "Failure"],
    }
