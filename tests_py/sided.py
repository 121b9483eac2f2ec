"""A module with every kind of function, its candidate, and the moult of both: each answer names its side."""

from __future__ import annotations

import asyncio
import importlib
import sys
from typing import TYPE_CHECKING, Any

import exuvia.migrate
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["CALLS", "CLASS", "Desk", "current", "desk", "drained", "says"]

LEGACY = """
import functools, math
from math import floor

def side(): return "legacy"

def timed(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        wrapper.calls += 1
        return function(*args, **kwargs)
    wrapper.calls = 0
    return wrapper

def hiding(function):
    return lambda *args: ("hidden", function(*args))

class Decorator:
    def __init__(self, function): self.function = function
    def __call__(self, *args): return ("object", self.function(*args))

def plain(x=1, *, y=2): return side(), x, y

async def fetch(x, y=2):
    return side(), x, y

def items(n, stop=None):
    for i in range(n):
        got = yield side(), i
        if got is not None:
            yield "got", got
    return side()

async def stream(n):
    for i in range(n):
        try:
            got = yield side(), i
        except KeyError:
            yield "caught", i
            got = None
        if got is not None:
            yield "got", got

@timed
def decorated(x): return side(), x

@hiding
def concealed(x): return side(), x

@Decorator
def by_object(x): return side(), x

@functools.lru_cache
def cached(x): return side(), x

def make(rate):
    def closed(x): return side(), x * rate
    return closed
closure = make(3)

class Book:
    rate = 5
    def method(self, x): return side(), x, self.rate
    @staticmethod
    def static(x): return side(), x
    @classmethod
    def named(cls, x): return side(), cls.__name__, x
    @property
    def last(self): return side()
    @last.setter
    def last(self, x): self.seen = side(), x
    async def wait(self, x): return side(), x
    def walk(self, n):
        for i in range(n): yield side(), i

class Child(Book):
    rate = 6

def default(x, f=plain): return f(x)
TABLE = {"plain": plain, "floor": floor}
LIST = [plain, floor]
def cell(f):
    def inner(x): return f(x)
    return inner
CELL = cell(floor)
def floored(x, f=floor): return f(x)
class Holder:
    floor = floor
"""

CANDIDATE = """
import random
def side(): return "rust"
""" + LEGACY.split('def side(): return "legacy"')[1].replace("@timed\n", "").replace("@hiding\n", "").replace(
    "@Decorator\n", ""
).replace("@functools.lru_cache\n", "").replace("from math import floor", "")
CANDIDATE = CANDIDATE.replace("import random", "import functools, math, random\nfloor = math.ceil")
CANDIDATE += """
closed = closure
async def fetch_fails(x, y=2):
    raise ValueError("candidate")
def items_fail(n, stop=None):
    yield "legacy", 0
    yield "legacy", 1
    raise ValueError("candidate")
async def stream_fails(n):
    yield "legacy", 0
    raise ValueError("candidate")
"""
CLASS = """
class Desk:
    def __init__(self, account): self.account = account
    def side(self): return '{side}'
"""
NUMBER = iter(range(1_000))


class Desk:
    def __init__(self, folder: Path) -> None:
        self.folder, number = folder, next(NUMBER)
        self.legacy_name, self.candidate_name = f"kinds{number}", f"kinds_rust{number}"
        (folder / f"{self.legacy_name}.py").write_text(LEGACY)
        (folder / f"{self.candidate_name}.py").write_text(CANDIDATE)
        self.config = folder / "exuvia.toml"

    def write(self, *names: str, mode: str = "legacy", candidate: str | None = None, more: str = "") -> Path:
        text = ["[exuvia]\nrehearsal = true"]
        for name in names:
            unit = name if ":" in name else f"{self.legacy_name}:{name}"
            other = candidate or f"{self.candidate_name}:{name}"
            text.append(f'[unit."{unit}"]\ncandidate = "{other}"\neffect = "pure"\nmode = "{mode}"\n{more}')
        self.config.write_text("\n".join(text))
        self.config.chmod(0o600)
        return self.config

    def install(self, *names: str, imported: bool = True, **options: Any) -> Any:
        self.legacy: Any = importlib.import_module(self.legacy_name) if imported else None
        exuvia.migrate.install(self.write(*names, **options))
        return self.legacy

    def flip(self, name: str, mode: str) -> None:
        exuvia.migrate.set_mode(f"{self.legacy_name}:{name}", mode)

    def status(self) -> Any:
        return exuvia.migrate.status()[0]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.syspath_prepend(str(tmp_path))
    made = Desk(tmp_path)
    yield made
    exuvia.migrate.uninstall()
    for name in (made.legacy_name, made.candidate_name):
        sys.modules.pop(name, None)


async def drained(stream: Any) -> list[Any]:
    return [item async for item in stream]


def current() -> Any:
    return importlib.import_module("exuvia.migrate.runtime")._current


CALLS: dict[str, Any] = {
    "plain": lambda m: (m.plain(4), m.default(4), m.TABLE["plain"](4), m.LIST[0](4)),
    "fetch": lambda m: asyncio.run(m.fetch(1, y=3)),
    "items": lambda m: list(m.items(2)),
    "stream": lambda m: asyncio.run(drained(m.stream(2))),
    "decorated": lambda m: m.decorated(4),
    "concealed": lambda m: m.concealed(4),
    "by_object": lambda m: m.by_object(4),
    "cached": lambda m: (m.cached(4), m.cached(4)),
    "closure": lambda m: m.closure(4),
    "Book.method": lambda m: (m.Book().method(1), m.Child().method(1), m.Book.method(m.Child(), 2)),
    "Book.static": lambda m: (m.Book.static(1), m.Child().static(1)),
    "Book.named": lambda m: (m.Book.named(1), m.Child().named(1)),
    "Book.last": lambda m: m.Child().last,
    "Book.wait": lambda m: asyncio.run(m.Child().wait(1)),
    "Book.walk": lambda m: list(m.Child().walk(2)),
}


def says(answer: Any, side: str) -> bool:
    other = {"legacy": "rust", "rust": "legacy"}[side]
    return f"'{side}'" in repr(answer) and f"'{other}'" not in repr(answer)
