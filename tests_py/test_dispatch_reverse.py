"""What the candidate serves is held against legacy too: sampled calls in rust and canary, and what follows."""

from __future__ import annotations

import asyncio
import importlib
import statistics
import time
from typing import TYPE_CHECKING, Any

import exuvia.migrate
import pytest
from exuvia._exuvia import Switch
from exuvia.errors import MigrateError
from exuvia.migrate import runtime
from exuvia.migrate.config import UnitConfig
from exuvia.migrate.dispatch import seams, serving
from exuvia.migrate.dispatch.canary import place
from exuvia.migrate.dispatch.splice import can_splice
from exuvia.migrate.gates.verdict import UnitStatus
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.modes.guard import Guard
from shadowing import Shadowed, shadowed, until

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["shadowed"]

MOST = "sample = 0.999999"
SIDES = """
import functools
log = []
def price(n, account="A"):
    return n * 2
def fails(n):
    if n % 2:
        raise KeyError(n)
    return n
def walk(n):
    for i in range(n):
        yield i
async def fetch(n):
    return n * 2
async def stream(n):
    for i in range(n):
        yield i
def doubled(function):
    @functools.wraps(function)
    def wrapper(n):
        return 2 * function(n)
    return wrapper
@doubled
def decorated(n):
    return n + 1
class Book:
    def __init__(self):
        self.n = 3
    @property
    def twice(self):
        return self.n * 2
    @property
    @functools.lru_cache
    def cached(self):
        return self.n
    @classmethod
    def named(cls, x):
        return cls.__name__, x
    @staticmethod
    def half(x):
        return x / 2
    def add(self, x):
        self.n += x
        return self.n
"""
WRONG = SIDES.replace("return n * 2\ndef", "return n * 2 + (n == 3)\ndef")


def switch_of(path: str = "$args.account", share: float = 0.5) -> Switch:
    def legacy(n: int, account: str) -> str:
        return "legacy"

    switch = Switch(legacy, lambda *_: "candidate", lambda *_: "observed", lambda *_: "reversed")
    switch.set_canary(place(path, legacy), share, bytes(16))
    return switch


def test_in_rust_a_share_of_the_calls_goes_to_the_reverse_observer_and_none_to_legacy() -> None:
    switch = switch_of()
    switch.set_mode("rust")
    assert {switch.callable(1, "A") for _ in range(1_000)} == {"candidate"}
    for share in (0.01, 0.3, 1.0):
        switch.set_sampling(1.0, 7, rust=share)
        seen = [switch.callable(1, "A") for _ in range(20_000)].count("reversed")
        assert abs(seen / 20_000 - share) < 0.01, share
    counts = switch.counts()
    assert (counts["legacy_calls"], counts["candidate_calls"], counts["unsampled"]) == (0, 61_000, 0)
    switch.set_mode("retired")
    assert {switch.callable(1, "A") for _ in range(1_000)} == {"candidate"}
    with pytest.raises(MigrateError, match="not in 0"):
        switch.set_sampling(1.0, rust=1.1)


def test_in_rust_a_pause_lies_between_the_calls_that_are_sampled_however_many_there_are() -> None:
    switch = switch_of()
    switch.set_mode("rust")
    switch.set_sampling(1.0, 7, rust=1.0, pause=0.05)
    began = time.monotonic()
    seen = 0
    while time.monotonic() < began + 0.4:
        seen += switch.callable(1, "A") == "reversed"
    most = 1 + (time.monotonic() - began) / 0.05
    assert 2 <= seen <= most
    switch.set_sampling(1.0, 7, rust=1.0)
    assert {switch.callable(1, "A") for _ in range(100)} == {"reversed"}
    for wrong in (-1.0, float("nan"), 1e300):
        with pytest.raises(MigrateError, match="pause of"):
            switch.set_sampling(1.0, pause=wrong)


def test_only_the_default_share_in_rust_is_thinned_by_time() -> None:
    assert seams.pause_in_rust(UnitConfig("a:b", "c:d")) == seams.PAUSE_IN_RUST
    assert seams.pause_in_rust(UnitConfig("a:b", "c:d", sample=0.2)) == 0.0


def test_in_a_canary_what_legacy_serves_is_shadowed_and_what_is_not_sampled_is_counted() -> None:
    switch = switch_of()
    switch.set_mode("canary")
    answers = [switch.callable(1, f"A{number}") for number in range(400)]
    assert set(answers) == {"observed", "reversed"}
    assert switch.callable(1, None) == "observed"
    switch.set_sampling(0.0)
    assert {switch.callable(1, f"A{number}") for number in range(400)} == {"legacy", "candidate"}
    counts = switch.counts()
    assert counts["unsampled"] == answers.count("observed")
    assert (counts["legacy_calls"] + counts["candidate_calls"], counts["unkeyed"]) == (801, 1)


@pytest.mark.parametrize("mode", ["rust", "canary"])
def test_legacy_answers_for_a_sampled_call_whose_candidate_raises(mode: str) -> None:
    def raises(*_: Any) -> None:
        raise ValueError("theirs")

    def legacy(n: int) -> int:
        if n < 0:
            raise KeyError(n)
        return n

    switch = Switch(legacy, raises, legacy, lambda n: raises(n))  # noqa: PLW0108 - another callable, as an observer is
    switch.set_canary(place("$args.n", legacy), 1.0, bytes(16))
    switch.set_sampling(1.0, 1, rust=1.0)
    switch.set_fallback(True)
    switch.set_mode(mode)
    assert switch.callable(3) == 3
    with pytest.raises(KeyError):
        switch.callable(-1)
    counts = switch.counts()
    assert (counts["fallbacks"], counts["answered"], counts["same_errors"]) == (2, 1, 0)


def test_the_share_in_rust_is_the_units_below_one_and_else_one_percent_where_there_is_a_worker() -> None:
    def share(**more: Any) -> float:
        return seams.share_in_rust(UnitConfig("a:b", "c:d", **more))

    assert (share(), share(sample=0.2), share(sample=0.0)) == (seams.IN_RUST, 0.2, 0.0)
    assert (share(isolation="thread"), share(isolation="thread", sample=0.5)) == (0.0, 0.5)


def test_in_rust_the_worker_runs_legacy_after_the_candidate_and_no_call_is_legacys(shadowed: Shadowed) -> None:
    names = ("price", "walk", "fetch", "stream", "decorated", "fails")
    methods = ("Book.twice", "Book.named", "Book.half", "Book.add")
    shadowed.write(SIDES, SIDES.replace("@doubled\n", ""))
    shadowed.install(*names, *methods, mode="rust", more=f'{MOST}\nwhen_full = "wait"')
    legacy = shadowed.legacy

    async def awaited() -> tuple[int, list[int]]:
        return await legacy.fetch(4), [item async for item in legacy.stream(3)]

    for _ in range(20):
        assert [legacy.price(n) for n in range(5)] == [0, 2, 4, 6, 8]
        assert list(legacy.walk(3)) == [0, 1, 2]
        assert asyncio.run(awaited()) == (8, [0, 1, 2])
        assert legacy.decorated(1) == 4
        with pytest.raises(KeyError):
            legacy.fails(1)
        book = legacy.Book()
        assert (book.twice, book.named(2), legacy.Book.half(3), book.add(4), book.n) == (6, ("Book", 2), 1.5, 7, 7)
    for name in names + methods:
        counts = shadowed.counts(name)
        assert counts["compared"] >= 19, (name, counts["reasons"])
        assert (counts["differed"], counts["errors"], counts["skipped"]) == (0, 0, 0), (name, counts)
        assert (counts["legacy_calls"], counts["fallbacks"]) == ((0, 0) if name != "fails" else (0, 20)), name
        assert counts["candidate_calls"] >= 20


@pytest.mark.timing
@pytest.mark.skipif(not can_splice(), reason="the splice is refused on this Python")
def test_an_installed_unit_in_rust_costs_little_more_than_its_candidate_the_compared_calls_included(
    shadowed: Shadowed, record_property: Any
) -> None:
    """The mean of all calls, in the thread's own time: what the worker and the neighbours take is not the caller's."""
    shadowed.write(
        "def numbers(data):\n    return []\n",
        "from exuvia._exuvia import decode_frame\ndef numbers(data):\n    return decode_frame(data)\n",
    )
    shadowed.install("numbers", mode="rust")
    moved, direct = shadowed.legacy.numbers, importlib.import_module(shadowed.candidate_name).numbers

    def mean(function: Any) -> float:
        calls, began = 50_000, time.thread_time_ns()
        for _ in range(calls):
            function(b"")
        return (time.thread_time_ns() - began) / calls

    mean(moved)
    mean(direct)
    added = statistics.median(mean(moved) - mean(direct) for _ in range(21))
    for _ in range(4):
        # A neighbour on the same core may slow the cache down for a while: it never makes a call cheaper.
        if added > 60.0:
            added = min(added, statistics.median(mean(moved) - mean(direct) for _ in range(21)))
    record_property("added_ns_installed", added)
    print(f"an installed function in mode rust costs {added:.0f} ns more than its candidate")  # noqa: T201 - shown by -rP
    assert added <= 60.0
    counts = shadowed.counts("numbers")
    assert counts["legacy_calls"] == 0
    assert counts["candidate_calls"] > 1_000_000


def test_a_difference_in_rust_brings_the_unit_back_by_itself(shadowed: Shadowed) -> None:
    shadowed.write(SIDES, WRONG)
    shadowed.install("price", mode="rust", more=MOST)
    name = f"{shadowed.legacy_name}:price"
    assert [shadowed.legacy.price(n) for n in range(3)] == [0, 2, 4]
    time.sleep(2.2)
    assert shadowed.mode("price") == "rust"
    shadowed.legacy.price(3)
    until(lambda: shadowed.mode("price") == "legacy", "a difference in rust was not followed")
    assert shadowed.legacy.price(3) == 6
    said = modes.read(shadowed.folder / "evidence")
    assert said.effective(name, "rust") == "legacy"
    (line,) = shadowed.kept("mismatch")
    assert (line["legacy"], line["candidate"]) == ("6", "7")


def test_a_legacy_that_dies_or_hangs_in_the_worker_accuses_no_candidate(shadowed: Shadowed) -> None:
    shadowed.write(
        "import os\ndef price(n):\n    os._exit(3) if n < 9 else None\n    return n\n", "def price(n):\n    return n\n"
    )
    shadowed.install("price", mode="rust", more=MOST)
    for n in range(3):
        assert shadowed.legacy.price(n) == n
        shadowed.settle()
    counts = shadowed.counts("price")
    assert (counts["differed"], counts["panics"], counts["timeouts"], counts["skipped"]) == (0, 0, 0, 3)
    (off,) = [lane.off for lane in shadowed.lanes if lane.side.reverse]
    assert off.startswith("legacy cannot run in the worker, three times")
    time.sleep(1.2)
    assert shadowed.mode("price") == "rust"


def test_the_functions_of_a_module_and_those_written_in_c_run_again_in_the_worker(shadowed: Shadowed) -> None:
    shadowed.write("from math import floor\n", "from math import trunc as floor\n")
    package = shadowed.folder / f"pack_{shadowed.legacy_name}"
    package.mkdir()
    for name in ("__init__", "core", "rust"):
        (package / f"{name}.py").write_text(
            "" if name == "__init__" else "def one(n): return n + 1\ndef two(n): return 2\n"
        )
    core, _ = (importlib.import_module(f"{package.name}.{name}") for name in ("core", "rust"))
    config = shadowed.folder / "exuvia.toml"
    units = {f"{shadowed.legacy_name}:floor": f"{shadowed.candidate_name}:floor"}
    units[f"{package.name}:core"] = f"{package.name}:rust"
    tables = [
        f'[unit."{unit}"]\ncandidate = "{candidate}"\neffect = "pure"\nmode = "rust"\n{MOST}'
        for unit, candidate in units.items()
    ]
    head = '[exuvia]\nrehearsal = true\nendpoints = ["http://127.0.0.1:9"]'
    config.write_text("\n".join([head, *tables]))
    config.chmod(0o600)
    exuvia.migrate.install(config)
    for n in range(5):
        assert (shadowed.legacy.floor(n + 0.5), core.one(n), core.two(n)) == (n, n + 1, 2)
    shadowed.settle()
    states = exuvia.migrate.status()
    assert [(state.counts["compared"], dict(state.reasons)) for state in states] == [(5, {}), (10, {})]


class Watched:
    """A guard over a unit whose counters are the test's."""

    def __init__(self, folder: Path) -> None:
        from exuvia.migrate.config import Config

        self.fell: list[str] = []
        (folder / "exuvia.toml").write_text("[exuvia]\nrehearsal = false\n")
        config: Config = exuvia.migrate.load(folder / "exuvia.toml")
        self.guard = Guard(config, lambda *_, **__: None)
        self.guard.quarantine = lambda _unit, cause: self.fell.append(cause)

    def look(self, mode: str, **counted: int) -> None:
        self.guard.look({"a:b": {"mode": mode, **counted}})


def test_the_first_answer_for_a_canarys_candidate_ends_it_and_the_third_one_in_rust(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.look("shadow")
    watched.look("canary", answered=0)
    watched.look("canary", answered=1)
    assert watched.fell == ["the candidate raised and legacy answered (1 in canary)"]
    watched.look("legacy", answered=1)
    watched.look("rust", answered=1)
    watched.look("rust", answered=2)
    watched.look("rust", answered=3)
    watched.look("rust", answered=3)
    assert len(watched.fell) == 1
    watched.look("rust", answered=4)
    assert watched.fell[1:] == ["the candidate raised and legacy answered (3 in rust)"]
    watched.look("rust", answered=4, differed=1)
    assert watched.fell[2:] == ["a call differed (1 in rust)"]


def test_a_candidate_that_raises_in_rust_is_said_once_shown_and_put_back(
    shadowed: Shadowed, capsys: pytest.CaptureFixture[str]
) -> None:
    shadowed.write(SIDES, SIDES.replace("return n * 2\ndef", "raise OSError('theirs')\ndef"))
    shadowed.install("price", mode="rust", more="sample = 1e-15")
    name = f"{shadowed.legacy_name}:price"
    assert shadowed.legacy.price(2) == 4
    time.sleep(1.3)
    assert shadowed.mode("price") == "rust"
    assert shadowed.legacy.price(3) == 6
    until(lambda: any("legacy answered: 2 calls" in note for note in notes(name)), "status does not say it")
    for n in range(5):
        assert shadowed.legacy.price(n) == n * 2
    until(lambda: shadowed.mode("price") == "legacy", "three answers of legacy were not followed")
    assert name in modes.read(shadowed.folder / "evidence").quarantined
    said = capsys.readouterr().err
    assert said.count("the candidate raised and legacy answered: OSError: theirs") == 1
    config = exuvia.migrate.load(shadowed.folder / "exuvia.toml")
    exuvia.migrate.uninstall()
    from exuvia.migrate.evidence import reading

    (state,) = reading.statuses(config, reading.read_folder(config.evidence))
    assert any("the candidate raised and legacy answered: 7 calls" in note for note in state.notes)


def notes(unit: str) -> list[str]:
    (state,) = [state for state in exuvia.migrate.status() if state.unit == unit]
    return state.notes


def test_errors_that_both_sides_raise_are_no_answers_of_legacy(shadowed: Shadowed) -> None:
    shadowed.write(SIDES, SIDES)
    shadowed.install("fails", mode="rust", more="sample = 1e-15")
    for _ in range(5):
        with pytest.raises(KeyError):
            shadowed.legacy.fails(1)
    time.sleep(1.5)
    assert shadowed.mode("fails") == "rust"
    assert not any("raised" in note for note in notes(f"{shadowed.legacy_name}:fails"))


def test_a_canary_compares_both_shares_and_says_where_its_share_covers_no_key(shadowed: Shadowed) -> None:
    shadowed.write(SIDES, SIDES)
    shadowed.install("price", mode="canary", more='key = "$args.account"\nshare = 0.5\nwhen_full = "wait"')
    current: Any = runtime._current
    switch = current.units[f"{shadowed.legacy_name}:price"].switch
    for n in range(10):
        assert shadowed.legacy.price(n, "A") == n * 2
    one_key = shadowed.counts("price")
    assert (one_key["compared"], one_key["differed"], one_key["skipped"]) == (10, 0, 0)
    covered = one_key["canary_calls"] == 10
    assert covered or one_key["legacy_calls"] == 10
    said = any(
        "covers no key seen yet: legacy served all 10 calls" in note for note in notes(next(iter(current.units)))
    )
    assert said is not covered
    for n in range(200):
        shadowed.legacy.price(n, f"A{n}")
    counts = shadowed.counts("price")
    assert counts["compared"] == 210 == counts["legacy_calls"] + counts["canary_calls"]
    assert min(counts["legacy_calls"], counts["canary_calls"]) > 50
    assert switch.counts()["unsampled"] == 0
    assert not any("covers no key" in note for note in notes(next(iter(current.units))))


def test_a_call_without_a_key_and_a_full_cap_are_told_from_a_share_that_covers_nothing() -> None:
    unit = UnitConfig("a:b", "c:d", key="$args.account", share=0.125)
    state = UnitStatus("a:b")
    state.add({"mode": "canary", "unkeyed": 4, "since_flip": {"legacy_calls": 4}})
    assert serving.notes(unit, state) == ["canary: the key $args.account could not be read: 4 calls legacy's"]
    state.add({"mode": "canary", "capped": 1, "since_flip": {"legacy_calls": 9}})
    assert serving.notes(unit, state)[1:] == ["canary: its caps are reached: 1 call legacy's"]
    state = UnitStatus("a:b")
    state.add({"mode": "canary", "since_flip": {"legacy_calls": 9}})
    assert "the share of 12.5 % covers no key seen yet: legacy served all 9 calls" in serving.notes(unit, state)[0]
    state.add({"mode": "legacy", "since_flip": {"legacy_calls": 9}})
    assert serving.notes(unit, state) == []


def test_status_says_how_many_of_the_candidates_objects_are_compared_and_why_none() -> None:
    def said(mode: str = "rust", made: int = 3, twinned: int = 0, **more: Any) -> list[str]:
        state = UnitStatus("a:b")
        state.add({"mode": mode, "objects": {"legacy": 0, "candidate": made, "alive": 1, "twinned": twinned}})
        return serving.notes(UnitConfig("a:b", "c:d", **more), state)

    assert said(made=0) == said(twinned=3) == said("shadow") == []
    assert said(made=1_001, twinned=11) == ["11 of 1,001 rust objects have a legacy twin, and are compared"]
    assert said(isolation="thread") == ["none of 3 rust objects is compared in rust: that needs isolation = 'process'"]
    assert "weak references" in said()[0]


def test_the_reverse_observer_that_dispatch_makes_names_legacy_as_the_worker_finds_it(shadowed: Shadowed) -> None:
    shadowed.write(SIDES, SIDES)
    shadowed.install("Book.twice", "Book.cached", "decorated", mode="legacy")
    runs = [lane.side.runs for lane in shadowed.lanes if lane.side.reverse]
    names = ("Book.twice.fget", "Book.cached.fget", "decorated")
    assert runs == [f"{shadowed.legacy_name}:{name}" for name in names]
    assert importlib.import_module(shadowed.legacy_name) is shadowed.legacy
