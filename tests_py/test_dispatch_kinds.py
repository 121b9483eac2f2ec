"""Whatever form a unit has, it follows a flip and the flip back, under every name that was bound before."""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import exuvia.migrate
import pytest
from exuvia.errors import ConfigError, MigrateError
from exuvia.migrate.dispatch.splice import Splice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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


@pytest.mark.parametrize("name", list(CALLS))
def test_every_kind_follows_each_flip_and_its_own_code_comes_back(desk: Desk, name: str) -> None:
    candidate = f"{desk.candidate_name}:closed" if name == "closure" else None
    module = desk.install(name, candidate=candidate)
    call = CALLS[name]
    before = call(module)
    assert says(before, "legacy")
    for mode, side in (
        ("rust", "rust"),
        ("legacy", "legacy"),
        ("shadow", "legacy"),
        ("rust", "rust"),
        ("legacy", "legacy"),
    ):
        desk.flip(name, mode)
        assert says(call(module), side), mode
    assert call(module) == before
    exuvia.migrate.uninstall()
    assert call(module) == before


@pytest.mark.parametrize("name", ["plain", "fetch", "items", "stream", "decorated", "closure", "Book.wait"])
def test_what_inspection_sees_is_the_same_in_every_mode(desk: Desk, name: str) -> None:
    candidate = f"{desk.candidate_name}:closed" if name == "closure" else None
    module = desk.install(name, candidate=candidate)

    def seen() -> Any:
        found = functools.reduce(getattr, name.split("."), module)
        return (
            inspect.signature(found),
            inspect.iscoroutinefunction(found),
            inspect.isgeneratorfunction(found),
            inspect.isasyncgenfunction(found),
            isinstance(found, type(lambda: 0)),
            found.__name__,
            found.__qualname__,
            found.__module__,
            id(found),
            name in ("closure", "concealed") or pickle.loads(pickle.dumps(found)) is found,
        )

    before = seen()
    for mode in ("shadow", "rust", "legacy"):
        desk.flip(name, mode)
        assert seen() == before


def test_bound_methods_callbacks_and_objects_from_before_follow(desk: Desk) -> None:
    module = desk.install("Book.method")
    book, child = module.Book(), module.Child()
    held = {"bound": book.method, "of child": child.method, "partial": functools.partial(book.method, 1)}
    for mode, side in (("rust", "rust"), ("legacy", "legacy"), ("rust", "rust")):
        desk.flip("Book.method", mode)
        assert all(says(held[key](1), side) for key in ("bound", "of child"))
        assert says(held["partial"](), side)
        assert says(child.method(2), side)
    assert isinstance(child, module.Book)


def test_a_property_is_written_through_the_candidate_too(desk: Desk) -> None:
    module = desk.install("Book.last", mode="rust")
    book = module.Book()
    book.last = 3
    assert (book.last, book.seen) == ("rust", ("rust", 3))
    desk.flip("Book.last", "legacy")
    book.last = 4
    assert (book.last, book.seen) == ("legacy", ("legacy", 4))


def test_a_generator_takes_what_is_sent_thrown_and_closed(desk: Desk) -> None:
    module = desk.install("items", "stream", mode="rust")
    running = module.items(3)
    assert next(running) == ("rust", 0)
    assert running.send("x") == ("got", "x")
    with pytest.raises(LookupError):
        running.throw(LookupError("theirs"))
    closed = module.items(3)
    next(closed)
    closed.close()
    assert list(closed) == []

    async def drive() -> None:
        stream = module.stream(3)
        assert await anext(stream) == ("rust", 0)
        assert await stream.asend("y") == ("got", "y")
        assert await anext(stream) == ("rust", 1)
        assert await stream.athrow(KeyError("k")) == ("caught", 1)
        await stream.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        with pytest.raises(LookupError):
            broken = module.stream(2)
            await anext(broken)
            await broken.athrow(LookupError("theirs"))

    asyncio.run(drive())
    assert all(state.counts["fallbacks"] == 0 for state in exuvia.migrate.status())


@pytest.mark.parametrize(
    ("name", "candidate", "call", "expected"),
    [
        ("fetch", "fetch_fails", lambda m: asyncio.run(m.fetch(1)), ("legacy", 1, 2)),
        ("items", "items_fail", lambda m: list(m.items(4)), [("legacy", n) for n in range(4)]),
        ("stream", "stream_fails", lambda m: asyncio.run(drained(m.stream(3))), [("legacy", n) for n in range(3)]),
    ],
)
def test_legacy_takes_over_where_the_candidates_body_raises(
    desk: Desk, name: str, candidate: str, call: Any, expected: Any
) -> None:
    module = desk.install(name, mode="rust", candidate=f"{desk.candidate_name}:{candidate}")
    assert call(module) == expected
    switch = current().units[f"{desk.legacy_name}:{name}"].switch
    assert switch.counts()["fallbacks"] == 1


def current() -> Any:
    return importlib.import_module("exuvia.migrate.runtime")._current


def test_without_fallback_the_candidates_error_is_raised(desk: Desk) -> None:
    module = desk.install("fetch", mode="rust", candidate=f"{desk.candidate_name}:fetch_fails", more="fallback = false")
    with pytest.raises(ValueError, match="candidate"):
        asyncio.run(module.fetch(1))


def test_a_cancelled_task_is_the_callers_affair(desk: Desk) -> None:
    module = desk.install("fetch", mode="rust")

    async def forever(*_args: Any, **_kwargs: Any) -> None:
        await asyncio.sleep(60)

    exuvia.migrate.uninstall()
    sys.modules[desk.candidate_name].fetch = forever
    desk.install("fetch", mode="rust")

    async def drive() -> None:
        task = asyncio.ensure_future(module.fetch(1))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(drive())
    assert current().units[f"{desk.legacy_name}:fetch"].switch.counts()["fallbacks"] == 0


def test_two_sides_of_different_kinds_are_refused(desk: Desk) -> None:
    with pytest.raises(MigrateError, match=r"exuvia.toml:3: unit .*fetch' is an async function.* is a plain function"):
        desk.install("fetch", candidate=f"{desk.candidate_name}:plain")


def test_a_decorator_stays_around_both_sides_and_status_says_so(desk: Desk) -> None:
    module = desk.install("decorated", "by_object", mode="rust")
    assert module.decorated(1) == ("rust", 1)
    assert module.decorated.calls == 1
    assert module.by_object(1) == ("object", ("rust", 1))
    assert any("timed.<locals>.wrapper, which stay around both sides" in note for note in desk.status().notes)


def test_a_c_function_is_replaced_wherever_it_was_bound_or_that_is_listed(desk: Desk) -> None:
    module = desk.install("floor")
    frozen = (module.math.floor,)
    desk.flip("floor", "rust")
    calls = (lambda: module.floor(1.5), lambda: module.TABLE["floor"](1.5), lambda: module.LIST[1](1.5),
             lambda: module.CELL(1.5), lambda: module.floored(1.5), lambda: module.Holder.floor(1.5))  # fmt: skip
    assert [call() for call in calls] == [2] * 6
    assert any("has no code to exchange" in note for note in desk.status().notes)
    assert any("patched where it was bound earlier" in note for note in desk.status().notes)
    assert any("keep legacy, in" in note and "tuple" in note for note in desk.status().notes)
    assert frozen[0](1.5) == 1
    desk.flip("floor", "legacy")
    assert [call() for call in calls] == [1] * 6
    exuvia.migrate.uninstall()
    assert module.floor is module.TABLE["floor"] is module.LIST[1] is module.math.floor


def test_a_whole_module_moves_together(desk: Desk) -> None:
    package = desk.folder / f"pack_{desk.legacy_name}"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "core.py").write_text("def one(): return 'legacy'\ndef two(): return one()\nclass Kept: ...\n")
    (package / "rust.py").write_text("def one(): return 'rust'\ndef two(): return 'rust'\n")
    module = importlib.import_module(f"{package.name}.core")
    importlib.import_module(f"{package.name}.rust")
    desk.install(f"{package.name}:core", mode="rust", candidate=f"{package.name}:rust")
    assert (module.one(), module.two()) == ("rust", "rust")
    assert any("Kept stay legacy" in note for note in desk.status().notes)
    exuvia.migrate.set_mode(f"{package.name}:core", "legacy")
    assert (module.one(), module.two()) == ("legacy", "legacy")
    exuvia.migrate.uninstall()
    (package / "rust.py").write_text("def one(): return 'rust'\n")
    importlib.reload(importlib.import_module(f"{package.name}.rust")).__dict__.pop("two", None)
    with pytest.raises(MigrateError, match="has no two"):
        desk.install(f"{package.name}:core", mode="rust", candidate=f"{package.name}:rust")


def test_install_imports_nothing_that_the_program_has_not(desk: Desk) -> None:
    desk.install("plain", mode="rust", imported=False)
    assert desk.legacy_name not in sys.modules
    assert desk.candidate_name not in sys.modules
    assert any("is not imported yet" in note for note in desk.status().notes)
    module = importlib.import_module(desk.legacy_name)
    assert says(CALLS["plain"](module), "rust")
    assert type(module.__spec__.loader).__module__ == "_frozen_importlib_external"
    assert module.__loader__ is module.__spec__.loader
    exuvia.migrate.uninstall()
    assert not any(type(finder).__name__ == "ImportWatch" for finder in sys.meta_path)


def test_a_unit_that_is_not_there_is_refused_before_anything_is_imported(desk: Desk) -> None:
    for name, match in (("plane", "'plane' is not there; there is 'plain'"), ("Book.methods", "there is 'method'")):
        with pytest.raises(ConfigError, match=match):
            desk.install(name, imported=False)
    with pytest.raises(ConfigError, match="no such module is found"):
        exuvia.migrate.install(desk.write("missing_module:f", candidate=f"{desk.candidate_name}:plain"))
    assert desk.legacy_name not in sys.modules


def test_the_hook_never_breaks_an_import(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    (desk.folder / f"{desk.candidate_name}.py").write_text("raise OSError('a broken candidate')\nplain = None\n")
    desk.install("plain", mode="rust", imported=False)
    module = importlib.import_module(desk.legacy_name)
    assert says(CALLS["plain"](module), "legacy")
    assert "a broken candidate" in " ".join(desk.status().notes)
    for _ in range(20):
        current().arrivals()
    assert "a broken candidate" in " ".join(desk.status().notes)
    assert "legacy serves" in capsys.readouterr().err
    sys.modules.pop(desk.legacy_name)
    (desk.folder / f"{desk.legacy_name}.py").write_text("raise ZeroDivisionError('the program own')\n")
    importlib.invalidate_caches()
    with pytest.raises(ZeroDivisionError, match="the program own"):
        importlib.import_module(desk.legacy_name)


def test_a_canary_of_a_class_chooses_for_each_new_object_and_its_objects_are_its_own(desk: Desk) -> None:
    (desk.folder / f"{desk.legacy_name}.py").write_text(CLASS.format(side="legacy"))
    (desk.folder / f"{desk.candidate_name}.py").write_text(CLASS.format(side="rust"))
    module = desk.install("Desk", mode="canary", more='key = "$args.account"\nshare = 0.5')
    made = {account: module.Desk(account) for account in (f"A{number}" for number in range(200))}
    sides = [each.side() for each in made.values()]
    assert 60 < sides.count("rust") < 140
    assert all(isinstance(each, module.Desk) for each in made.values())
    assert [module.Desk(account=account).side() for account in made] == sides
    desk.flip("Desk", "legacy")
    assert {module.Desk(account).side() for account in made} == {"legacy"}


def test_a_canary_of_a_function_in_a_program(desk: Desk) -> None:
    module = desk.install("plain", mode="canary", more='key = "$args.x"\nshare = 0.3')
    served = [module.plain(number)[0] for number in range(1_000)]
    assert 220 < served.count("rust") < 380
    assert [module.plain(x=number)[0] for number in range(1_000)] == served
    counts = current().units[f"{desk.legacy_name}:plain"].switch.counts()
    assert counts["canary_calls"] == 2 * served.count("rust")


def test_a_patch_of_someone_else_is_seen_at_the_next_look(desk: Desk) -> None:
    module = desk.install("plain", mode="rust")
    ours, module.plain.__code__ = module.plain.__code__, (lambda x=1, *, y=2: ("theirs", x, y)).__code__
    assert any("patched by someone else" in note for note in desk.status().notes)
    assert module.plain() == ("theirs", 1, 2)
    module.plain.__code__ = ours


def test_a_spawned_process_without_exuvia_is_named(desk: Desk) -> None:
    desk.install("plain", mode="rust")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    try:
        note = f"process {child.pid}, started by this one, runs without"
        assert sys.platform != "linux" or any(note in each for each in desk.status().notes)
    finally:
        child.kill()
        child.wait()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_follows_a_rollback_and_has_a_place_of_its_own(desk: Desk) -> None:
    module = desk.install("plain", mode="rust")
    read, write = os.pipe()
    go, gone = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(gone)
        os.write(write, module.plain()[0][:1].encode())
        os.read(go, 1)
        os.write(write, module.plain()[0][:1].encode())
        os._exit(0)
    assert os.read(read, 1) == b"r"
    assert child in [member.pid for member in current().control.fleet.others()]
    from exuvia.migrate.modes import rollback

    rollback.rollback(str(desk.config), None, [], "drill")
    os.write(gone, b"x")
    assert os.read(read, 1) == b"l"
    assert module.plain()[0] == "legacy"
    os.waitpid(child, 0)
    assert child not in [member.pid for member in current().control.fleet.others()]
    for descriptor in (read, write, go, gone):
        os.close(descriptor)


def test_names_of_parameters_that_the_trampoline_uses_do_not_meet() -> None:
    async def odd(_relay: int, StopAsyncIteration: int = 1) -> Any:  # noqa: A002, N803 - a name that could shadow
        yield _relay, StopAsyncIteration

    async def other(first: Any, second: Any) -> Any:
        yield "other", first, second

    Splice(odd, other).apply()
    assert asyncio.run(drained(odd(5))) == [("other", 5, 1)]
