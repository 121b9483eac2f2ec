"""The boundary keeps its word: panics are exceptions, forked children compute, numbers that do not fit are named."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from exuvia import bars, brokers, orders, quotes, scan, sessions
from exuvia._exuvia import _panic_in_gate
from exuvia.errors import PanicError, ValueRangeError

HUGE = 2**63


@pytest.mark.parametrize("kind", ["enter", "stay", "guard"])
def test_a_panic_becomes_an_exception_that_says_what_to_do(kind: str) -> None:
    with pytest.raises(PanicError, match=rf"on purpose, in {kind} at \S+:\d+:\d+; this is a defect, please report it"):
        _panic_in_gate(kind)
    with pytest.raises(ValueRangeError, match='kind "other" is not enter, stay or guard'):
        _panic_in_gate("other")
    # An ordinary exception, and the process goes on.
    assert issubclass(PanicError, Exception)
    assert bars.QuoteBarBuilder("1m").flush() == []


FORK = """
import os, signal, sys, warnings
import numpy as np
from exuvia import bars, lake, venues
from exuvia.errors import ForkError
warnings.simplefilter("ignore", DeprecationWarning)
venue = venues.SaxoVenue(sys.argv[1])
ts, price = np.array([0, 60_000_000_000]), np.array([1.0, 2.0])
builder = bars.TradeBarBuilder("1m")
builder.push(21, 0, 1.0)
child = os.fork()
if child == 0:
    signal.alarm(20)
    table = bars.bars_from_ticks(ts, price, every="1m")
    assert bars.columns(table)["close"].tolist() == [1.0, 2.0]
    assert builder.push(21, 60_000_000_000, 2.0).close == 1.0
    refused = 0
    for call in (venue.close, lambda: venue.closed, lambda: venues.SaxoVenue(sys.argv[1])):
        try:
            call()
        except ForkError as error:
            assert "spawn" in str(error), error
            refused += 1
    assert "of the parent process" in repr(venue)
    del venue, call
    print("refused", refused, flush=True)
    sys.exit(0)
_, status = os.waitpid(child, 0)
assert status == 0, status
assert not venue.closed
venue.close()
print("parent goes on")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_a_forked_child_computes_and_is_refused_where_threads_are_needed() -> None:
    source = "sim:1?ticks=20"
    done = subprocess.run([sys.executable, "-c", FORK, source], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["refused 3", "parent goes on"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: bars.Bar(HUGE, 0, 1.0, 1.0, 1.0, 1.0, 0.0, 1), f"uic {HUGE}"),
        (lambda: bars.QuoteBar(1, -HUGE - 1, *[1.0] * 8, 1), f"ts {-HUGE - 1}"),
        (lambda: bars.QuoteBarBuilder("1m").push(1, HUGE, 1.0, 1.1), f"ts {HUGE}"),
        (lambda: bars.TradeBarBuilder("1m").push(HUGE, 1, 1.0), f"uic {HUGE}"),
        (lambda: quotes.Quote(1, HUGE, 1.0, 1.1, "Open"), f"ts {HUGE}"),
        (lambda: orders.Limits(1, HUGE, 1), f"max_position {HUGE}"),
        (lambda: brokers.PaperBroker().position(-1), "uic -1"),
        (lambda: brokers.PaperBroker().place_order(brokers.PaperOrder("a", 2**32, "Buy", 1)), "uic 4294967296"),
        (lambda: sessions.Calendar("XNYS").is_open(HUGE), f"ts {HUGE}"),
        (lambda: scan.SmaCross(-1, 5), "fast -1"),
        (lambda: scan.ZScoreReversion(-2, 2.0, 1.0), "window -2"),
    ],
)
def test_a_number_that_does_not_fit_is_named(call: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueRangeError, match=f"^{said} is out of range"):
        call()


def test_what_is_no_number_is_a_type_error_and_what_is_missing_is_named() -> None:
    with pytest.raises(TypeError, match="uic"):
        bars.Bar("21", 0, 1.0, 1.0, 1.0, 1.0, 0.0, 1)
    with pytest.raises(AttributeError, match=r"'object' object has no attribute 'uic'"):
        bars.QuoteBarBuilder("1m").push_quote(object())
