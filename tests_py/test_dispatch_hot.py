"""Call sites that the interpreter has specialised follow each exchange of code, also under threads.

The interpreter rewrites a hot call, subscript, attribute, loop or await for the code that it met there.
The exchange must undo that: on every Python named in `splice.TESTED`.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from exuvia.migrate.dispatch.splice import Splice, can_splice, legacy_copy

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(not can_splice(), reason="the splice is refused on this Python")

LEGACY = """
import functools

def decorator(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper

def plain(x, y=2, *, z=3): return "legacy", x, y, z
def many(a, /, b, *rest, c=1, **more): return "legacy", a, b, rest, c, more
def closing(rate):
    def closed(x): return "legacy", x * rate, [x + rate for x in range(x)]
    return closed
closed = closing(3)

@decorator
def decorated(x): return "legacy", x

def items(n):
    for i in range(n):
        yield "legacy"
    return n
async def fetch(x): return "legacy", x
async def stream(n):
    for i in range(n):
        yield "legacy"

class Base:
    def late(self, x): return x

class Book(Base):
    side = None
    def __init__(self, x): self.made = "legacy", x
    def method(self, x): return "legacy", super().late(x)
    def __getitem__(self, x): return "legacy", x
    def __contains__(self, x): return x == "legacy"
    def __iter__(self): return iter(("legacy",))
    def __add__(self, other): return "legacy", other
    @property
    def last(self): return "legacy"
    @staticmethod
    def static(x): return "legacy", x
    @classmethod
    def named(cls, x): return "legacy", cls.__name__, x
    def walk(self, n): yield from items(n)
    async def wait(self, x): return await fetch(x)

class Open:
    def __getattribute__(self, name): return "legacy"
class Lazy:
    def __getattr__(self, name): return "legacy"

book, opened, lazy = Book(1), Open(), Lazy()
"""

# Each is a function of its own, so that the call inside it is specialised for one target.
SITES = """
def plain(): return m.plain(1, 2, z=4), m.plain(1)
def many(): return m.many(1, 2, 3, c=4, d=5), m.many(1, b=2)
def closed(): return m.closed(2)
def decorated(): return m.decorated(4)
def items(): return [item for item in m.items(3)]
def items_inside(): return [item for item in over(m)]
def fetch(): return ran(m.fetch(2))
def fetch_inside(): return ran(awaits(m))
def stream(): return ran(drained(m))
def init(): return m.Book(3).made
def method(): return m.book.method(2)
def subscript(): return m.book[3]
def contains(): return "legacy" if "legacy" in m.book else "rust"
def iterates(): return [item for item in m.book]
def adds(): return m.book + 3
def reads(): return m.book.last
def static(): return m.book.static(2), m.Book.static(3)
def named(): return m.book.named(2), m.Book.named(3)
def walk(): return [item for item in m.book.walk(2)]
def wait(): return ran(m.book.wait(2))
def opened(): return m.opened.anything
def lazy(): return m.lazy.anything

def over(m):
    yield (yield from m.items(2)) and "end"
async def awaits(m): return await m.fetch(3)
async def drained(m): return [item async for item in m.stream(3)]
def ran(coroutine):
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("a coroutine of these tests never waits")
"""

WHERE = {
    "items_inside": "items",
    "fetch_inside": "fetch",
    "init": "Book.__init__",
    "method": "Book.method",
    "subscript": "Book.__getitem__",
    "contains": "Book.__contains__",
    "iterates": "Book.__iter__",
    "adds": "Book.__add__",
    "reads": "Book.last",
    "static": "Book.static",
    "named": "Book.named",
    "walk": "Book.walk",
    "wait": "Book.wait",
    "opened": "Open.__getattribute__",
    "lazy": "Lazy.__getattr__",
}
NAMES = [line.split()[1].split("(")[0] for line in SITES.splitlines() if line.startswith("def ")]
NAMES = [name for name in NAMES if name not in ("over", "ran")]


def names_of(source: str, **given: Any) -> dict[str, Any]:
    """What a module of this source defines: a new one each time, with no call site warm."""
    names: dict[str, Any] = {"__name__": "side", **given}
    exec(source, names)  # noqa: S102 - the source is in this file
    return names


class Program:
    """A module of both sides, the hot call site of one name, and the splice of what it calls."""

    def __init__(self, name: str) -> None:
        legacy = names_of(LEGACY)
        rust = names_of(LEGACY.replace('"legacy"', '"rust"').replace("super().late(x)", "x"))
        self.call: Callable[[], Any] = names_of(SITES, m=Names(legacy))[name]
        path = WHERE.get(name, name)
        self.function = function_at(legacy, path)
        self.original = self.function.__code__
        self.splice = Splice(self.function, function_at(rust, path))


class Names:
    """The names of a module as attributes."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.__dict__ = names


def function_at(names: dict[str, Any], path: str) -> Any:
    first, *rest = path.split(".")
    found: Any = functools.reduce(lambda owner, name: vars(owner)[name], rest, names[first])
    if isinstance(found, (staticmethod, classmethod)):
        found = found.__func__
    if isinstance(found, property):
        found = found.fget
    return inspect.unwrap(found)


def side_of(answer: Any) -> set[str]:
    return {side for side in ("legacy", "rust") if f"'{side}'" in repr(answer)}


@pytest.mark.parametrize("name", NAMES)
def test_a_hot_call_site_follows_every_exchange(name: str) -> None:
    program = Program(name)
    first = program.call()
    for _ in range(200):
        assert side_of(program.call()) == {"legacy"}
    for _ in range(20):
        program.splice.apply()
        for _ in range(60):
            assert side_of(program.call()) == {"rust"}
        program.splice.restore()
        assert program.function.__code__ is program.original
        for _ in range(60):
            assert side_of(program.call()) == {"legacy"}
    assert program.call() == first


@pytest.mark.parametrize("name", NAMES)
def test_threads_in_a_hot_call_site_see_one_side_or_the_other_while_it_is_exchanged(name: str) -> None:
    program = Program(name)
    expected = {"legacy": program.call()}
    program.splice.apply()
    expected["rust"] = program.call()
    program.splice.restore()
    # A site of several calls may meet an exchange between two of them.
    single = {part for answer in expected.values() for part in parts(answer)}
    wrong: list[Any] = []
    seen: set[str] = set()
    calls = [0] * 3
    begun = threading.Semaphore(0)

    def call(number: int) -> None:
        begun.release()
        try:
            while not done.is_set():
                answer = program.call()
                calls[number] += 1
                seen.update(side_of(answer))
                if answer not in expected.values() and not parts(answer) <= single:
                    wrong.append(answer)
        except BaseException as error:
            wrong.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    done, exchanges, deadline = threading.Event(), 0, time.monotonic() + 20
    threads = [threading.Thread(target=call, args=(number,)) for number in range(len(calls))]
    try:
        for thread in threads:
            thread.start()
            # CPython 3.11 refuses a second thread's trace function (coverage.py's) while one is being set.
            assert begun.acquire(timeout=20)
        while (min(calls) < 500 or exchanges < 200 or len(seen) < 2) and not wrong and time.monotonic() < deadline:
            program.splice.apply()
            time.sleep(0)  # lets go of the GIL, so that the threads meet this side too
            program.splice.restore()
            exchanges += 1
    finally:
        done.set()
        for thread in threads:
            thread.join(20)
        sys.setswitchinterval(interval)
    assert wrong == []
    assert seen == {"legacy", "rust"}
    assert exchanges >= 200
    assert program.call() == expected["legacy"]


def parts(answer: Any) -> set[str]:
    return {repr(part) for part in answer} if isinstance(answer, (tuple, list)) else {repr(answer)}


@pytest.mark.parametrize("kind", ["items", "walk", "fetch", "stream"])
def test_a_body_that_has_begun_ends_on_its_side_whatever_is_exchanged_meanwhile(kind: str) -> None:
    program = Program(kind)
    function, served = program.function, legacy_copy(program.function)
    names = function.__globals__
    arguments = (names["book"], 3) if kind == "walk" else (3,)
    if kind == "fetch":
        before = function(*arguments)
        program.splice.apply()
        assert asyncio.run(both(before, function(*arguments))) == [("legacy", 3), ("rust", 3)]
        return
    before = function(*arguments)
    if kind == "stream":
        assert asyncio.run(drain(before, program.splice.apply)) == ["legacy"] * 3
        assert asyncio.run(drain(function(*arguments), program.splice.restore)) == ["rust"] * 3
        return
    assert next(before) == "legacy"
    program.splice.apply()
    assert next(before) == "legacy"
    during = function(*arguments)
    assert next(during) == "rust"
    program.splice.restore()
    assert list(before) == ["legacy"]
    assert list(during) == ["rust"] * 2
    assert list(function(*arguments)) == list(served(*arguments)) == ["legacy"] * 3


async def both(*waiting: Any) -> list[Any]:
    return list(await asyncio.gather(*waiting))


async def drain(stream: Any, between: Callable[[], None]) -> list[Any]:
    items = [await anext(stream)]
    between()
    return items + [item async for item in stream]


NEWER = """
class Shelf[T]:
    def first[U: int](self, values: list[T], other: U) -> T:
        def inner(value: T) -> T:
            return value
        return "legacy", [inner(value) for value in values][0], other, U.__name__, T.__name__

def largest[T: (int, float)](values: list[T], least: T = 0) -> T:
    return "legacy", max([value for value in values if value >= least]), T.__name__, {v: 1 for v in values}

async def awaited[T](value: T) -> T:
    return "legacy", value, T.__name__
"""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters came with Python 3.12")
@pytest.mark.parametrize("path", ["Shelf.first", "largest", "awaited"])
def test_functions_with_type_parameters_are_spliced_and_keep_them(path: str) -> None:
    legacy, rust = names_of(NEWER), names_of(NEWER.replace('"legacy"', '"rust"'))
    function, other = function_at(legacy, path), function_at(rust, path)
    calls = {
        "Shelf.first": lambda: legacy["Shelf"]().first([4, 5], 6),
        "largest": lambda: legacy["largest"]([4, 5]),
        "awaited": lambda: asyncio.run(legacy["awaited"](3)),
    }
    before, parameters, signature = calls[path](), function.__type_params__, inspect.signature(function)
    splice = Splice(function, other)
    for _ in range(30):
        splice.apply()
        assert calls[path]() == ("rust", *before[1:])
        assert function.__type_params__ is parameters or function.__type_params__ == parameters
        assert inspect.signature(function) == signature
        splice.restore()
        assert calls[path]() == before
