"""No tick and no bar of a builder is lost: not when `record` raises, not between threads."""

from __future__ import annotations

import threading
import time

import pytest
from exuvia import bars

MINUTE = 60_000_000_000


class RefusesOnce:
    """A record that raises on its calls of the given numbers, counted from 1."""

    def __init__(self, *refused: int) -> None:
        self.refused = refused
        self.calls = 0

    def __call__(self, *fields: float) -> tuple[float, ...]:
        self.calls += 1
        if self.calls in self.refused:
            msg = f"call {self.calls}"
            raise RuntimeError(msg)
        return fields


def test_a_bar_that_record_refused_comes_with_the_next_push() -> None:
    builder = bars.QuoteBarBuilder("1m", record=RefusesOnce(1))
    plain = bars.QuoteBarBuilder("1m")
    assert builder.push(21, 0, 1.0, 1.1) is None
    assert plain.push(21, 0, 1.0, 1.1) is None
    with pytest.raises(RuntimeError, match="call 1"):
        builder.push(21, MINUTE, 1.2, 1.3)
    first = plain.push(21, MINUTE, 1.2, 1.3)
    assert isinstance(first, bars.QuoteBar)
    assert builder.push(21, MINUTE + 1, 1.25, 1.35) == first.__getnewargs__()
    assert plain.push(21, MINUTE + 1, 1.25, 1.35) is None
    # The quote whose push raised was taken all the same.
    assert builder.flush() == [bar.__getnewargs__() for bar in plain.flush()]
    assert builder.flush() == []


def test_bars_that_wait_come_in_the_order_of_their_closing() -> None:
    builder = bars.TradeBarBuilder("1m", record=RefusesOnce(1, 2))
    builder.push(21, 0, 1.0)
    for minute in (1, 2):
        with pytest.raises(RuntimeError):
            builder.push(21, minute * MINUTE, 1.0 + minute)
    bar = builder.push(21, 2 * MINUTE + 1, 9.0)
    assert bar is not None
    assert bar[1] == 0
    assert [found[1] for found in builder.flush()] == [MINUTE, 2 * MINUTE]


@pytest.mark.parametrize("refused", [1, 2, 3])
def test_a_flush_that_record_refused_loses_no_bar(refused: int) -> None:
    builder = bars.QuoteBarBuilder("1m", record=RefusesOnce(refused))
    for uic in (3, 1, 2):
        builder.push(uic, 0, 1.0, 1.1)
    with pytest.raises(RuntimeError):
        builder.flush()
    assert [bar[0] for bar in builder.flush()] == [1, 2, 3]
    assert builder.flush() == []


def test_a_record_may_use_its_builder() -> None:
    def record(*fields: float) -> tuple[float, ...]:
        assert builder.late == 0
        assert builder.push(99, 0, 5.0) is None
        return fields

    builder = bars.TradeBarBuilder("1m", record=record)
    builder.push(21, 0, 1.0)
    assert builder.push(21, MINUTE, 1.0) == (21, 0, 1.0, 1.0, 1.0, 1.0, 0.0, 1)
    assert len(builder.flush()) == 2
    assert [bar[0] for bar in builder.flush()] == [99]


def test_threads_share_a_builder_and_lose_nothing() -> None:
    count = 4_000

    def record(*fields: float) -> tuple[float, ...]:
        time.sleep(0)  # another thread's turn, while this one is inside of a push
        return fields

    builder = bars.QuoteBarBuilder("1s", record=record)
    found: list[tuple[float, ...]] = []
    errors: list[BaseException] = []

    def feed(uic: int) -> None:
        try:
            for tick in range(count):
                bar = builder.push(uic, tick * 500_000_000, 1.0, 1.1)
                if bar is not None:
                    found.append(bar)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=feed, args=(uic,)) for uic in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found += builder.flush()
    assert errors == []
    assert sum(int(bar[-1]) for bar in found) == 4 * count
    assert len(found) == 4 * count // 2


def test_prices_are_taken_as_they_come_negative_and_crossed_too() -> None:
    builder = bars.QuoteBarBuilder("1m")
    builder.push(21, 0, -37.63, -40.0)
    [bar] = builder.flush()
    assert (bar.bid_open, bar.ask_open, bar.ticks) == (-37.63, -40.0, 1)
    trades = bars.TradeBarBuilder("1m")
    trades.push(21, 0, -37.63, 1.0)
    assert trades.flush()[0].low == -37.63
