from dataclasses import replace
from typing import Any

import pytest
from legacy_bot.config import Scenario
from legacy_bot.model import Intent, Quote, ScenarioView, parse_ns
from legacy_bot.scan import decide, fx_open
from legacy_bot.strategies import SmaCross

SECOND = 1_000_000_000
NOW = parse_ns("2014-05-07T12:00:00Z")
SCENARIO = Scenario(
    name="s", uic=21, amount=100_000, strategy=SmaCross(1, 2), order_type="market", limit_offset=0.0,
    tick=0.00001, max_spread=0.0002, stop=0.001, take=0.002, max_hold_s=600, cooldown_s=60,
    order_ttl_s=120, max_quote_age_s=30,
)  # fmt: skip
QUOTE = Quote(21, NOW - SECOND, 1.39286, 1.39298, "Open")
FLAT = ScenarioView()
LONG = ScenarioView(position=100_000, entry_price=1.39286, entry_ts=NOW - 60 * SECOND)
SHORT = ScenarioView(position=-100_000, entry_price=1.39298, entry_ts=NOW - 60 * SECOND)
UP, DOWN, LEVEL = [1.0, 2.0], [2.0, 1.0], [1.0, 1.0]


def scan(
    view: ScenarioView = FLAT,
    quote: Quote | None = QUOTE,
    closes: list[float] | None = UP,
    now: int = NOW,
    **changes: Any,
) -> list[Intent]:
    quotes = {21: quote} if quote is not None else {}
    series = {21: closes} if closes is not None else {}
    return decide({"s": view}, quotes, series, [replace(SCENARIO, **changes)], now)


def place(side: str, reason: str, amount: int = 100_000) -> list[Intent]:
    return [Intent("place", "s", 21, side, amount, "Market", None, NOW, reason)]


def test_a_signal_enters_at_the_market() -> None:
    assert scan(closes=UP) == place("Buy", "entry")
    assert scan(closes=DOWN) == place("Sell", "entry")


@pytest.mark.parametrize("closes", [None, [1.0], LEVEL])
def test_no_signal_does_nothing(closes: list[float] | None) -> None:
    assert scan(closes=closes) == []


@pytest.mark.parametrize(
    "quote",
    [None, replace(QUOTE, market_state="Closed"), replace(QUOTE, ts=NOW - 30 * SECOND - 1)],
)
def test_without_an_open_fresh_quote_nothing_happens_not_even_an_exit(quote: Quote | None) -> None:
    assert scan(quote=quote) == []
    assert scan(replace(LONG, entry_price=9.0), quote=quote) == []


def test_a_quote_of_exactly_the_greatest_age_counts() -> None:
    assert scan(quote=replace(QUOTE, ts=NOW - 30 * SECOND)) == place("Buy", "entry")


def test_a_limit_entry_is_offset_from_the_near_side_and_on_the_tick() -> None:
    (buy,) = scan(closes=UP, order_type="limit", limit_offset=0.00003)
    (sell,) = scan(closes=DOWN, order_type="limit", limit_offset=0.00003)
    assert (buy.order_type, buy.limit_price) == ("Limit", 1.39283)
    assert (sell.order_type, sell.limit_price) == ("Limit", 1.39301)
    (coarse,) = scan(closes=UP, order_type="limit", tick=0.0005)
    assert coarse.limit_price == 1.393


def test_a_wide_spread_or_a_recent_exit_keeps_out() -> None:
    assert scan(quote=replace(QUOTE, ask=1.39307)) == []
    assert scan(replace(FLAT, last_exit_ts=NOW - 59 * SECOND)) == []
    assert scan(replace(FLAT, last_exit_ts=NOW - 60 * SECOND)) == place("Buy", "entry")


@pytest.mark.parametrize(
    ("view", "closes", "intent"),
    [
        (LONG, UP, []),
        (SHORT, DOWN, []),
        (replace(LONG, entry_price=1.39386), UP, place("Sell", "stop")),
        (replace(SHORT, entry_price=1.39198), DOWN, place("Buy", "stop")),
        (replace(LONG, entry_price=1.39085), UP, place("Sell", "take")),
        (replace(SHORT, entry_price=1.39499), DOWN, place("Buy", "take")),
        (replace(LONG, entry_ts=NOW - 600 * SECOND), UP, place("Sell", "time")),
        (LONG, DOWN, place("Sell", "signal")),
        (LONG, LEVEL, place("Sell", "signal")),
        (SHORT, UP, place("Buy", "signal")),
        (LONG, [1.0], []),
        (replace(LONG, entry_price=9.0, entry_ts=0), DOWN, place("Sell", "stop")),
        (replace(LONG, position=3_000), DOWN, place("Sell", "signal", 3_000)),
    ],
)
def test_the_first_reason_to_leave_holds(view: ScenarioView, closes: list[float], intent: list[Intent]) -> None:
    assert scan(view, closes=closes) == intent


def test_the_thresholds_themselves_count() -> None:
    quote = replace(QUOTE, bid=1.5, ask=1.5625)
    long = replace(LONG, entry_price=1.75)
    assert scan(long, quote, stop=0.25) == place("Sell", "stop")
    assert scan(replace(long, entry_price=1.25), quote, take=0.25) == place("Sell", "take")
    assert scan(quote=quote, max_spread=0.0625) == place("Buy", "entry")


def test_an_open_order_waits_and_a_limit_order_is_withdrawn_after_its_time() -> None:
    view = replace(FLAT, open_order="LB-s-1", open_side="Sell", open_type="Limit")
    assert scan(replace(view, open_decided=NOW - 119 * SECOND)) == []
    assert scan(replace(view, open_decided=NOW - 120 * SECOND)) == [
        Intent("cancel", "s", 21, "Sell", 0, "Limit", None, NOW, "ttl")
    ]
    assert scan(replace(view, open_decided=0, open_type="Market")) == []


def test_scenarios_are_scanned_in_the_given_order() -> None:
    scenarios = [replace(SCENARIO, name=name) for name in ("z", "a", "m")]
    intents = decide(dict.fromkeys("zam", FLAT), {21: QUOTE}, {21: UP}, scenarios, NOW)
    assert [intent.scenario for intent in intents] == ["z", "a", "m"]


@pytest.mark.parametrize(
    ("time", "is_open"),
    [
        ("2014-05-09T20:59:59.999999Z", True),
        ("2014-05-09T21:00:00Z", False),
        ("2014-05-10T12:00:00Z", False),
        ("2014-05-11T20:59:59.999999Z", False),
        ("2014-05-11T21:00:00Z", True),
        ("2014-01-10T21:30:00Z", True),
        ("2014-01-10T22:00:00Z", False),
        ("2014-01-12T22:00:00Z", True),
    ],
)
def test_the_fx_week_follows_new_york_also_in_winter(time: str, is_open: bool) -> None:
    now = parse_ns(time)
    assert fx_open(now) is is_open
    assert bool(scan(quote=replace(QUOTE, ts=now), now=now)) is is_open
