"""Class units: in legacy and in shadow the class is the program's own, and nothing that asks for it can tell."""

from __future__ import annotations

import asyncio
import copy
import functools
import gc
import importlib
import inspect
import itertools
import pickle
from typing import TYPE_CHECKING, Any

import exuvia.migrate
import pytest
from exuvia.errors import MigrateError
from exuvia.migrate.dispatch import splice, standing_in
from exuvia.migrate.evidence import reading
from exuvia.migrate.modes import surface
from exuvia.migrate.shadow.in_place import InPlace
from shadowing import Shadowed, shadowed, until

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["shadowed"]

KIN = """
import abc, asyncio, copy, enum, functools, inspect, pickle, weakref
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar
T = TypeVar("T")
REG = []
class Strategy:
    "Decides."
    depth = 5
    def __init_subclass__(cls, **more):
        super().__init_subclass__(**more)
        REG.append(cls.__name__)
    def __init__(self, n=1): self.n = n
    def size(self): return self.n
    @property
    def twice(self): return self.n * 2
    @classmethod
    def of(cls, n): return cls(n)
    async def later(self): return self.n
    def __len__(self): return self.n
class Trend(Strategy):
    def size(self): return super().size() * 2
class Mean(Strategy):
    def size(self): return self.n * 3
class Err(Exception):
    def code(self): return 5
class Deep(Err): pass
class Gn(Generic[T]):
    def __init__(self, v): self.v = v
    def get(self): return self.v
class Col(enum.Enum):
    A = 1
    def up(self): return self.value + 1
class Nt(NamedTuple):
    a: int
    def dbl(self): return self.a * 2
class Slot:
    __slots__ = ("a",)
    def __init__(self, a): self.a = a
    def up(self):
        self.a += 1
        return self.a
@dataclass(frozen=True, slots=True)
class Fz:
    x: int
    y: list = field(default_factory=list)
    def tot(self): return self.x + sum(self.y)
class Meta(type):
    def __call__(cls, *a):
        made = super().__call__(*a)
        made.tag = "m"
        return made
class Mt(metaclass=Meta):
    def __init__(self, z): self.z = z
    def get(self): return self.z, getattr(self, "tag", None)
class Base:
    def __init__(self, n=0): self.n = n
    def name(self): return "base"
    @property
    def kind(self): return "base"
class Left(Base):
    pass
class Right(Base):
    def __init__(self, n=0): self.n = n + 100
    def name(self): return "right"
    @property
    def kind(self): return "right"
class Both(Left, Right): pass
class Plain:
    def one(self): return 1
class Taker(Plain):
    def __new__(cls, *given): return super().__new__(cls)
class Abstract(abc.ABC):
    @abc.abstractmethod
    def f(self): ...
    @property
    @abc.abstractmethod
    def g(self): ...
@functools.singledispatch
def price(x): return "any"
@price.register
def _(x: Strategy): return "strategy"
DEFAULT = Strategy(7)
HELD = {"Strategy": Strategy}

def said(do):
    try:
        return do()
    except Exception as error:
        return type(error).__name__, str(error)
def matched(x):
    match x:
        case Strategy(n=n): return n
        case _: return None
def caught():
    try:
        raise Deep("x")
    except Err as error:
        return error.code()
def own_caught():
    try:
        raise Err("x", 2)
    except Err as error:
        return error.code(), error.args, type(error) is Err
def final():
    class Half(Abstract):
        def f(self): return 1
    return said(Half)
def probe():
    some = [Trend(1), Mean(1), Strategy(4), DEFAULT]
    class Sub(Plain): pass
    frozen, left = Fz(1, [2]), Left(3)
    return {
        "registry": sorted(set(REG)), "count": len(REG), "children": [c.__name__ for c in Strategy.__subclasses__()],
        "over all": sum(c(2).size() for c in Strategy.__subclasses__()),
        "isinstance": [isinstance(x, Strategy) for x in some], "issubclass": issubclass(Mean, Strategy),
        "total": sum(x.size() for x in some if isinstance(x, Strategy)), "price": [price(x) for x in some],
        "match": [matched(x) for x in some], "exact": type(Strategy()) is Strategy is HELD["Strategy"],
        "except": caught(), "own except": own_caught(), "made by": type(Strategy.of(2)).__mro__[1] is object,
        "members": [Strategy(3).twice, len(Strategy(3)), asyncio.run(Strategy(3).later()), Strategy.depth],
        "async": inspect.iscoroutinefunction(Strategy.later), "signature": str(inspect.signature(Strategy)),
        "doc": Strategy.__doc__, "no setter": said(lambda: setattr(Strategy(1), "twice", 3)),
        "generic": [Gn[int](3).get(), Gn(4).get()], "enum": [Col.A.up(), Col(1) is Col["A"]], "named": Nt(3).dbl(),
        "slots": [Slot(1).up(), said(lambda: setattr(Slot(1), "zz", 2))[0]],
        "frozen": [frozen.tot(), frozen == Fz(1, [2]), repr(frozen), pickle.loads(pickle.dumps(frozen)) == frozen],
        "metaclass": Mt(3).get(), "orders": [Both(1).n, Both().name(), Both().kind, left.name(), left.kind, left.n],
        "takes none": [said(lambda: Plain(1)), said(lambda: Sub(1)), said(lambda: Taker(1).one()), Plain().one()],
        "lent": said(lambda: Plain.__init__(Plain(), 1))[0],
        "pickles": vars(pickle.loads(pickle.dumps(Strategy(3)))), "copies": copy.deepcopy(Strategy(3)).n,
        "carries": [vars(Strategy(3)), Strategy.__name__, Strategy.__module__ == __name__, len(Strategy.__mro__)],
        "abstract": [said(Abstract), final()],
        "weak": weakref.ref(Strategy())(),
    }
"""
NAMES = ["Strategy", "Err", "Gn", "Slot", "Fz", "Mt", "Left", "Right", "Plain", "Taker", "Abstract", "Col", "Nt"]


def mode(shadowed: Shadowed, name: str, to: str) -> None:
    exuvia.migrate.set_mode(f"{shadowed.legacy_name}:{name}", to)


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_a_program_cannot_tell_legacy_and_shadow_from_no_exuvia_nor_the_way_back(
    shadowed: Shadowed, isolation: str
) -> None:
    shadowed.write(KIN, KIN)
    legacy = shadowed.legacy
    plain = legacy.probe()
    assert (plain["over all"], plain["isinstance"], plain["total"]) == (10, [True] * 4, 16)
    spaces = {name: dict(vars(vars(legacy)[name])) for name in NAMES}
    names = NAMES if isolation == "process" else [name for name in NAMES if name != "Strategy"]
    shadowed.install(*names, mode="legacy", more=f'isolation = "{isolation}"')
    assert legacy.probe() == plain
    for name in names:
        mode(shadowed, name, "shadow")
    assert legacy.probe() == plain
    if isolation == "process":
        for name in ("Strategy", "Gn", "Slot", "Fz", "Mt", "Left", "Plain"):
            counts = shadowed.counts(name)
            assert (counts["compared"] > 1, counts["differed"], counts["places"]) == (True, 0, []), (name, counts)
    for name in names:
        mode(shadowed, name, "legacy")
    assert legacy.probe() == plain
    assert {name: dict(vars(vars(legacy)[name])) for name in NAMES} == spaces


def test_no_class_of_ours_exists_before_a_canary_nor_after_it(shadowed: Shadowed) -> None:
    text = "class Book:\n    def __init__(self, n=0): self.n = n\n    def size(self): return self.n\n"
    shadowed.write(text, text)
    book = shadowed.legacy.Book
    shadowed.install("Book", mode="shadow", more='key = "$args.n"\nshare = 0.5')
    assert book(2).size() == 2
    assert (type.__subclasses__(book), shadowed.legacy.Book is book) == ([], True)
    mode(shadowed, "Book", "canary")
    assert isinstance(shadowed.legacy.Book(1), shadowed.legacy.Book)
    (own,) = type.__subclasses__(book)
    assert shadowed.legacy.Book is own
    del own
    mode(shadowed, "Book", "legacy")
    unit = exuvia.migrate.runtime._current.units[f"{shadowed.legacy_name}:Book"]
    # The observer's thread may just be holding an object of it.
    until(lambda: [unit.settle(), gc.collect()] and not type.__subclasses__(book), "a class of ours was left behind")
    assert shadowed.legacy.Book is book


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Strategy", r"Strategy\.__init_subclass__ hears of every subclass.*Mean, Trend would stay subclasses"),
        ("Err", r"it is an exception: `except Err` would no longer catch"),
        ("Gn", r"Gn\[\.\.\.\] is written of it, and the candidate takes no subscript"),
        ("Mt", r"its metaclass Meta is not the candidate's"),
        ("Left", r"Both would stay subclasses of legacy's class: isinstance"),
        ("Col", r"it is an Enum"),
    ],
)
def test_what_no_other_class_can_stand_for_is_refused_with_line_and_reason_and_said_in_shadow(
    shadowed: Shadowed, name: str, why: str
) -> None:
    other = KIN.replace("class Gn(Generic[T]):", "class Gn:").replace("Gn[int]", "Gn")
    shadowed.write(KIN, other)
    plain = shadowed.legacy.probe()
    shadowed.install(name, more='key = "$args[0]"' if name not in ("Col", "Err") else "")
    steps = ["rust"] if name in ("Col", "Err") else ["rust", "canary"]
    for step in steps:
        with pytest.raises(MigrateError, match=rf"exuvia.toml:4: .*cannot stand in {step}, .*{why}"):
            mode(shadowed, name, step)
        assert shadowed.mode(name) == "shadow"
    assert shadowed.legacy.probe() == plain
    (state,) = exuvia.migrate.status()
    assert any("it can be observed, but not stand in canary or rust" in note for note in state.notes)
    config = exuvia.migrate.load(shadowed.folder / "exuvia.toml")
    sides = surface.surface(config, config.units[f"{shadowed.legacy_name}:{name}"])
    assert "would" in sides.bound or "is" in sides.bound


def test_objects_of_subclasses_are_left_alone_and_status_names_them(shadowed: Shadowed) -> None:
    shadowed.write(KIN, KIN)
    shadowed.install("Strategy")
    for made in (shadowed.legacy.Trend(2), shadowed.legacy.Mean(2)):
        assert made.size() in (4, 6)
    assert shadowed.counts("Strategy")["compared"] == 0
    (state,) = exuvia.migrate.status()
    assert "objects of subclasses are legacy's alone and not compared: Mean, Trend" in state.notes
    mode(shadowed, "Strategy", "legacy")
    shadowed.legacy.Trend(2)
    exuvia.migrate.uninstall()
    config = exuvia.migrate.load(shadowed.folder / "exuvia.toml")
    (state,) = reading.statuses(config, reading.read_folder(config.evidence))
    assert "objects of its subclasses are legacy's alone and were not compared: 2 made in shadow" in state.notes + (
        state.object_notes()
    )


def test_an_install_into_rust_of_what_cannot_stand_there_changes_nothing(shadowed: Shadowed) -> None:
    shadowed.write(KIN, KIN)
    strategy, plain = shadowed.legacy.Strategy, shadowed.legacy.probe()
    with pytest.raises(MigrateError, match="cannot stand in rust"):
        shadowed.install("Strategy", mode="rust")
    assert shadowed.legacy.Strategy is strategy
    assert shadowed.legacy.probe() == plain


def test_a_method_that_the_program_patches_in_shadow_stays_its_own_after_the_way_back(shadowed: Shadowed) -> None:
    shadowed.write(KIN, KIN)
    shadowed.install("Plain")
    plain = shadowed.legacy.Plain
    theirs: Callable[[Any], str] = lambda self: "patched"  # noqa: ARG005, E731 - becomes a method
    plain.one = theirs
    (state,) = exuvia.migrate.status()
    assert "methods patched by the program since stay as it put them: one" in state.notes
    mode(shadowed, "Plain", "legacy")
    assert (vars(plain)["one"], plain().one()) == (theirs, "patched")


def test_marks_go_with_their_objects_weak_references_or_not() -> None:
    ended: list[str] = []

    class Slotted:
        __slots__ = ("n",)

    class Ending(Slotted):
        __slots__ = ()

        def __del__(self) -> None:
            ended.append("ending")

    class Above:
        __slots__ = ()

        def __del__(self) -> None:
            ended.append("above")

    class Below(Above):
        __slots__ = ()

    for cls, said in ((Slotted, []), (Ending, ["ending"]), (Below, ["above"]), (type("Weak", (), {}), [])):
        held: InPlace[int] = InPlace(cls, {})
        space = dict(vars(cls))
        held.apply()
        held.apply()
        one, other = cls(), cls()
        for mark, made in zip(itertools.count(1), (one, other), strict=False):
            held.keep(made, mark)
        assert (held.of(one), held.of(other), held.marks()) == (1, 2, [1, 2])
        del one, made
        gc.collect()
        assert (held.marks(), ended) == ([2], said)
        held.remove()
        assert dict(vars(cls)) == space
        del other
        ended.clear()


def test_what_a_class_inherits_is_looked_up_anew_for_an_object_of_a_subclass() -> None:
    class Base:
        told = "base"

        async def later(self) -> str:
            return "base"

        @property
        def rate(self) -> str:
            return self.told

        @rate.setter
        def rate(self, new: str) -> None:
            self.told = f"base {new}"

        @rate.deleter
        def rate(self) -> None:
            self.told = "base, none"

    class Left(Base):
        pass

    class Right(Base):
        async def later(self) -> str:
            return "right"

        @property
        def rate(self) -> str:
            return f"right {self.told}"

        @rate.setter
        def rate(self, new: str) -> None:
            self.told = f"right {new}"

        @rate.deleter
        def rate(self) -> None:
            self.told = "right, none"

    class Both(Left, Right):
        pass

    def probe(made: Any) -> list[str]:
        found = [asyncio.run(made.later()), made.rate]
        made.rate = "2"
        found.append(made.rate)
        del made.rate
        return [*found, made.rate]

    async def seen(_self: Base) -> str:
        return "seen"

    plain = probe(Left()), probe(Both()), probe(Right()), asyncio.run(Left.later(Base()))  # type: ignore[arg-type]  # lent
    rate: Any = vars(Base)["rate"]
    mine = property(lambda self: f"seen {rate.fget(self)}", rate.fset, rate.fdel)
    held: InPlace[int] = InPlace(Left, {"later": seen, "rate": mine})
    held.apply()
    assert (probe(Both()), probe(Right())) == plain[1:3]
    assert asyncio.run(Left.later(Base())) == plain[3]  # type: ignore[arg-type]  # lent to a stranger
    assert probe(Left()) == ["seen", "seen base", "seen base 2", "seen base, none"]
    held.remove()
    assert (probe(Left()), vars(Left).get("rate"), vars(Left).get("later")) == (plain[0], None, None)


def test_a_class_that_takes_no_patch_says_so_and_stays_whole() -> None:
    held: InPlace[int] = InPlace(int, {"bit_length": lambda self: 0})  # noqa: ARG005 - becomes a method
    held.apply()
    assert "its methods cannot be patched" in held.refusal
    assert (5).bit_length() == 3


def test_every_reason_is_named_and_a_class_of_its_own_has_none() -> None:
    class Legacy:
        pass

    class Candidate(Legacy):
        pass

    assert standing_in.refusals(Legacy, Candidate) == []
    assert standing_in.refusals(Legacy, dict) == [
        "Candidate would stay subclasses of legacy's class: isinstance and `match` with "
        f"{Legacy.__qualname__} would not know their objects".replace("Candidate", Candidate.__qualname__)
    ]


@pytest.mark.parametrize("mode", ["shadow", "canary", "rust"])
def test_the_making_of_an_object_counts_once_in_every_mode(shadowed: Shadowed, mode: str) -> None:
    text = """
        class Desk:
            def __init__(self, n):
                self.n = n
            def add(self, k):
                return self.n + k
        """
    shadowed.write(text, text)
    shadowed.install("Desk", mode=mode, more='key = "$args.n"\nshare = 0.5')
    assert [shadowed.legacy.Desk(n).add(1) for n in range(50)] == list(range(1, 51))
    counts = shadowed.counts("Desk")
    assert counts["legacy_calls"] + counts["candidate_calls"] == 100
    if mode == "canary":
        assert counts["candidate_calls"] == 2 * counts["canary_calls"]
        assert 0 < counts["canary_calls"] < 50


def test_how_methods_of_a_class_in_rust_are_called_can_be_read_off_their_code(shadowed: Shadowed) -> None:
    text = """
class Base:
    def close(self, *, at=3): return at
class Book(Base):
    def __init__(self, n, depth=5): self.n = n
    def add(self, m, side="Buy"): return self.n + m
    async def later(self, n): return n
    def walk(self, n): yield n
class Bare(Base):
    def add(self, m): return m
"""
    shadowed.write(text, text)
    candidate = importlib.import_module(shadowed.candidate_name).Book
    names = ("__init__", "add", "walk", "close")
    own = {name: (getattr(candidate, name).__code__, getattr(candidate, name).__defaults__) for name in names}
    shadowed.install("Book", "Bare", mode="rust")
    book = shadowed.legacy.Book
    assert book is candidate
    for name in names:
        function = getattr(book, name)
        assert (function.__code__, function.__defaults__) == own[name], name
        assert inspect.signature(function).parameters.keys() == set(own[name][0].co_varnames), name
    code = book.__init__.__code__
    assert code.co_varnames[1 : code.co_argcount] == ("n", "depth")
    assert book(1).add.__code__ is own["add"][0]
    assert book.close.__kwdefaults__ == {"at": 3}
    assert (inspect.isgeneratorfunction(book.walk), inspect.iscoroutinefunction(book.later)) == (True, True)
    assert book(2).add(3) == 5
    assert list(book(1).walk(4)) == [4]
    assert not hasattr(shadowed.legacy.Bare.__init__, "__code__"), "object's own has none either"
    mode(shadowed, "Book", "legacy")
    assert candidate.add.__code__ is own["add"][0]


def pickled_and_copied(function: Callable[..., Any], *given: Any) -> list[Any]:
    """What a partial that is made to look like a function answers, itself and after a way through pickle and copy."""
    made = functools.update_wrapper(functools.partial(function, *given), function)
    return [made(), pickle.loads(pickle.dumps(made))(), copy.deepcopy(made)()]


def test_a_partial_that_looks_like_a_method_in_rust_is_pickled_and_copied(shadowed: Shadowed) -> None:
    text = """
class Book:
    def __init__(self, n=3): self.n = n
    def add(self, x=1): return self.n + x
"""
    shadowed.write(text, text)
    shadowed.install("Book", mode="rust")
    book = shadowed.legacy.Book
    assert book.add.__code__.co_varnames == ("self", "x")
    assert book.__init__.__defaults__ == (3,)
    assert not set(vars(book.add)) & {"__code__", "__globals__", "__closure__", "__defaults__", "__kwdefaults__"}
    assert pickled_and_copied(book.add, book(), 1) == [4] * 3


def test_a_partial_of_a_function_that_an_object_stands_for_is_pickled_and_copied(
    shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splice, "can_splice", lambda: False)
    text = "def price(x, k=1): return x + k"
    shadowed.write(text, text)
    shadowed.install("price")
    price = shadowed.legacy.price
    assert not inspect.isfunction(price)
    assert (price.__code__.co_varnames, price.__defaults__, price.__closure__) == (("x", "k"), (1,), None)
    assert price.__globals__ is vars(shadowed.legacy)
    assert pickled_and_copied(price, 1) == [2] * 3
