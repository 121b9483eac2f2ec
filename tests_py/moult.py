"""A small program to be moulted: a legacy package, a module that uses it, a candidate and a configuration."""

from __future__ import annotations

import importlib
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import exuvia.migrate
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LEGACY = """
import functools, random, threading

class FrameError(ValueError):
    pass

def mean(values, scale=1.0, *, shift=0.0):
    total = 0.0
    for value in values:
        total += value
    return total / len(values) * scale + shift

def pick(values):
    return random.choice(values)

def sort(values):
    values.sort()
    return len(values)

def orders(n):
    return [{"id": i, "price": 1.0 + i / 100, "fills": [{"amount": 10 * i}]} for i in range(n)]

error = FrameError("offset 3")

def decode(data):
    if not data:
        raise error
    return data[0]

@functools.lru_cache(maxsize=None)
def cached(x):
    return x * 2

def recursive(n):
    return 0 if n == 0 else 1 + recursive(n - 1)

class Book:
    limit = 3
    def __init__(self, start=0):
        self.seen = start
        self.rows = []
    def add(self, row):
        self.seen += 1
        self.rows.append(row)
        return self.inner()
    def inner(self):
        return self.seen
    def fail(self, x):
        raise KeyError(x)
    def me(self):
        return self
    @property
    def last(self):
        return self.rows[-1] if self.rows else None
    @last.setter
    def last(self, row):
        self.rows[-1] = row
    @classmethod
    def make(cls):
        return cls()
    def __len__(self):
        return self.seen

class Frozen:
    __slots__ = ("x",)
    def __init__(self, x):
        self.x = x
    def twice(self):
        return self.x * 2

def by_key(n):
    return {f"k{n}": n}

class Tools:
    @staticmethod
    def half(x):
        return x / 2
    @classmethod
    def named(cls, x):
        return f"{cls.__name__} {x}"

class Desk(Tools):
    def double(self, x):
        return super().half(x) * 4

class Bare:
    def one(self):
        return 1

class Made:
    def __new__(cls, x):
        made = super().__new__(cls)
        made.x = x
        return made
    def twice(self):
        return self.x * 2

class Row(tuple):
    def total(self):
        return sum(self)

class Pointed:
    __slots__ = ("x",)
    def __init__(self, x):
        self.x = x
    def twice(self):
        return self.x * 2
    def __reduce__(self):
        return type(self), (self.x,)

class Named:
    def one(self):
        return 1
    def __reduce__(self):
        return "NAMED"

class Kept:
    def one(self):
        return 1
    def __init__(self):
        self.state = [1, 2]
    def __getstate__(self):
        return list(self.state)
    def __setstate__(self, state):
        self.state = state

class Counted:
    def one(self):
        return 1
    def __init__(self):
        self.n = 3
    def __getstate__(self):
        return {"n": self.n}

entered, go = threading.Event(), threading.Event()

class Slow:
    def wait(self):
        entered.set()
        go.wait(20)
        return 1
    def poke(self):
        return 2

class Deck:
    def __init__(self):
        self.rows = []
    def append(self, row):
        self.rows.append(row)
    def pop(self):
        return self.rows.pop()
    def __len__(self):
        return len(self.rows)
"""

USER = """
from {legacy} import Book, mean, orders
held = {{"mean": mean}}
def use(values):
    return mean(values, 2.0, shift=1.0)
def book():
    b = Book()
    return [b.add(1), b.add(2), b.last, len(b)]
"""

CANDIDATE = """
import contextvars, decimal, random, sys
from {legacy} import Book as LegacyBook, FrameError
calls = []
def mean(values, scale=1.0, *, shift=0.0):
    calls.append(values)
    return sum(values) / len(values) * scale + shift
def pick(values):
    random.seed(99); random.random()
    return random.choice(values)
def sort(values):
    values.sort(reverse=True)
    return len(values)
def orders(n):
    made = [{{"id": i, "price": 1.0 + i / 100, "fills": [{{"amount": 10 * i}}]}} for i in range(n)]
    if n > 2:
        made[2]["fills"][0]["amount"] = 999
    return made
def decode(data):
    if not data:
        raise FrameError("offset 4")
    return data[0]
def cached(x):
    return x * 3
def recursive(n):
    return n
def exits(*args):
    sys.exit("candidate")
def wrong_signature(values):
    return 0
class Book:
    def __init__(self, start=0):
        self.n = start
        self.rows = []
    def add(self, row):
        self.n += 1
        self.rows.append(row)
        return self.n if row != "bad" else -1
    def inner(self):
        return self.n
    def fail(self, x):
        raise KeyError(x)
    def me(self):
        return self
    @property
    def last(self):
        return self.rows[-1] if self.rows else None
    @last.setter
    def last(self, row):
        self.rows[-1] = row
    @classmethod
    def make(cls):
        return cls()
    @property
    def seen(self):
        return self.n
    def __len__(self):
        return self.n
class Broken(Book):
    def __init__(self, start=0):
        raise SystemExit("no")
class Frozen:
    def __init__(self, x):
        self.x = x
    def twice(self):
        return self.x + self.x
def by_key(n):
    return {{f"k{{n}}": n + 1}}
def half(x):
    return x * 0.5
def named(cls, x):
    return cls.__name__ + " " + str(x)
def double(self, x):
    return x + x
class Bare:
    def one(self):
        return 1
class Made:
    def __init__(self, x):
        self.x = x
    def twice(self):
        return self.x + self.x
class Row:
    def __init__(self, values=()):
        self.values = values
    def total(self):
        return sum(self.values)
class Slow:
    def wait(self):
        return 1
    def poke(self):
        return 2
Pointed, Named, Kept, Counted = Frozen, Bare, Bare, Bare
"""

NUMBER = iter(range(10_000))


class Project:
    """A legacy package, its user, a candidate and a configuration, under names of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        number = next(NUMBER)
        self.legacy_name, self.user_name, self.candidate_name = (f"{n}{number}" for n in ("leg", "user", "cand"))
        for name, text in (
            (self.legacy_name, LEGACY),
            (self.user_name, USER.format(legacy=self.legacy_name)),
            (self.candidate_name, CANDIDATE.format(legacy=self.legacy_name)),
        ):
            (folder / f"{name}.py").write_text(textwrap.dedent(text))
        self.config = folder / "exuvia.toml"
        self.legacy: Any = importlib.import_module(self.legacy_name)
        self.user: Any = importlib.import_module(self.user_name)
        self.candidate: Any = importlib.import_module(self.candidate_name)

    def unit(self, name: str) -> str:
        return f"{self.legacy_name}:{name}"

    def write(
        self,
        *names: str,
        mode: str = "shadow",
        candidate: str | None = None,
        more: str = "",
        rehearsal: bool = True,
    ) -> Path:
        lines = ["[exuvia]", f"rehearsal = {str(rehearsal).lower()}", 'endpoints = ["http://127.0.0.1:9"]']
        for name in names:
            lines += [
                f'[unit."{self.unit(name)}"]',
                f'candidate = "{self.candidate_name}:{candidate or name}"',
                'effect = "pure"',
                f'mode = "{mode}"',
                more,
                'isolation = "thread"',
            ]
        self.config.write_text("\n".join(lines))
        self.config.chmod(0o600)
        return self.config

    def install(self, *names: str, **options: Any) -> None:
        exuvia.migrate.install(self.write(*names, **options))

    def status(self, name: str) -> Any:
        return without_isolation(next(state for state in exuvia.migrate.status() if state.unit == self.unit(name)))


def without_isolation(state: Any) -> Any:
    """A status without the note on isolation, which every unit of these projects has."""
    state.notes = [note for note in state.notes if not note.startswith("isolation = thread")]
    return state


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.syspath_prepend(str(tmp_path))
    made = Project(tmp_path)
    yield made
    exuvia.migrate.uninstall()
    for name in (made.legacy_name, made.user_name, made.candidate_name):
        sys.modules.pop(name, None)
