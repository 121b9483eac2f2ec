"""The caller must not notice the shadow: 100 random programs behave alike without exuvia, in legacy and in shadow."""

from __future__ import annotations

import asyncio
import contextvars
import decimal
import hashlib
import importlib
import os
import pickle
import random
import re
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import exuvia.migrate
import pytest
from exuvia.migrate import runtime

pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shadowing import Shadowed, shadowed

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["shadowed"]

HEAD = """
import contextvars, decimal, os, random, warnings
class Refused(ValueError):
    def __init__(self, code, why):
        super().__init__(f"{code}: {why}")
        self.code = code
seen = []
total = 0
mark = contextvars.ContextVar("mark", default=0)
"""

# Lines of a unit's body; `v` is a list that the caller holds, `n` an int, `d` a dictionary.
STEPS = [
    "seen.append(n)",
    "global total; total += n",
    "v.append(n * 2)",
    "v.sort()",
    "d['n'] = d.get('n', 0) + n",
    "d.setdefault('rows', []).append(tuple(v))",
    "n += random.randrange(100)",
    "v.append(random.random())",
    "random.seed(n)",
    "decimal.getcontext().prec = 5 + n % 20",
    "v.append(decimal.Decimal(n) / decimal.Decimal(7))",
    "decimal.getcontext().rounding = decimal.ROUND_UP",
    "decimal.getcontext().clear_flags()",
    "mark.set(mark.get() + n)",
    "warnings.warn(f'odd {n}') if n % 2 else None",
    "os.environ['EXUVIA_TEST_N'] = str(n)",
    "v = v[::-1]",
    "n = -n if n > 50 else n",
    "d.pop('n', None)",
    "v.clear() if len(v) > 6 else None",
]
ENDS = [
    "return n",
    "return v",
    "return {'n': n, 'v': list(v), 'd': d}",
    "return (n, d)",
    "raise Refused(n, 'no')",
    "raise KeyError(n) if n % 3 == 0 else Refused(n, 'odd')",
    "return lambda: n",
    "return n / (n % 2)",
    "return seen",
    "return (x for x in list(v))",
    "return None",
]
YIELDS = ["n = (yield n) or n", "v.append((yield v))", "yield from [i * n for i in range(n % 5)]", "yield dict(d)"]


@st.composite
def programs(draw: st.DrawFn) -> tuple[str, str, list[tuple[str, int]]]:
    """A legacy module, a candidate that is at times another program, and the calls of its units."""

    def body(*, generator: bool) -> str:
        lines = draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=5))
        if generator:
            lines = draw(st.permutations(lines + draw(st.lists(st.sampled_from(YIELDS), min_size=1, max_size=3))))
        text = "".join(f"    {line}\n" for line in lines) + f"    {draw(st.sampled_from(ENDS))}\n"
        if "global total" in text:
            text = "    global total\n" + text.replace("global total; ", "")
        return text

    plain, other, walk = body(generator=False), body(generator=False), body(generator=True)
    methods = [body(generator=False).replace("seen", "self.seen") for _ in range(2)]

    def module(plain: str, methods: list[str]) -> str:
        return (
            f"{HEAD}def plain(v, n, d):\n{plain}def walk(v, n, d):\n{walk}"
            "class Book:\n    def __init__(self, start=0):\n        self.seen = [start]\n"
            + "".join(
                f"    def {name}(self, v, n, d):\n" + "".join(f"    {line}\n" for line in text.splitlines())
                for name, text in zip(("one", "two"), methods, strict=True)
            )
        )

    legacy = module(plain, methods)
    candidate = module(other, methods[::-1]) if draw(st.booleans()) else legacy
    calls = draw(
        st.lists(st.tuples(st.sampled_from(["plain", "walk", "one", "two", "new"]), st.integers(0, 99)), max_size=12)
    )
    return legacy, candidate, calls


def trace(module: Any, calls: list[tuple[str, int]]) -> list[str]:
    """Everything that the program can see of itself, after each call."""
    random.seed(7)
    told: list[str] = []
    v: list[Any] = [3, 1, 2]
    d: dict[str, Any] = {}
    book = module.Book(1)
    for name, n in calls:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                if name == "new":
                    book = module.Book(n)
                    result: Any = book.seen
                else:
                    result = getattr(book if name in ("one", "two") else module, name)(v, n, d)
                if name == "walk":
                    result = walked(result, n)
                elif hasattr(result, "__next__"):
                    result = list(result)
                same = result is v or result is d or result is module.seen or result is book.seen
                said = f"{result() if callable(result) else result!r} {same}"
            except Exception as error:
                said = f"{type(error).__qualname__} {error} {error.args} {vars(error)} {error.__context__!r}"
        told.append(f"{name}({n}): {said}")
        told.append(f"v={v} d={d} seen={module.seen} book={book.seen} total={module.total}")
        told.append(f"{random.getstate()[1][:5]} {random.getstate()[1][-1]} {decimal.getcontext()!r}")
        told.append(f"{sorted((var.name, repr(value)) for var, value in contextvars.copy_context().items())}")
        told.append(f"{[str(one.message) for one in caught]} {Path.cwd()} {sorted(os.environ)}")
    return told


def walked(made: Any, n: int) -> list[Any]:
    """What a generator says to a caller that sends, throws and leaves early, as the number has it."""
    said = [type(made).__name__, made.__name__]
    try:
        said.append(repr(next(made)))
        said.append(repr(made.send(n) if n % 2 else next(made)))
        said.append(repr(made.throw(KeyError(n)) if n % 5 == 0 else next(made)))
        said += [repr(item) for _, item in zip(range(3), made, strict=False)]
    except StopIteration as stop:
        said.append(f"ended with {stop.value!r}")
    if n % 3:
        made.close()
    return said


def alone(run: Callable[[], list[str]]) -> list[str]:
    """Run in context variables and an environment of its own."""
    environment = dict(os.environ)
    try:
        return contextvars.Context().run(run)
    finally:
        os.environ.clear()
        os.environ.update(environment)


PROGRAMS = iter(range(100_000))


@settings(max_examples=int(os.environ.get("EXUVIA_CASES") or 20), suppress_health_check=list(HealthCheck))
@given(batch=st.lists(programs(), min_size=5, max_size=5))
def test_a_hundred_random_programs_do_not_notice_that_they_are_watched(
    tmp_path: Path, batch: list[tuple[str, str, list[tuple[str, int]]]]
) -> None:
    number = next(PROGRAMS)
    sys.path.insert(0, str(tmp_path))
    try:
        traces = {state: run_all(tmp_path, f"p{number}_{state}", state, batch) for state in ("off", "legacy", "shadow")}
        assert traces["legacy"] == traces["off"]
        assert traces["shadow"] == traces["off"]
    finally:
        sys.path.remove(str(tmp_path))


def run_all(folder: Path, prefix: str, state: str, batch: list[tuple[str, str, list[tuple[str, int]]]]) -> list[str]:
    """Run each program in one state; what it saw, under names that do not tell the state."""
    names = [f"{prefix}_{place}" for place in range(len(batch))]
    units = ""
    for name, (legacy, candidate, _) in zip(names, batch, strict=True):
        (folder / f"{name}.py").write_text(legacy)
        (folder / f"{name}_new.py").write_text(candidate)
        for unit in ("plain", "Book"):
            units += f'[unit."{name}:{unit}"]\ncandidate = "{name}_new:{unit}"\neffect = "pure"\nmode = "{state}"\n'
    modules = [importlib.import_module(name) for name in names]
    if state != "off":
        config = folder / f"{prefix}.toml"
        config.write_text(f'[exuvia]\nrehearsal = true\nendpoints = []\nevidence = "{prefix}"\n{units}')
        config.chmod(0o600)
        exuvia.migrate.install(config)
    told: list[str] = []
    try:
        if state == "shadow":
            for module in modules:
                watch_generator(module)
        for module, (_, _, calls) in zip(modules, batch, strict=True):
            told += alone(lambda module=module, calls=calls: trace(module, calls))
        if state == "shadow":
            current: Any = runtime._current
            assert current.courier.flush(60)
            sent = [row["answered"] for row in current.courier.stats()["units"].values()]
            assert sum(sent) >= len(batch), "nothing was observed"
    finally:
        exuvia.migrate.uninstall()
        for name in names:
            sys.modules.pop(name, None)
            sys.modules.pop(f"{name}_new", None)
    return [re.sub(r" at 0x[0-9a-f]+", "", line.replace(prefix, "p")) for line in told]


def watch_generator(module: Any) -> None:
    """Put the observer of a generator function where dispatch would hold it."""
    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.shadow.observe import observer

    current: Any = runtime._current
    unit = UnitConfig(f"{module.__name__}:walk", f"{module.__name__}_new:walk", mode="shadow")
    current.courier.records[unit.name] = record = runtime.Record(unit.name, current.write)
    record.switch = runtime_switch()
    new = importlib.import_module(f"{module.__name__}_new")
    module.walk = observer(module.walk, new.walk, unit, record, current.courier)


GENERATORS = """
import random
def walk(v, n):
    got = []
    for i in range(n):
        w = yield [i, len(v)]
        got.append(w)
        v.append(i)
    return got
def stubborn(v, n):
    while True:
        try:
            yield n
            n += 1
        except KeyError as error:
            yield str(error)
        finally:
            v.append(n)
def lazy(v, n):
    v.append("begun")
    yield from range(n)
    raise ValueError(n)
async def fetch(v, n):
    v.append(n)
    if n > 3:
        raise ValueError(n)
    return [n, random.random()]
async def stream(v, n):
    for i in range(n):
        w = yield i * n
        v.append(w)
"""


def drive(module: Any) -> list[str]:
    """Use generators in every way that a caller may."""
    random.seed(5)
    told: list[str] = []
    v: list[Any] = []
    made = module.walk(v, 3)
    told.append(f"{v} {next(made)} {made.send('a')} {v}")
    try:
        made.send("b")
        made.send("c")
    except StopIteration as stop:
        told.append(f"{stop.value} {v}")
    made = module.stubborn(v, 10)
    told.append(f"{next(made)} {made.throw(KeyError('k'))} {next(made)} {v}")
    made.close()
    told.append(f"{v} {list(made)}")
    made = module.lazy(v, 2)
    told.append(f"{v} {made.__name__} {type(made).__name__}")
    try:
        told += [str(item) for item in made]
    except ValueError as error:
        told.append(f"{error!r} {v}")
    del made
    half = module.lazy(v, 5)
    next(half)
    del half

    async def main() -> None:
        for n in (1, 5):
            try:
                told.append(f"{await module.fetch(v, n)} {v}")
            except ValueError as error:
                told.append(f"{error!r} {v}")
        own: list[Any] = []
        items = module.stream(own, 3)
        told.append(f"{await items.asend(None)} {await items.asend('x')} {own}")
        told.extend([str(item) async for item in module.stream(v, 4)])
        await items.aclose()
        told.append(f"{v} {random.getrandbits(9)}")

    asyncio.run(main())
    return told


def observed_generators(shadowed: Shadowed, candidate: str) -> tuple[list[str], Any]:
    """The trace under observers that dispatch would hold, and what became of the samples."""
    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.shadow.observe import observer

    shadowed.write(GENERATORS, candidate)
    shadowed.install()
    current: Any = runtime._current
    new = importlib.import_module(shadowed.candidate_name)
    for name in ("walk", "stubborn", "lazy", "fetch", "stream"):
        unit = UnitConfig(f"{shadowed.legacy_name}:{name}", f"{shadowed.candidate_name}:{name}", mode="shadow")
        current.courier.records[unit.name] = record = runtime.Record(unit.name, current.write)
        record.switch = runtime_switch()
        old = getattr(shadowed.legacy, name)
        setattr(shadowed.legacy, name, observer(old, getattr(new, name), unit, record, current.courier))
    told = drive(shadowed.legacy)
    shadowed.settle()
    return told, current.courier.records


def runtime_switch() -> Any:
    from exuvia.migrate import Switch

    return Switch(len, len, len)


def plain_trace(tmp_path: Path) -> list[str]:
    space: dict[str, Any] = {"__name__": "plain"}
    exec(compile(GENERATORS, "plain", "exec"), space)  # noqa: S102 - the source is in this file
    return drive(type("Module", (), {name: staticmethod(value) for name, value in space.items() if callable(value)}))


def test_generators_and_async_functions_are_driven_by_their_caller_alone(shadowed: Shadowed, tmp_path: Path) -> None:
    told, records = observed_generators(shadowed, GENERATORS)
    assert told == plain_trace(tmp_path)
    found = {name.partition(":")[2]: record.counters("shadow") for name, record in records.items()}
    assert {name: (row["compared"], row["differed"], row["reasons"]) for name, row in found.items()} == {
        "walk": (1, 0, {}),
        "stubborn": (1, 0, {}),
        "lazy": (2, 0, {}),
        "fetch": (2, 1, {}),  # its random number is not legacy's
        "stream": (2, 0, {}),
    }


def test_generators_are_compared_item_by_item(shadowed: Shadowed) -> None:
    candidate = """
def walk(v, n):
    got = []
    for i in range(n):
        w = yield [i, len(v) + (i == 1)]
        got.append(w)
        v.append(i)
    return got
def stubborn(v, n):
    while True:
        yield n
        n += 1
def lazy(v, n):
    v.append("begun")
    yield from range(n + 1)
async def fetch(v, n):
    v.append(n)
    return n
async def stream(v, n):
    for i in range(n):
        w = yield i * n
        v.append(w)
    yield "one more"
"""
    _, records = observed_generators(shadowed, candidate)
    places = {
        name.partition(":")[2]: {(place, kind) for place, kind, _ in record.counters("shadow")["places"]}
        for name, record in records.items()
    }
    assert places["walk"] == {("$[*][*]", "value")}
    assert ("$", "exception") in places["stubborn"]
    assert places["lazy"] >= {("$", "length")}
    assert places["fetch"] == {("$", "type"), ("$", "exception")}
    assert places["stream"] == {("$", "length")}


def test_the_result_is_the_very_object_and_so_is_the_exception(shadowed: Shadowed) -> None:
    shadowed.write(
        "held = {'a': [1]}\nerror = KeyError('x')\n"
        "def price(n):\n    if n < 0:\n        raise error\n    return held\n",
        "def price(n):\n    return {'a': [2]}\n",
    )
    shadowed.install("price")
    assert shadowed.legacy.price(1) is shadowed.legacy.held
    with pytest.raises(KeyError) as caught:
        shadowed.legacy.price(-1)
    assert caught.value is shadowed.legacy.error
    assert caught.value.__context__ is None
    assert shadowed.counts("price")["differed"] == 2


def test_the_candidate_has_legacys_decimal_context(shadowed: Shadowed) -> None:
    text = "import decimal\ndef third(n):\n    return decimal.Decimal(n) / decimal.Decimal(3)\n"
    shadowed.write(text, text)
    shadowed.install("third")

    def program() -> None:
        shadowed.legacy.third(1)
        decimal.getcontext().prec = 6
        shadowed.legacy.third(1)
        strict = decimal.Context(prec=9, rounding=decimal.ROUND_UP, traps=[decimal.Inexact])
        with decimal.localcontext(strict), pytest.raises(decimal.Inexact):
            shadowed.legacy.third(1)
        shadowed.legacy.third(2)

    contextvars.Context().run(program)
    counts = shadowed.counts("third")
    assert (counts["compared"], counts["differed"], counts["reasons"]) == (4, 0, {})


def test_a_program_that_never_set_a_decimal_context_has_none_afterwards(shadowed: Shadowed) -> None:
    shadowed.write("def price(n):\n    return n\n", "def price(n):\n    return n\n")
    shadowed.install("price")

    def program() -> int:
        before = len(contextvars.copy_context())
        shadowed.legacy.price(1)
        return len(contextvars.copy_context()) - before

    assert contextvars.Context().run(program) == 0
    assert shadowed.counts("price")["compared"] == 1


class Unwilling:
    """Cannot be pickled, and says why."""

    def __reduce__(self) -> Any:
        raise pickle.PicklingError(f"{self!r} has a connection")


def test_what_cannot_be_pickled_is_counted_with_its_reason_and_never_raised(shadowed: Shadowed) -> None:
    text = "def price(n, make=None):\n    if n == 3:\n        raise ValueError(make)\n    return make() if n else n\n"
    shadowed.write(text, text)
    shadowed.install("price")
    local = lambda: 1  # noqa: E731 - a lambda is what is tested
    assert shadowed.legacy.price(0, Unwilling()) == 0
    assert shadowed.legacy.price(0, local) == 0
    assert shadowed.legacy.price(0, open) == 0
    with pytest.raises(ValueError, match="lambda"):
        shadowed.legacy.price(3, local)
    counts = shadowed.counts("price")
    assert counts["compared"] == 1
    assert counts["skipped"] == 3
    assert any("PicklingError" in reason and "has a connection" in reason for reason in counts["reasons"])
    assert any("<lambda>" in reason and "0x" not in reason for reason in counts["reasons"]), counts["reasons"]


def test_a_result_that_cannot_be_pickled_is_counted_and_arguments_are_kept_as_they_were(shadowed: Shadowed) -> None:
    text = "import threading\ndef price(v):\n    v.append(1)\n    return threading.Lock()\n"
    shadowed.write(text, text)
    shadowed.install("price")
    rows: list[int] = []
    for _ in range(3):
        shadowed.legacy.price(rows)
    assert rows == [1, 1, 1]
    counts = shadowed.counts("price")
    assert (counts["compared"], counts["skipped"]) == (0, 3)
    assert list(counts["reasons"].values()) == [3]


def test_arguments_that_a_side_changes_are_outputs(shadowed: Shadowed) -> None:
    shadowed.write(
        "def change(v, n):\n    v.append(n)\n    return len(v)\n",
        "def change(v, n):\n    v.append(n + (n == 2))\n    return len(v)\n",
    )
    shadowed.install("change")
    rows: list[int] = []
    for n in range(4):
        shadowed.legacy.change(rows, n)
    counts = shadowed.counts("change")
    assert (counts["compared"], counts["differed"]) == (4, 1)
    assert [place for place, _, _ in counts["places"]] == ["$args[*][*]"]


def test_a_candidate_that_changes_what_legacy_left_alone_is_seen(shadowed: Shadowed) -> None:
    shadowed.write("def read(v):\n    return v[0]\n", "def read(v):\n    v.sort()\n    return 3\n")
    shadowed.install("read")
    rows = [3, 1]
    shadowed.legacy.read(rows)
    assert rows == [3, 1]
    assert shadowed.counts("read")["differed"] == 1


def test_exceptions_are_compared_by_class_and_arguments_whatever_their_constructor(shadowed: Shadowed) -> None:
    text = (
        "class Refused(ValueError):\n    def __init__(self, code, why):\n        super().__init__(f'{code}: {why}')\n"
        "        self.code = code\n"
        "def price(n):\n    raise Refused(n, 'no')\n"
    )
    shadowed.write(
        text,
        "import LEGACY\nRefused = LEGACY.Refused\ndef price(n):\n    if n == 2:\n        raise KeyError(n)\n"
        "    raise Refused(n, 'no')\n",
    )
    shadowed.install("price")
    for n in range(4):
        with pytest.raises(shadowed.legacy.Refused):
            shadowed.legacy.price(n)
    counts = shadowed.counts("price")
    assert (counts["compared"], counts["differed"], counts["skipped"], counts["errors"]) == (4, 1, 0, 0)


def test_large_arguments_arrive_whole(shadowed: Shadowed) -> None:
    text = "import hashlib\ndef digest(data):\n    return hashlib.sha256(data).hexdigest(), data[-3:]\n"
    shadowed.write(text, text)
    shadowed.install("digest", more='when_full = "wait"\nqueue = 8')
    for n in range(30):
        data = bytes([n]) * 3_000_000
        assert shadowed.legacy.digest(data)[0] == hashlib.sha256(data).hexdigest()
    counts = shadowed.counts("digest")
    assert (counts["compared"], counts["differed"], counts["skipped"]) == (30, 0, 0)
