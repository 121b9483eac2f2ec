"""Generators and async functions in the shadow: their caller alone drives them, and they are compared by item."""

from __future__ import annotations

import asyncio
import importlib
import random
import re
from pathlib import Path
from typing import Any

import pytest
from exuvia.errors import MigrateError
from exuvia.migrate import Switch, runtime
from exuvia.migrate.evidence.record import Record
from shadowing import Shadowed, shadowed

__all__ = ["shadowed"]

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
        current.courier.records[unit.name] = record = Record(unit.name, current.write)
        record.switch = Switch(len, len, len)
        old = getattr(shadowed.legacy, name)
        setattr(shadowed.legacy, name, observer(old, getattr(new, name), unit, record, current.courier))
    told = drive(shadowed.legacy)
    shadowed.settle()
    return told, current.courier.records


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


THROWN_INTO = """
import contextlib
def ticks(n):
    try:
        while True:
            yield n
    except BaseException as error:
        yield type(error).__name__
@contextlib.contextmanager
def session(log):
    try:
        yield log
    except BaseException as error:
        log.append(f"rollback {type(error).__name__}")
        raise
    finally:
        log.append("closed")
@contextlib.contextmanager
def flattened(log):
    try:
        yield log
    except BaseException as error:
        log.append(type(error).__name__)
@contextlib.asynccontextmanager
async def desk(log):
    try:
        yield log
    except BaseException as error:
        log.append(f"rollback {type(error).__name__}")
        raise
"""


def throw_into(module: Any) -> list[str]:
    """Throw what is no `Exception` into generators, as context managers and tasks that end do."""
    told: list[str] = []
    for error in (ValueError, KeyboardInterrupt, SystemExit, asyncio.CancelledError):
        made = module.ticks(1)
        next(made)
        told.append(made.throw(error))
        for name in ("session", "flattened"):
            log: list[str] = []
            try:
                with getattr(module, name)(log):
                    raise error
            except BaseException as raised:
                log.append(f"came {type(raised).__name__}")
            told.append(f"{name} {log}")
    made = module.ticks(2)
    next(made)
    try:
        made.close()
    except RuntimeError as ignored:
        told.append(str(ignored))

    async def main() -> None:
        log: list[str] = []

        async def job() -> None:
            async with module.desk(log):
                await asyncio.sleep(10)

        task = asyncio.create_task(job())
        await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            told.append(f"cancelled {log}")

    asyncio.run(main())
    return told


@pytest.mark.parametrize("isolation", ["process", "thread"])
@pytest.mark.parametrize("mode", ["shadow", "rust"])
def test_whatever_is_thrown_into_a_generator_reaches_it(shadowed: Shadowed, mode: str, isolation: str) -> None:
    space: dict[str, Any] = {"__name__": "plain"}
    exec(compile(THROWN_INTO, "plain", "exec"), space)  # noqa: S102 - the source is in this file
    expected = throw_into(
        type("Module", (), {name: staticmethod(value) for name, value in space.items() if callable(value)})
    )
    shadowed.write(THROWN_INTO, re.sub("@contextlib.*", "", THROWN_INTO))
    units = ["ticks", "session", "flattened", *(["desk"] if isolation == "process" else [])]
    shadowed.install(*units, mode=mode, more=f'isolation = "{isolation}"\nsample = 0.999999')
    assert throw_into(shadowed.legacy) == expected
    shadowed.settle()
    assert {shadowed.counts(name)["differed"] for name in ("ticks",)} == {0}


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


def test_a_candidate_that_is_decorated_as_legacy_is_is_refused_with_what_to_name(shadowed: Shadowed) -> None:
    shadowed.write(THROWN_INTO, THROWN_INTO)
    with pytest.raises(MigrateError, match="is a generator inside of its decorator.*name one without that decorator"):
        shadowed.install("session")


STREAMS = """
async def stream(n, log):
    try:
        for i in range(n):
            yield i
    finally:
        log.append("closed")
"""


@pytest.mark.parametrize("mode", ["shadow", "rust"])
@pytest.mark.parametrize("dropped", [True, False])
def test_a_stream_that_is_left_open_is_closed_once_when_the_loop_ends(
    shadowed: Shadowed, mode: str, dropped: bool
) -> None:
    shadowed.write(STREAMS, STREAMS)
    shadowed.install("stream", mode=mode, more="sample = 0.999999")
    said: list[Any] = []
    logs: list[list[str]] = [[], []]
    kept: list[Any] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
        for log in logs:
            items = shadowed.legacy.stream(3, log)
            if not dropped:
                kept.append(items)
            async for item in items:
                assert item == 0
                break

    asyncio.run(main())
    assert (said, logs) == ([], [["closed"], ["closed"]])
