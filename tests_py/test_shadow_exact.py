"""The caller must not notice the shadow: 100 random programs behave alike without exuvia, in legacy and in shadow."""

from __future__ import annotations

import contextvars
import decimal
import importlib
import os
import random
import re
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import exuvia.migrate
import pytest
from exuvia.migrate import Switch, runtime
from exuvia.migrate.evidence.record import Record

pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shadowing import shadowed

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
class Row:
    made = 0
    def __init__(self, n):
        self.n = n
    def __getstate__(self):
        os.environ["EXUVIA_TEST_HOOK"] = str(self.n)
        return {"n": self.n}
    def __repr__(self):
        return f"Row({self.n})"
    def __lt__(self, other):
        return False
    def __mul__(self, other):
        return Row(self.n * other)
def down(v, n, d):
    return len(v) + n if n <= 0 else down(v, n - 1, d) + 1
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
    "warnings.warn(f'asked {n}', DeprecationWarning, stacklevel=2)",
    "os.environ['EXUVIA_TEST_N'] = str(n)",
    "os.environ.pop('EXUVIA_TEST_N', None)",
    "v.append(Row(n))",
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
    # A class has frames of its own between caller and method, which `stacklevel` counts.
    methods = [body(generator=False).replace("seen", "self.seen").replace(", stacklevel=2", "") for _ in range(2)]

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
    called = st.sampled_from(["plain", "walk", "one", "two", "new", "down", "child"])
    calls = draw(st.lists(st.tuples(called, st.integers(0, 99)), max_size=12))
    return legacy, candidate, calls


def trace(module: Any, calls: list[tuple[str, int]]) -> list[str]:
    """Everything that the program can see of itself, after each call."""
    random.seed(7)
    told: list[str] = []
    v: list[Any] = [3, 1, 2]
    d: dict[str, Any] = {}
    book = module.Book(1)
    child = subclass(module)(5)
    for name, n in calls:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                if name == "new":
                    book = module.Book(n)
                    result: Any = book.seen
                elif name == "child":
                    result = child.one(v, n, d)
                elif name == "down":
                    result = module.down(v, n * 3, d)
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
        told.append(f"v={v} d={d} seen={module.seen} book={book.seen} child={child.seen} total={module.total}")
        told.append(f"{random.getstate()[1][:5]} {random.getstate()[1][-1]} {decimal.getcontext()!r}")
        told.append(f"{sorted((var.name, repr(value)) for var, value in contextvars.copy_context().items())}")
        told.append(f"{[(str(one.message), one.filename, one.lineno, one.category.__name__) for one in caught]}")
        told.append(f"{Path.cwd()} {sorted(item for item in os.environ.items() if 'HOOK' not in item[0])}")
        told.append(f"{isinstance(child, module.Book)} {vars(child).keys()}")
    return told


def subclass(module: Any) -> Any:
    """A class of the program's own over a unit."""

    class Child(module.Book):  # type: ignore[misc]  # a module made a moment ago
        def one(self, v: Any, n: int, d: Any) -> Any:
            self.seen.append("child")
            return super().one(v, n + 1, d)

    return Child


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
        for unit in ("plain", "down", "Book"):
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
    current.courier.records[unit.name] = record = Record(unit.name, current.write)
    record.switch = Switch(len, len, len)
    new = importlib.import_module(f"{module.__name__}_new")
    module.walk = observer(module.walk, new.walk, unit, record, current.courier)
