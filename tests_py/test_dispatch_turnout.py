"""What a trampoline holds says who serves, the trampoline calls that itself, and legacy's answers look like its own."""

from __future__ import annotations

import asyncio
import inspect
import sys
import traceback
from typing import Any

import pytest
from exuvia._exuvia import Switch, turnout
from exuvia.migrate.dispatch import canary, splice
from exuvia.migrate.dispatch.splice import Splice, can_splice, legacy_copy

pytestmark = pytest.mark.skipif(not can_splice(), reason="the splice is refused on this Python")


def sides(name: str) -> Any:
    def side(x: Any, *more: Any, y: int = 2, **named: Any) -> Any:
        return name, x, more, y, named

    return side


def spliced(function: Any, candidate: Any, *, fallback: bool = False, observer: Any = None, reverse: Any = None) -> Any:
    legacy = legacy_copy(function)
    switch = Switch(legacy, candidate, observer or legacy, reverse)
    switch.set_fallback(fallback)
    Splice(function, switch.callable).apply()
    return switch


def counted(switch: Switch, *names: str) -> tuple[int, ...]:
    counts = switch.counts()
    return tuple(counts[name] for name in names)


def test_each_mode_is_served_by_its_side_and_counted_once() -> None:
    function = sides("legacy")
    switch = spliced(function, sides("rust"), observer=sides("observed"), reverse=sides("reversed"))
    given = {"y": 3, "z": 4}
    for mode, sampled, served in [
        ("legacy", 1.0, "legacy"), ("shadow", 1.0, "observed"), ("shadow", 0.0, "legacy"), ("rust", 0.0, "rust"),
        ("rust", 1.0, "reversed"), ("retired", 1.0, "rust"),
    ]:  # fmt: skip
        switch.set_mode(mode)
        switch.set_sampling(sampled, rust=sampled)
        assert function(1, 2, **given) == (served, 1, (2,), 3, {"z": 4}), mode
    assert counted(switch, "legacy_calls", "candidate_calls", "unsampled") == (3, 3, 1)


def test_a_canary_looks_at_the_arguments_of_a_spliced_function() -> None:
    def function(account: str) -> tuple[str, str]:
        return "legacy", account

    def candidate(account: str) -> tuple[str, str]:
        return "rust", account

    switch = spliced(function, candidate)
    switch.set_sampling(0.0)
    switch.set_canary(canary.place("$args.account", function), 0.5, bytes(range(16)))
    switch.set_mode("canary")
    accounts = [f"A{number}" for number in range(200)]
    first, again = ([function(account) for account in accounts] for _ in range(2))
    assert first == again
    assert {served for served, _ in first} == {"legacy", "rust"}
    assert counted(switch, "canary_calls")[0] == 2 * sum(served == "rust" for served, _ in first)


def test_legacys_own_error_has_no_context_and_legacy_sees_no_error_being_handled() -> None:
    seen: list[Any] = []

    def function(x: int) -> int:
        seen.append(sys.exc_info())
        raise ValueError(f"legacy {x}")

    def candidate(x: int) -> int:
        raise KeyError(x)

    switch = spliced(function, candidate, fallback=True)
    switch.set_mode("rust")
    with pytest.raises(ValueError, match="legacy 3") as caught:
        function(3)
    assert seen == [(None, None, None)]
    assert caught.value.__context__ is None
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[1:] == ["function", "function"], "the trampoline, and legacy's copy, once each"
    assert counted(switch, "fallbacks", "answered", "same_errors") == (1, 0, 0)
    assert switch.troubles() == ["KeyError: 3"]


def test_a_traceback_through_a_trampoline_names_the_first_line_of_the_function_and_shows_no_wrong_one() -> None:
    def function(x: int, *more: int, key: int = 2) -> int:
        return x // (x - 3)

    def candidate(x: int, *more: int, key: int = 2) -> int:
        raise KeyError(x)

    first = function.__code__.co_firstlineno
    switch = spliced(function, candidate, fallback=False)
    switch.set_mode("rust")
    assert {line for _, _, line in function.__code__.co_lines()} == {first}
    assert {(line, end) for line, end, _, _ in function.__code__.co_positions()} == {(first, first)}
    with pytest.raises(KeyError) as caught:
        function(3)
    frame = traceback.extract_tb(caught.value.__traceback__)[1]
    assert (frame.name, frame.lineno) == ("function", first)
    # Its file is made up, so that warnings and logging pass over it: no text is better than another function's.
    assert frame.line == ""


@pytest.mark.parametrize("fallback", [True, False])
@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit, asyncio.CancelledError, ValueError, SystemExit])
def test_only_what_is_not_the_callers_own_affair_is_answered(error: type[BaseException], fallback: bool) -> None:
    calls: list[int] = []

    def function(x: int) -> int:
        calls.append(x)
        return -x

    def candidate(x: int) -> int:
        raise error(x)

    switch = spliced(function, candidate, fallback=fallback)
    switch.set_mode("rust")
    if fallback and error in (ValueError, SystemExit):
        assert function(3) == -3
        assert (calls, counted(switch, "fallbacks", "answered")) == ([3], (1, 1))
        return
    with pytest.raises(error) as caught:
        function(3)
    assert (calls, counted(switch, "fallbacks", "answered")) == ([], (0, 0))
    assert caught.value.__context__ is None
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[1:] == ["function", "candidate"], "the trampoline once, although it looked at the error"


@pytest.mark.parametrize("mode", ["legacy", "shadow"])
def test_an_error_of_legacys_own_is_raised_once_and_rescued_by_nobody(mode: str) -> None:
    calls: list[int] = []

    def function(x: int) -> int:
        calls.append(x)
        raise ValueError(x)

    switch = spliced(function, lambda x: x, fallback=True)
    switch.set_mode(mode)
    switch.set_sampling(0.0)
    with pytest.raises(ValueError, match="3"):
        function(3)
    assert (calls, counted(switch, "fallbacks")) == ([3], (0,))


def test_an_error_that_was_handled_before_stays_the_callers() -> None:
    def function(x: int) -> int:
        return -x

    def candidate(x: int) -> int:
        raise KeyError(x)

    switch = spliced(function, candidate, fallback=True)
    switch.set_mode("rust")
    try:
        raise OSError("the caller's")
    except OSError as error:
        assert function(3) == -3
        assert sys.exc_info()[1] is error


def test_parameters_may_bear_any_name() -> None:
    def function(_by: int, _by_: int = 2, *_: int, _relay: int = 4, **more: int) -> Any:
        return "legacy", _by, _by_, _, _relay, more

    def candidate(_by: int, _by_: int = 2, *_: int, _relay: int = 4, **more: int) -> Any:
        return "rust", _by, _by_, _, _relay, more

    switch = spliced(function, candidate)
    switch.set_mode("rust")
    assert function(1, 2, 3, _relay=5, z=6) == ("rust", 1, 2, (3,), 5, {"z": 6})


@pytest.mark.parametrize("free", [0, 2])
@pytest.mark.parametrize("others", ["", "**others"])
@pytest.mark.parametrize("keywords", [(), ("only",), ("only", "more")])
@pytest.mark.parametrize("rest", ["", "*rest"])
@pytest.mark.parametrize("positions", [("x", "/", "y"), ("x", "y"), ()])
def test_every_kind_of_signature_is_passed_on_as_it_was_given(
    positions: tuple[str, ...], rest: str, keywords: tuple[str, ...], others: str, free: int
) -> None:
    starred = [rest] if rest else ["*"] if keywords else []
    declared = ", ".join([*positions, *starred, *keywords, *([others] if others else [])])
    closed = [f"z{number}" for number in range(free)]
    outside = "".join(f"  {name} = 1\n" for name in closed)
    inside = "".join(f"    {name}\n" for name in closed)
    source = f"def enclosing():\n{outside}  def function({declared}):\n{inside}    own = 1\n  return function\n"
    made: dict[str, Any] = {}
    exec(source, made)  # noqa: S102 - written above
    function = made["enclosing"]()
    before = function.__code__
    switch = spliced(function, lambda *args, **kwargs: (args, kwargs))
    switch.set_mode("rust")
    args = (*range(len(positions) - ("/" in positions)), *([8, 9] if rest else []))
    kwargs = dict.fromkeys(keywords, "k") | ({"further": 5} if others else {})
    assert function(*args, **kwargs) == (args, kwargs)
    assert function.__code__ is not before
    for name in ("co_freevars", "co_argcount", "co_posonlyargcount", "co_kwonlyargcount"):
        assert getattr(function.__code__, name) == getattr(before, name)
    assert str(inspect.signature(function)) == f"({declared})"


def test_functions_of_one_shape_are_compiled_once_whatever_their_names() -> None:
    def first(left: int, right: int = 1, *, unit: str = "") -> Any: ...

    def second(price: int, size: int = 1, *, venue: str = "") -> Any:
        held = {venue: price * size}
        return held, venue

    made = [spliced(function, lambda *args, **kwargs: (args, kwargs)) for function in (first, second)]
    known = splice._shaped.cache_info()

    def third(bid: int, ask: int = 1, *, at: str = "") -> Any: ...

    made.append(spliced(third, lambda *args, **kwargs: (args, kwargs)))
    assert splice._shaped.cache_info().misses == known.misses
    for switch in made:
        switch.set_mode("rust")
    assert first(1, unit="a") == ((1, 1), {"unit": "a"})
    assert second(1, 2) == ((1, 2), {"venue": ""})
    assert third(3, at="c") == ((3, 1), {"at": "c"})


def test_calls_and_rescues_leave_no_reference_behind() -> None:
    def function(x: int) -> int:
        return -x

    def candidate(x: int) -> int:
        if x:
            raise KeyError(x)
        return x

    switch = spliced(function, candidate, fallback=True)
    switch.set_mode("rust")
    held = [candidate, switch.callable, KeyError, None]

    def run(times: int) -> None:
        for number in range(times):
            function(number % 2)

    run(100)
    before = [sys.getrefcount(each) for each in held]
    run(20_000)
    after = [sys.getrefcount(each) for each in held]
    assert all(abs(now - was) < 50 for was, now in zip(before, after, strict=True)), (before, after)


def test_only_a_switchs_callable_has_a_turnout_and_it_has_no_operator_itself() -> None:
    switch = Switch(len, sum, len)
    assert turnout(switch.callable) is not None
    assert [turnout(each) for each in (None, len, switch, switch.counted(len))] == [None] * 4
    with pytest.raises(TypeError, match="bad operand type for unary ~"):
        ~switch.callable  # type: ignore[operator]  # noqa: B018 - what is asked is whether it can be done


def test_a_turnout_follows_its_switch_and_outlives_it() -> None:
    switch = Switch(len, sum, len)
    held = turnout(switch.callable)
    assert (~held)([3, 4]) == 2
    switch.set_mode("rust")
    assert (~held)([3, 4]) == 7
    assert held([3, 4]) == 7, "it can be called as the callable can"
    assert switch.counts()["candidate_calls"] == 2
    del switch
    assert (~held)([3, 4]) == 7
