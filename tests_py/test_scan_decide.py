"""`decide`, `Scanner` and the strategies do what a plain reading of the rules does, float for float."""

from __future__ import annotations

import array
import math
import struct
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from exuvia import scan
from hypothesis import given, settings
from hypothesis import strategies as st

S = 1_000_000_000
WEDNESDAY = int(datetime(2014, 5, 7, 12, tzinfo=UTC).timestamp()) * S


@dataclass(frozen=True)
class Quote:
    uic: int
    ts: int
    bid: float
    ask: float
    market_state: str


@dataclass(frozen=True)
class View:
    position: int = 0
    entry_price: float | None = None
    entry_ts: int | None = None
    last_exit_ts: int | None = None
    open_order: str | None = None
    open_side: str | None = None
    open_type: str | None = None
    open_decided: int | None = None


@dataclass(frozen=True)
class Rules:
    name: str
    uic: int
    amount: int
    strategy: Any
    order_type: str
    limit_offset: float
    tick: float
    max_spread: float
    stop: float
    take: float
    max_hold_s: int
    cooldown_s: int
    order_ttl_s: int
    max_quote_age_s: int


@dataclass(frozen=True)
class Wanted:
    action: str
    scenario: str
    uic: int
    side: str
    amount: int
    order_type: str
    limit_price: float | None
    decided: int
    reason: str


@dataclass(frozen=True)
class Fixed:
    """A strategy in Python that always wants the same."""

    answer: int | None

    def target(self, closes: list[float], position: int) -> int | None:  # noqa: ARG002 - as the bot calls it
        return self.answer


# ---- the rules, read plainly: the model that knows nothing of the Rust code ----


def plain_sma(fast: int, slow: int, closes: list[float]) -> int | None:
    if len(closes) < slow:
        return None
    means = []
    for window in (closes[-fast:], closes[-slow:]):
        total = 0.0
        for value in window:
            total = total + value
        means.append(total / len(window))
    return (means[0] > means[1]) - (means[0] < means[1])


def plain_zscore(window: int, entry: float, leave: float, closes: list[float], position: int) -> int | None:
    if len(closes) < window:
        return None
    values = closes[-window:]
    total = 0.0
    for value in values:
        total = total + value
    centre = total / window
    squares = 0.0
    for value in values:
        squares = squares + (value - centre) * (value - centre)
    deviation = math.sqrt(squares / window)
    if deviation == 0.0:
        return 0
    score = (values[-1] - centre) / deviation
    if score >= entry:
        return -1
    if score <= -entry:
        return 1
    if abs(score) <= leave:
        return 0
    return 0 if position == 0 else int(math.copysign(1, position))


def plain_target(strategy: Any, closes: list[float], position: int) -> int | None:
    if isinstance(strategy, scan.SmaCross):
        return plain_sma(strategy.fast, strategy.slow, closes)
    if isinstance(strategy, scan.ZScoreReversion):
        return plain_zscore(strategy.window, strategy.entry, strategy.exit, closes, position)
    return strategy.answer


def plain_is_open(now: int) -> bool:
    """The FX week by counting: hours since Sunday 17:00 in New York, of 120."""
    local = datetime.fromtimestamp(now // S, tz=ZoneInfo("America/New_York"))
    minutes = ((local.isoweekday() % 7) * 24 + local.hour) * 60 + local.minute - 17 * 60
    return 0 <= minutes < 5 * 24 * 60


def plain_decide(rules: Rules, view: View, quote: Quote | None, closes: list[float], now: int) -> Wanted | None:
    if quote is None or quote.market_state != "Open" or now - quote.ts > rules.max_quote_age_s * S:
        return None
    if not plain_is_open(now):
        return None
    if view.open_order is not None:
        if view.open_type == "Limit" and now - view.open_decided >= rules.order_ttl_s * S:
            return Wanted("cancel", rules.name, rules.uic, str(view.open_side), 0, "Limit", None, now, "ttl")
        return None
    target = plain_target(rules.strategy, closes, view.position)
    if view.position != 0:
        direction = 1 if view.position > 0 else -1
        gain = quote.bid - view.entry_price if direction > 0 else view.entry_price - quote.ask
        exits = [
            ("stop", gain <= -rules.stop),
            ("take", gain >= rules.take),
            ("time", now - view.entry_ts >= rules.max_hold_s * S),
            ("signal", target is not None and target * direction <= 0),
        ]
        reasons = [reason for reason, holds in exits if holds]
        if not reasons:
            return None
        side = "Sell" if direction > 0 else "Buy"
        return Wanted("place", rules.name, rules.uic, side, abs(view.position), "Market", None, now, reasons[0])
    if target is None or target == 0:
        return None
    if view.last_exit_ts is not None and now - view.last_exit_ts < rules.cooldown_s * S:
        return None
    if quote.ask - quote.bid > rules.max_spread:
        return None
    side, price, kind = ("Buy" if target > 0 else "Sell"), None, "Market"
    if rules.order_type == "limit":
        price = quote.bid - rules.limit_offset if side == "Buy" else quote.ask + rules.limit_offset
        price, kind = round(round(price / rules.tick) * rules.tick, 5), "Limit"
    return Wanted("place", rules.name, rules.uic, side, rules.amount, kind, price, now, "entry")


def plain_cycle(
    rules: list[Rules], views: dict[str, View], quotes: dict[int, Quote], closes: dict[int, list[float]], now: int
) -> list[Wanted]:
    wanted = [
        plain_decide(rule, views[rule.name], quotes.get(rule.uic), closes.get(rule.uic, []), now) for rule in rules
    ]
    return [intent for intent in wanted if intent is not None]


# ---- inputs: small grids, so that the edges of the rules are hit ----

pips = st.integers(13_900, 13_960).map(lambda value: value / 10_000)
small = st.sampled_from([0.0, 0.0001, 0.0002, 0.0003, 0.001])
ages = st.sampled_from([0, 1, 29 * S, 30 * S, 30 * S + 1, 60 * S, 3600 * S])
strategies = st.one_of(
    st.tuples(st.integers(1, 4), st.integers(1, 5)).map(lambda two: scan.SmaCross(two[0], two[0] + two[1])),
    st.tuples(st.integers(2, 8), st.sampled_from([0.5, 1.0, 1.5]), st.sampled_from([0.0, 0.25, 0.45])).map(
        lambda three: scan.ZScoreReversion(*three)
    ),
    st.sampled_from([None, -1, 0, 1]).map(Fixed),
)
instants = st.one_of(
    st.just(WEDNESDAY),
    st.integers(0, 14 * 86_400).map(lambda second: WEDNESDAY + second * S),
    st.sampled_from(["2014-05-09T21:00:00", "2014-05-09T20:59:59", "2014-05-11T21:00:00", "2014-11-02T22:00:00"]).map(
        lambda text: int(datetime.fromisoformat(text + "+00:00").timestamp()) * S
    ),
)


@st.composite
def cycles(draw: st.DrawFn) -> tuple[Any, ...]:
    now = draw(instants)
    rules, views = [], {}
    for number in range(draw(st.integers(1, 4))):
        name = f"s{number}"
        rules.append(
            Rules(
                name,
                draw(st.sampled_from([21, 22])),
                draw(st.integers(1, 10)) * 1000,
                draw(strategies),
                draw(st.sampled_from(["market", "limit"])),
                draw(small),
                draw(st.sampled_from([0.00001, 0.00005, 0.25])),
                draw(small),
                draw(small),
                draw(small),
                draw(st.sampled_from([1, 30, 60])),
                draw(st.sampled_from([0, 30, 60])),
                draw(st.sampled_from([0, 30, 60])),
                draw(st.sampled_from([0, 30, 60])),
            )
        )
        order = draw(st.sampled_from([None, None, "LB-1"]))
        views[name] = View(
            draw(st.sampled_from([0, 0, 1000, -1000])),
            draw(pips),
            now - draw(ages),
            draw(st.one_of(st.none(), ages.map(lambda age: now - age))),
            order,
            draw(st.sampled_from(["Buy", "Sell"])) if order else None,
            draw(st.sampled_from(["Market", "Limit"])) if order else None,
            now - draw(ages) if order else None,
        )
    quotes = {}
    for uic in draw(st.sampled_from([(21,), (21, 22)])):
        bid = draw(pips)
        state = draw(st.sampled_from(["Open", "Open", "Open", "Closed"]))
        quotes[uic] = Quote(uic, now - draw(ages), bid, bid + draw(small), state)
    closes = {21: draw(st.lists(pips, max_size=12))}
    return rules, views, quotes, closes, now


@settings(max_examples=300, deadline=None)
@given(cycles())
def test_a_cycle_decides_what_the_rules_say(cycle: tuple[Any, ...]) -> None:
    rules, views, quotes, closes, now = cycle
    expected = plain_cycle(rules, views, quotes, closes, now)
    assert scan.decide(views, quotes, closes, rules, now, record=Wanted) == expected
    own = scan.decide(views, quotes, closes, rules, now)
    assert [intent.__reduce__()[1] for intent in own] == [astuple(intent) for intent in expected]


@settings(max_examples=200, deadline=None)
@given(cycles())
def test_scanner_arrays_and_own_types_decide_the_same(cycle: tuple[Any, ...]) -> None:
    rules, views, quotes, closes, now = cycle
    expected = plain_cycle(rules, views, quotes, closes, now)
    scenarios = [scan.Scenario(*(getattr(rule, field) for field in Rules.__dataclass_fields__)) for rule in rules]
    own_views = {name: scan.ScenarioView(*astuple(view)) for name, view in views.items()}
    buffers = {uic: array.array("d", values) for uic, values in closes.items()}
    assert scan.decide(own_views, quotes, buffers, scenarios, now, Wanted) == expected
    for these in (rules, scenarios):
        scanner = scan.Scanner(these, record=Wanted)
        for value in closes[21]:
            scanner.push_close(21, value)
        assert scanner.closes(21) == closes[21]
        assert scanner.decide(views, quotes, now) == expected


floats = st.floats(min_value=1e-3, max_value=1e6, allow_nan=False)


@settings(max_examples=300, deadline=None)
@given(st.lists(floats, min_size=1, max_size=40), st.integers(1, 20), st.integers(1, 20), st.integers(-5, 5))
def test_strategies_add_in_the_order_of_the_closes(closes: list[float], fast: int, more: int, position: int) -> None:
    cross = scan.SmaCross(fast, fast + more)
    assert cross.target(closes, position) == plain_sma(fast, fast + more, closes)
    fade = scan.ZScoreReversion(more + 1, 1.0, 0.5)
    expected = plain_zscore(more + 1, 1.0, 0.5, closes, position)
    assert fade.target(closes, position) == expected
    assert fade.target(array.array("d", closes), position) == expected
    assert fade.target(tuple(closes), position) == expected


@settings(max_examples=500, deadline=None)
@given(st.floats(1e-4, 1e5), st.sampled_from([1e-5, 5e-5, 0.25, 0.01, 1 / 64, 3.0]), st.sampled_from([0.0, 0.00013]))
def test_limits_are_rounded_as_python_rounds(bid: float, tick: float, offset: float) -> None:
    rules = Rules("s", 21, 1, Fixed(1), "limit", offset, tick, 1.0, 1, 1, 1, 1, 1, 1)
    [intent] = scan.decide({"s": View()}, {21: Quote(21, WEDNESDAY, bid, bid, "Open")}, {}, [rules], WEDNESDAY)
    expected = round(round((bid - offset) / tick) * tick, 5)
    assert struct.pack("<d", intent.limit_price) == struct.pack("<d", expected)
    steps = round((bid - offset) / tick) * tick
    assert Decimal(steps).quantize(Decimal("0.00001"), ROUND_HALF_EVEN) == Decimal(repr(intent.limit_price))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("step", [1, 2, -1])
def test_numpy_columns_are_read_in_their_order(dtype: str, step: int) -> None:
    numpy = pytest.importorskip("numpy")
    column = numpy.linspace(1.0, 2.0, 24).astype(dtype)[::step]
    expected = plain_zscore(6, 1.0, 0.5, [float(value) for value in column], 1)
    assert scan.ZScoreReversion(6, 1.0, 0.5).target(column, 1) == expected
