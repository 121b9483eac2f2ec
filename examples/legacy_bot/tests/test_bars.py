from dataclasses import replace

import pytest
from legacy_bot.bars import BarError, TickBars, aggregate
from legacy_bot.model import Bar, Quote

SECOND = 1_000_000_000
MINUTE = 60 * SECOND


def quote(second: float, bid: float, ask: float, uic: int = 21) -> Quote:
    return Quote(uic, int(second * SECOND), bid, ask, "Open")


def bar(minute: int, price: float = 1.0, uic: int = 21) -> Bar:
    bid = (price, price + 0.3, price - 0.3, price + 0.1)
    return Bar(uic, minute * MINUTE, *bid, price + 1, price + 4, price + 0.5, price + 2, 7)


def test_bid_and_ask_have_their_own_open_high_low_and_close() -> None:
    builder = TickBars(60)
    for item in (quote(0, 1.2, 1.5), quote(10, 1.4, 1.3), quote(59.9, 1.1, 1.6)):
        assert builder.on_quote(item) is None
    closed = builder.on_quote(quote(60, 1.0, 1.1))
    assert closed == Bar(21, 0, 1.2, 1.4, 1.1, 1.1, 1.5, 1.6, 1.3, 1.6, 3)


def test_gaps_make_no_bars() -> None:
    builder = TickBars(60)
    builder.on_quote(quote(1, 1.0, 1.1))
    closed = builder.on_quote(quote(601, 2.0, 2.1))
    assert closed is not None
    assert [item.ts for item in (closed, *builder.flush())] == [0, 10 * MINUTE]
    assert builder.flush() == []


def test_a_late_quote_goes_into_the_open_bar_and_is_counted() -> None:
    builder = TickBars(60)
    builder.on_quote(quote(61, 1.0, 1.1))
    assert builder.on_quote(quote(59, 0.9, 1.2)) is None
    assert builder.late == 1
    assert builder.flush() == [Bar(21, MINUTE, 1.0, 1.0, 0.9, 0.9, 1.1, 1.2, 1.1, 1.2, 2)]


def test_each_instrument_has_its_own_bar_and_flush_is_in_their_order() -> None:
    builder = TickBars(60)
    builder.on_quote(quote(1, 3.0, 3.1, uic=42))
    assert builder.on_quote(quote(70, 1.0, 1.1, uic=21)) is None
    assert [item.uic for item in builder.flush()] == [21, 42]


def test_times_before_the_epoch_are_floored() -> None:
    builder = TickBars(60)
    builder.on_quote(quote(-1, 1.0, 1.1))
    assert builder.flush()[0].ts == -MINUTE


@pytest.mark.parametrize("bad", [quote(0, float("nan"), 1.0), quote(0, 1.0, float("nan"))])
def test_a_nan_price_is_an_error(bad: Quote) -> None:
    with pytest.raises(BarError, match="NaN"):
        TickBars(60).on_quote(bad)


@pytest.mark.parametrize("every_s", [0, -60])
def test_an_interval_must_be_positive(every_s: int) -> None:
    with pytest.raises(BarError, match="positive"):
        TickBars(every_s)
    with pytest.raises(BarError, match="positive"):
        aggregate([], every_s)


def test_aggregate_takes_first_max_min_last_and_sum() -> None:
    bars = [bar(0, 1.0), bar(1, 2.0), bar(4, 1.5), bar(5, 9.0)]
    assert aggregate(bars, 300) == [
        Bar(21, 0, 1.0, 2.3, 0.7, 1.6, 2.0, 6.0, 1.5, 3.5, 21),
        replace(bar(5, 9.0)),
    ]


def test_aggregate_is_in_the_order_of_instrument_and_time() -> None:
    mixed = [bar(0, uic=42), bar(6, uic=21), bar(5, uic=42), bar(12, uic=21)]
    assert [(item.uic, item.ts // MINUTE) for item in aggregate(mixed, 300)] == [
        (21, 5),
        (21, 10),
        (42, 0),
        (42, 5),
    ]


def test_nothing_adds_up_to_nothing() -> None:
    assert aggregate([], 300) == []


def test_bars_out_of_order_are_an_error_that_names_the_first() -> None:
    with pytest.raises(BarError, match="bar 2 "):
        aggregate([bar(0), bar(2), bar(1), bar(0)], 300)
