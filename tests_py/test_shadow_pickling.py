"""A sample is packed without running code of the program, which could wait for the caller's own lock."""

from __future__ import annotations

import collections
import copyreg
import dataclasses
import datetime
import decimal
import enum
import importlib
import pickle
import random
import sys
import textwrap
import threading
import typing
import warnings
from pathlib import Path
from typing import Any

import pytest
from exuvia.migrate.shadow import pickling
from exuvia.migrate.shadow.packing import Hooked
from shadowing import Shadowed, shadowed

__all__ = ["shadowed"]

BOOK = """
import random, threading, warnings
def spread(book):
    return book.ask - book.bid
class Book:
    def __init__(self):
        self.lock = threading.Lock()
        self.bid, self.ask = 1.0, 2.0
    def __getstate__(self):
        random.random()
        warnings.warn("pickled", UserWarning)
        with self.lock:
            return self.bid, self.ask
    def __setstate__(self, state):
        self.lock = threading.Lock()
        self.bid, self.ask = state
    def quoted(self):
        with self.lock:
            return spread(self)
class Plain:
    def __init__(self):
        self.bid, self.ask = 1.0, 2.0
"""


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_a_unit_that_is_called_while_its_argument_s_lock_is_held_is_answered(
    shadowed: Shadowed, isolation: str
) -> None:
    shadowed.write(BOOK, BOOK)
    shadowed.install("spread", more=f'isolation = "{isolation}"')
    answers: list[float] = []
    # As legacy does, in a thread that may hang.
    caller = threading.Thread(target=lambda: answers.append(shadowed.legacy.Book().quoted()), daemon=True)
    caller.start()
    caller.join(10.0)
    assert answers == [1.0], "the caller waits for its own lock"
    found = shadowed.counts("spread")
    assert (found["compared"], found["skipped"]) == (0, 1)
    (reason,) = found["reasons"]
    assert "Book has its own __getstate__" in reason
    assert 'declare pickling = "run"' in reason


def test_no_hook_of_a_sample_draws_a_number_or_warns(shadowed: Shadowed) -> None:
    shadowed.write(BOOK, BOOK)
    shadowed.install("spread")
    random.seed(7)
    expected = random.random()
    random.seed(7)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert shadowed.legacy.spread(shadowed.legacy.Book()) == 1.0
    assert random.random() == expected
    assert caught == []


def test_what_has_no_hook_is_compared_as_ever_and_declared_hooks_run(shadowed: Shadowed) -> None:
    shadowed.write(BOOK, BOOK)
    shadowed.install("spread", more='pickling = "run"')
    legacy = shadowed.legacy
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        legacy.spread(legacy.Book())
    legacy.spread(legacy.Plain())
    assert shadowed.counts("spread")["compared"] == 2


class Colour(enum.Enum):
    RED = 1


class Pair(typing.NamedTuple):
    one: int
    two: int


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    one: int


class Slots:
    __slots__ = ("one",)


class Rows(list[int]):
    pass


class RefusedError(ValueError):
    pass


def test_what_the_library_pickles_is_pickled_as_ever() -> None:
    slots = Slots()
    slots.one = 1  # type: ignore[attr-defined]
    values: list[Any] = [
        Colour.RED, Pair(1, 2), Frozen(1), Rows([1]), RefusedError("x"), decimal.Decimal("1.5"),
        datetime.datetime.now(),
        collections.OrderedDict(a=1), collections.Counter("abc"), collections.defaultdict(list, a=[1]), slots,
        collections.deque([1]), range(3), Path("x"), {1, 2}, Colour, {"deep": [Frozen(2), Pair(3, 4)]},
        complex(1, 2), bytearray(b"x"), slice(1, 2), ValueError(Frozen(3)),
    ]  # fmt: skip
    np, pd = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    values += [np.arange(3), np.float64(1.5), pd.DataFrame({"a": [1]}), pd.Timestamp("2024-01-01")]
    for value in values:
        assert pickling.guarded(value) == pickle.dumps(value, 5), value
        assert pickling.guarded_attempt([value]) == pickle.dumps([value], 5), value


HOOKS = {
    "__reduce__": "def __reduce__(self): return int, ()",
    "__reduce_ex__": "def __reduce_ex__(self, protocol): return int, ()",
    "__getstate__": "def __getstate__(self): return {}",
    "__setstate__": "def __setstate__(self, state): pass",
    "__getnewargs__": "def __getnewargs__(self): return ()",
    "__getnewargs_ex__": "def __getnewargs_ex__(self): return (), {}",
    "__getattribute__": "def __getattribute__(self, name): return object.__getattribute__(self, name)",
    "__getattr__": "__slots__ = ('one',)\n    def __getattr__(self, name): raise AttributeError",
    "__class__": "__class__ = property(lambda self: Made)",
}


@pytest.mark.parametrize("name", HOOKS)
def test_a_class_with_a_hook_of_its_own_is_refused_by_name(tmp_path: Path, name: str, monkeypatch: Any) -> None:
    module = f"hooked_{name.strip('_')}"
    (tmp_path / f"{module}.py").write_text(f"class Made:\n    {HOOKS[name]}\nclass Below(Made):\n    pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    made = importlib.import_module(module)
    for kind in (made.Made, made.Below):
        with pytest.raises(Hooked, match=f"its own {name}"):
            pickling.guarded([kind()])
    sys.modules.pop(module)


def test_containers_that_are_walked_by_code_of_their_own_are_refused() -> None:
    class Walked(dict[str, int]):
        def items(self) -> Any:
            raise AssertionError("it ran")

    class Listed(list[int]):
        def __iter__(self) -> Any:
            raise AssertionError("it ran")

    for value, name in ((Walked(a=1), "items"), (Listed([1]), "__iter__")):
        with pytest.raises(Hooked, match=f"its own {name}"):
            pickling.guarded(value)


class Registered:
    pass


def test_a_function_in_copyreg_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(copyreg.dispatch_table, Registered, lambda _: (Registered, ()))
    pickling._TABLE.clear()
    with pytest.raises(Hooked, match="function in copyreg"):
        pickling.guarded(Registered())
    pickling._TABLE.clear()


def test_a_package_of_the_program_s_is_its_own_wherever_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    pd = pytest.importorskip("pandas")
    index = pd.Index([1, 2])
    assert pickling.guarded(index)
    pickling.own_packages(["pandas.core"])
    try:
        with pytest.raises(Hooked, match="__reduce__"):
            pickling.guarded(index)
    finally:
        pickling._projects.discard("pandas")
        pickling._TABLE.clear()


def test_classes_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[type] = []
    real = pickling.hooked
    monkeypatch.setattr(pickling, "hooked", lambda kind: looked.append(kind) or real(kind))
    pickling._TABLE.clear()
    for _ in range(3):
        pickling.guarded([Frozen(1), Frozen(2), Colour.RED])
    assert sorted(kind.__name__ for kind in looked) == ["Colour", "Frozen"]
    assert textwrap.dedent(pickling.__doc__ or "")
