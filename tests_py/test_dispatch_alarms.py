"""What the handler of a signal raises goes through the candidate to the program, and accuses nobody."""

from __future__ import annotations

import asyncio
import functools
import signal
from typing import Any

import pytest
from exuvia._exuvia import Switch
from exuvia.migrate import runtime
from exuvia.migrate.dispatch import interrupts
from exuvia.migrate.dispatch.canary import place
from shadowing import Shadowed, shadowed

__all__ = ["shadowed"]


class Alarm(Exception): ...  # noqa: N818 - a watchdog's, as programs name it


def on_alarm(number: int, frame: Any) -> None:
    raise Alarm


def nested(number: int, frame: Any) -> None:
    on_alarm(0, None)


def once(number: int, frame: Any) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    raise Alarm


def forgetful(number: int, frame: Any) -> None:
    del number, frame
    raise Alarm


def leave(*_: Any) -> None:
    raise SystemExit(3)


class Handler:
    def __call__(self, _number: int, _frame: Any) -> None:
        raise Alarm

    def method(self, *_given: Any) -> None:
        raise Alarm


HANDLERS = [
    on_alarm, nested, once, forgetful, leave, lambda *_: on_alarm(0, None), Handler(), Handler().method,
    functools.partial(lambda _extra, _number, _frame: on_alarm(0, None), 1),
]  # fmt: skip


@pytest.fixture
def alarm() -> Any:
    before = signal.getsignal(signal.SIGALRM)
    yield lambda handler: signal.signal(signal.SIGALRM, handler)
    signal.signal(signal.SIGALRM, before)


def busy(n: int = 0) -> int:
    signal.raise_signal(signal.SIGALRM)
    return n


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda handler: getattr(handler, "__name__", type(handler).__name__))
@pytest.mark.parametrize("form", ["object", "spliced", "canary"])
def test_what_the_handler_of_a_signal_raises_goes_to_the_program(handler: Any, form: str, alarm: Any) -> None:
    from exuvia.migrate.dispatch.splice import Splice, can_splice, legacy_copy

    calls: list[int] = []

    def function(n: int = 0) -> int:
        calls.append(n)
        return -1

    if form == "spliced" and not can_splice():
        pytest.skip("the splice is refused on this Python")
    switch = Switch(legacy_copy(function), busy, len)
    switch.set_fallback(True)
    switch.set_canary(place("$args.n", function), 1.0, bytes(16))
    switch.set_sampling(0.0)
    switch.set_mode("canary" if form == "canary" else "rust")
    call: Any = switch.callable
    if form == "spliced":
        Splice(function, switch.callable).apply()
        call = function
    alarm(handler)
    with pytest.raises((Alarm, SystemExit)) as caught:
        call(7)
    assert interrupts.by_signal(caught.value)
    counts = switch.counts()
    assert (calls, counts["fallbacks"], counts["unanswered"], counts["candidate_calls"]) == ([], 0, 0, 1)
    assert switch.mode != "legacy"


def test_an_error_of_the_candidates_own_is_no_signals_though_handlers_are_registered(alarm: Any) -> None:
    def candidate(number: int, frame: Any) -> None:
        raise Alarm

    signal.signal(signal.SIGALRM, on_alarm)
    with pytest.raises(Alarm) as caught:
        candidate(14, None)
    assert not interrupts.by_signal(caught.value)
    switch = Switch(lambda *_: "legacy", candidate, len)
    switch.set_fallback(True)
    switch.set_mode("rust")
    assert switch.callable(14, None) == "legacy"


def test_coroutines_and_generators_let_a_signals_error_through(shadowed: Shadowed, alarm: Any) -> None:
    source = (
        "import signal\ndef walk(n):\n    yield n\n    GO\n    yield n\nasync def fetch(n):\n    GO\n    return n\n"
    )
    shadowed.write(source.replace("GO", "pass"), source.replace("GO", "signal.raise_signal(signal.SIGALRM)"))
    shadowed.install("walk", "fetch", mode="rust", more="sample = 1e-15")
    for call in (lambda: list(shadowed.legacy.walk(1)), lambda: asyncio.run(shadowed.legacy.fetch(1))):
        alarm(on_alarm)
        with pytest.raises(Alarm):
            call()
    for name in ("walk", "fetch"):
        counts = shadowed.counts(name)
        assert (counts["fallbacks"], counts["unanswered"]) == (0, 0), name
    assert runtime.status()[0].mode == "rust"


def test_a_sampled_call_that_a_signal_ended_is_not_compared(shadowed: Shadowed, alarm: Any) -> None:
    raising = "import signal\ndef price(n):\n    signal.raise_signal(signal.SIGALRM)\n    return n\n"
    shadowed.write("def price(n):\n    return n\n", raising)
    shadowed.install("price", mode="rust", more="sample = 0.999999")
    alarm(on_alarm)
    with pytest.raises(Alarm):
        shadowed.legacy.price(1)
    shadowed.settle()
    counts = shadowed.counts("price")
    assert (counts["differed"], counts["compared"], counts["skipped"]) == (0, 0, 1), counts["reasons"]
    assert shadowed.mode("price") == "rust"


@pytest.mark.parametrize("form", ["object", "spliced", "canary"])
def test_what_a_handler_raises_while_legacy_answers_for_the_candidate_is_known_as_the_handlers(
    form: str, alarm: Any
) -> None:
    from exuvia.migrate.dispatch.splice import Splice, can_splice, legacy_copy

    seen: list[tuple[str, bool, bool]] = []

    def function(n: int = 0) -> int:
        signal.raise_signal(signal.SIGALRM)
        return n

    def candidate(n: int = 0) -> int:
        raise ValueError("n")

    def raised(own: BaseException, other: BaseException, *_: Any) -> None:
        seen.append((type(own).__name__, interrupts.by_signal(own), interrupts.by_signal(other)))

    if form == "spliced" and not can_splice():
        pytest.skip("the splice is refused on this Python")
    switch = Switch(legacy_copy(function), candidate, len, raised=raised)
    switch.set_fallback(True)
    switch.set_canary(place("$args.n", function), 1.0, bytes(16))
    switch.set_sampling(0.0)
    switch.set_mode("canary" if form == "canary" else "rust")
    call: Any = switch.callable
    if form != "object":
        Splice(function, switch.callable).apply()
        call = function
    alarm(on_alarm)
    with pytest.raises(Alarm) as caught:
        call(7)
    assert interrupts.by_signal(caught.value)
    assert seen == [("Alarm", True, False)]


@pytest.mark.parametrize("error", ["ValueError", "Alarm"])
def test_a_handler_that_raises_while_legacy_answers_quarantines_nobody(
    shadowed: Shadowed, alarm: Any, error: str
) -> None:
    source = "def check(n):\n    HOOK()\n    raise ValueError('n')\ndef HOOK(): pass\n"
    shadowed.write(source, source)
    shadowed.install("check", mode="rust", more="sample = 1e-15")
    kind: Any = {"ValueError": KeyError, "Alarm": Alarm}[error]

    def handler(*_: Any) -> None:
        raise kind

    alarm(handler)
    shadowed.legacy.HOOK = lambda: signal.raise_signal(signal.SIGALRM)
    for _ in range(10):
        with pytest.raises(kind):
            shadowed.legacy.check(1)
    shadowed.legacy.HOOK = lambda: None
    with pytest.raises(ValueError, match="n"):
        shadowed.legacy.check(1)
    counts = shadowed.counts("check")
    assert (counts["differed"], counts["compared"], counts["same_errors"]) == (0, 1, 1), counts
    assert shadowed.mode("check") == "rust"
