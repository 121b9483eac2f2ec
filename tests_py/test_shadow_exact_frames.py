"""What the caller sees of frames: warnings and logs name its own line, recursion loses the trampoline's only."""

from __future__ import annotations

import inspect
import logging
import sys
import warnings
from typing import Any

import pytest
from exuvia.migrate.modes import surface
from shadowing import Shadowed, shadowed

__all__ = ["shadowed"]

SOURCE = """
import logging, sys, warnings
def warner(x):
    warnings.warn("old", DeprecationWarning, stacklevel=2)
    return x
def logs(x):
    logging.getLogger("LEGACY").warning("hi", stacklevel=2)
    return x
def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)
def nested(x):
    value = x
    for _ in range(sys.getrecursionlimit()):
        value = [value]
    return len(value)
def who():
    return sys._getframe(1).f_code.co_name
"""

MODES = pytest.mark.parametrize("how", ["process", "thread", "unsampled"])


def install(shadowed: Shadowed, how: str, *names: str) -> None:
    shadowed.write(SOURCE, SOURCE)
    shadowed.install(*names, more="sample = 1e-9" if how == "unsampled" else f'isolation = "{how}"')


@MODES
def test_a_warning_names_the_line_that_it_names_without_exuvia(shadowed: Shadowed, how: str) -> None:
    install(shadowed, how, "warner")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        line = inspect.currentframe().f_lineno + 1  # type: ignore[union-attr]  # CPython has frames
        assert shadowed.legacy.warner(1) == 1
    # In the caller's thread the candidate warns too, after legacy.
    assert [(one.filename, one.lineno) for one in caught[:1]] == [(__file__, line)]
    assert len(caught) == 1 or how == "thread"


@MODES
def test_a_filter_by_the_callers_module_holds_in_shadow(shadowed: Shadowed, how: str) -> None:
    install(shadowed, how, "warner")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", module=__name__)
        with pytest.raises(DeprecationWarning, match="old"):
            shadowed.legacy.warner(1)


@MODES
def test_a_log_names_the_line_that_it_names_without_exuvia(
    shadowed: Shadowed, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    install(shadowed, how, "logs")
    with caplog.at_level(logging.WARNING, logger=shadowed.legacy_name):
        line = inspect.currentframe().f_lineno + 1  # type: ignore[union-attr]  # CPython has frames
        shadowed.legacy.logs(1)
    record = next(record for record in caplog.records if record.name == shadowed.legacy_name)
    assert (record.pathname, record.lineno) == (__file__, line)


def test_the_source_of_a_spliced_function_is_still_legacys(shadowed: Shadowed) -> None:
    install(shadowed, "process", "deep")
    assert inspect.getsource(shadowed.legacy.deep).startswith("def deep(n):")


def deepest(call: Any) -> int:
    """The deepest recursion that does not raise, from here."""
    low, high = 0, sys.getrecursionlimit()
    while low < high:
        middle = (low + high + 1) // 2
        try:
            call(middle)
        except RecursionError:
            high = middle - 1
        else:
            low = middle
    return low


@pytest.mark.parametrize("how", ["process", "thread"])
def test_a_function_that_calls_itself_loses_the_trampolines_frames_and_no_others(shadowed: Shadowed, how: str) -> None:
    install(shadowed, how, "deep")
    reached = deepest(shadowed.legacy.deep)
    sys.modules.pop(shadowed.legacy_name)
    space: dict[str, Any] = {}
    exec(SOURCE, space)  # noqa: S102 - the same function, of which exuvia knows nothing
    off = deepest(space["deep"])
    assert off // 2 - 8 <= reached <= off // 2 + 1


def test_calls_of_itself_are_not_observed_once_more(shadowed: Shadowed) -> None:
    install(shadowed, "process", "deep")
    for _ in range(5):
        assert shadowed.legacy.deep(20) == 20
    found = shadowed.counts("deep")
    assert (found["compared"], found["unsampled"]) == (5, 100)


def test_a_recursion_error_of_legacys_is_no_difference(shadowed: Shadowed) -> None:
    install(shadowed, "process", "deep")
    with pytest.raises(RecursionError):
        shadowed.legacy.deep(sys.getrecursionlimit())
    found = shadowed.counts("deep")
    assert (found["compared"], found["differed"]) == (0, 0)
    assert found["reasons"]["it reached the recursion limit, whose depth depends on who calls"] == 1


def test_near_the_limit_the_observer_costs_a_call_no_more_than_its_frames(shadowed: Shadowed) -> None:
    install(shadowed, "process", "deep")

    def below(depth: int) -> int:
        return shadowed.legacy.deep(0) if depth == 0 else below(depth - 1)  # type: ignore[no-any-return]

    def alone(depth: int) -> int:
        return len(str(depth)) and plain() if depth == 0 else alone(depth - 1)

    def plain() -> int:
        return 0

    # The trampoline's frame and the observer's: nothing that it calls may raise into the program.
    assert deepest(below) >= deepest(alone) - 3


def test_a_result_too_deep_to_be_pickled_is_a_sample_lost(shadowed: Shadowed) -> None:
    install(shadowed, "process", "nested")
    assert shadowed.legacy.nested(1) == 1
    assert shadowed.counts("nested")["compared"] == 1


def test_what_looks_at_its_callers_is_said_and_refused_for_shadow(shadowed: Shadowed) -> None:
    install(shadowed, "process", "who", "deep")
    from exuvia.migrate import runtime

    current: Any = runtime._current
    who, deep = (" ".join(current.units[f"{shadowed.legacy_name}:{name}"].notes) for name in ("who", "deep"))
    assert "looks at its callers (_getframe)" in who
    assert "calls itself" in deep
    assert surface.callers(shadowed.legacy.deep) == []
    space: dict[str, Any] = {}
    exec(SOURCE, space)  # noqa: S102 - before it is spliced
    assert surface.callers(space["who"]) == ["_getframe"]
