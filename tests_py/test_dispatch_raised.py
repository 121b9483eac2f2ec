"""What both sides raise where the candidate serves is compared like a result, and counts like one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from exuvia.migrate import runtime
from exuvia.migrate.evidence import reading
from exuvia.migrate.modes import journal as modes
from shadowing import Shadowed, shadowed, until

__all__ = ["shadowed"]

LEGACY = """
    class Bad(ValueError):
        def __init__(self, text, code):
            super().__init__(text)
            self.code = code
    def plain(n):
        if n == "deep":
            raise RecursionError("legacy's own depth")
        if n < 0:
            raise Bad(f"no {n}", 1)
        return n
    async def awaited(n):
        return plain(n)
    def items(n):
        yield 0
        yield plain(n)
    async def stream(n):
        yield 0
        yield plain(n)
    """
SAME = """
    from LEGACY import Bad
    def own(n):
        if n == "deep" or n < 0:
            raise Bad(f"no {n}", 1)
        return n
    plain = own
    async def awaited(n):
        return own(n)
    def items(n):
        yield 0
        yield own(n)
    async def stream(n):
        yield 0
        yield own(n)
    """
OTHER = SAME.replace('Bad(f"no {n}", 1)', 'KeyError("something else")')
SAID = SAME.replace('f"no {n}"', '"another text"')
KINDS = ("plain", "awaited", "items", "stream")


def call(shadowed: Shadowed, kind: str, n: Any) -> Any:
    function = getattr(shadowed.legacy, kind)
    if kind == "awaited":
        return asyncio.run(function(n))
    if kind == "stream":

        async def collected() -> list[Any]:
            return [item async for item in function(n)]

        return asyncio.run(collected())
    return list(function(n)) if kind == "items" else function(n)


def fails(shadowed: Shadowed, kind: str, times: int = 1) -> None:
    """The caller has legacy's own error, whatever the candidate's was."""
    for _ in range(times):
        with pytest.raises(shadowed.legacy.Bad, match="no -1") as caught:
            call(shadowed, kind, -1)
        assert caught.value.__context__ is None


def troubles() -> list[str]:
    current: Any = runtime._current
    segments = reading.read_folder(current.config.evidence)
    return [trouble.text for segment in segments for trouble in segment.troubles]


@pytest.mark.parametrize("kind", KINDS)
def test_another_error_than_legacys_is_a_difference_and_takes_the_unit_back(shadowed: Shadowed, kind: str) -> None:
    shadowed.write(LEGACY, OTHER)
    shadowed.install(kind, mode="rust", more="sample = 1e-12")
    fails(shadowed, kind)
    counts = shadowed.counts(kind)
    assert (counts["compared"], counts["differed"], counts["same_errors"]) == (1, 1, 0)
    assert (counts["answered"], counts["unanswered"]) == (0, 0)
    (line,) = shadowed.kept("mismatch")
    assert (line["path"], line["difference"]) == ("$raise", "exception")
    assert "Bad" in line["legacy"]
    assert line["candidate"] == 'KeyError("something else")'
    assert "-1" in line["arguments"]
    until(lambda: shadowed.mode(kind) == "legacy", "a difference did not take the unit back")
    current: Any = runtime._current
    (fallen,) = modes.read(current.config.evidence).quarantined.values()
    assert "a call differed (1 in rust)" in fallen["cause"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_error_is_an_equal_call_and_no_trouble(shadowed: Shadowed, kind: str) -> None:
    shadowed.write(LEGACY, SAME)
    shadowed.install(kind, mode="rust", more="sample = 1e-12")
    fails(shadowed, kind, 30)
    counts = shadowed.counts(kind)
    assert (counts["compared"], counts["differed"], counts["same_errors"], counts["fallbacks"]) == (30, 0, 30, 30)
    assert shadowed.mode(kind) == "rust"
    current: Any = runtime._current
    current.settle()
    assert troubles() == []


@pytest.mark.parametrize(("rule", "equal"), [("exact", True), ("args", False)])
def test_the_rules_for_errors_hold_where_the_candidate_serves(shadowed: Shadowed, rule: str, equal: bool) -> None:
    shadowed.write(LEGACY, SAID)
    shadowed.install("plain", mode="rust", more=f'sample = 1e-12\ncompare = {{ "$raise" = "{rule}" }}')
    fails(shadowed, "plain")
    counts = shadowed.counts("plain")
    assert (counts["differed"], counts["same_errors"]) == ((0, 1) if equal else (1, 0))
    assert [line["path"] for line in shadowed.kept("mismatch")] == ([] if equal else ["$raise.args[0]"])


def test_an_observed_call_that_raises_is_compared_once(shadowed: Shadowed) -> None:
    shadowed.write(LEGACY, OTHER)
    shadowed.install("plain", mode="rust", more='sample = 0.999999999\nisolation = "thread"')
    fails(shadowed, "plain")
    counts = shadowed.counts("plain")
    assert (counts["compared"], counts["differed"], counts["fallbacks"]) == (1, 1, 1)


def test_what_legacy_raises_for_want_of_room_is_no_difference_but_said(shadowed: Shadowed) -> None:
    shadowed.write(LEGACY, SAME)
    shadowed.install("plain", mode="rust", more="sample = 1e-12")
    with pytest.raises(RecursionError, match="legacy's own depth"):
        shadowed.legacy.plain("deep")
    counts = shadowed.counts("plain")
    assert (counts["compared"], counts["differed"], counts["same_errors"]) == (0, 0, 0)
    current: Any = runtime._current
    current.settle()
    assert any("no deep" in text for text in troubles())


def test_a_candidate_that_alone_raises_is_still_said_and_counted(shadowed: Shadowed) -> None:
    shadowed.write(LEGACY, OTHER.replace("n < 0", "n > 5"))
    shadowed.install("plain", mode="rust", more="sample = 1e-12")
    assert shadowed.legacy.plain(7) == 7
    counts = shadowed.counts("plain")
    assert (counts["answered"], counts["differed"], counts["same_errors"]) == (1, 0, 0)
