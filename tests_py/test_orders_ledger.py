"""The ledger is `decimal` to the letter: same values, same text."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from exuvia.errors import OrderError, ValueRangeError
from exuvia.orders import Account, ClosedTrade, Fill, Ledger
from hypothesis import given, settings
from hypothesis import strategies as st

CENT, PIPETTE = Decimal("0.01"), Decimal("0.00001")


@dataclass
class PlainLedger:
    """One scenario's ledger, read plainly from its rules."""

    start: Decimal
    position: int = 0
    cost: Decimal = Decimal("0.00000")
    realised: Decimal = Decimal("0.00")
    trades: int = 0
    opened: int = 0
    bought: Decimal = Decimal("0.00000")
    sold: Decimal = Decimal("0.00000")
    entry_ts: int | None = None
    last_exit: int | None = None

    def fill(self, side: str, amount: int, price: Decimal, ts: int) -> tuple[Any, ...] | None:
        change = amount if side == "Buy" else -amount
        closing = self.position * change < 0
        if closing and amount > abs(self.position):
            raise OverflowError
        if self.position == 0:
            self.entry_ts = ts
        self.position += change
        self.cost = self.cost + price * change
        if not closing:
            self.opened, self.bought = self.opened + amount, self.bought + price * amount
            return None
        self.sold = self.sold + price * amount
        if self.position:
            return None
        pnl = (-self.cost).quantize(CENT, ROUND_HALF_EVEN)
        trade = (
            "trend",
            21,
            "Sell" if side == "Buy" else "Buy",
            self.opened,
            self.entry_ts,
            self.average(self.bought),
            ts,
            self.average(self.sold),
            pnl,
            "signal",
        )
        fresh = PlainLedger(self.start, realised=self.realised + pnl, trades=self.trades + 1, last_exit=ts)
        self.__dict__.update(fresh.__dict__)
        return trade

    def average(self, notional: Decimal) -> Decimal:
        return (notional / self.opened).quantize(PIPETTE, ROUND_HALF_EVEN)

    def equity(self, bid: float, ask: float) -> Decimal:
        value = self.start + self.realised
        if self.position:
            value += self.position * Decimal(str(bid if self.position > 0 else ask)) - self.cost
        return value.quantize(CENT, ROUND_HALF_EVEN)


def text(value: Any) -> Any:
    """Decimals with their text, so that 1.0 and 1.00 differ."""
    if isinstance(value, tuple | list):
        return [text(item) for item in value]
    return str(value) if isinstance(value, Decimal) else value


prices = st.one_of(
    st.integers(1, 3_000_000).map(lambda units: Decimal(units).scaleb(-5)),
    st.decimals(min_value="0.000000001", max_value="9000000", places=9),
    st.sampled_from([Decimal("1.3"), Decimal("1"), Decimal("1E-7"), Decimal("1.39286")]),
)
amounts = st.sampled_from([1, 3, 7, 1000, 100_000, 1_000_000, 123_457])
fills = st.tuples(st.sampled_from(["Buy", "Sell", "close", "close"]), amounts, prices)
floats = st.one_of(st.floats(1e-6, 1e7), st.integers(1, 300_000).map(lambda units: units / 100_000))


@settings(max_examples=200, deadline=None)
@given(st.lists(fills, max_size=20), floats, floats, st.sampled_from(["100000.00", "0", "-5.5", "12345.678"]))
def test_any_history_of_fills_books_what_decimal_books(
    history: list[tuple[str, int, Decimal]], bid: float, ask: float, start: str
) -> None:
    ledger, plain, quote = Ledger(start), PlainLedger(Decimal(start)), SimpleNamespace(bid=bid, ask=ask)
    for ts, (wanted, units, price) in enumerate(history):
        side, amount = wanted, units
        if wanted == "close":
            side, amount = ("Sell" if plain.position > 0 else "Buy"), (abs(plain.position) or units)
        fill = Fill("LB-trend-000001", "trend", 21, side, amount, price, ts)
        try:
            expected = plain.fill(side, amount, price, ts)
        except OverflowError:
            with pytest.raises(OrderError, match="exceeds the position of"):
                ledger.on_fill(fill, "signal")
            continue
        trade = ledger.on_fill(fill, "signal")
        assert text(trade.__reduce__()[1] if trade else None) == text(list(expected) if expected else None)
        assert str(ledger.equity("trend", quote)) == str(plain.equity(bid, ask))
        account = ledger.account("trend")
        assert account.as_state() == {
            "position": plain.position,
            "cost": str(plain.cost),
            "realised": str(plain.realised),
            "entry_ts": plain.entry_ts,
            "entry_price": str(plain.average(plain.bought)) if plain.opened else None,
            "last_exit_ts": plain.last_exit,
            "closed_trades": plain.trades,
        }
        assert text((account.opened, account.opened_notional, account.closed_notional)) == text(
            (plain.opened, plain.bought, plain.sold)
        )
    assert str(ledger.equity("trend", None)) == str((plain.start + plain.realised).quantize(CENT))


def fill(side: str, amount: int, price: Any, ts: int = 0) -> Any:
    return SimpleNamespace(client_id="LB-a-000001", scenario="a", uic=21, side=side, amount=amount, price=price, ts=ts)


def test_a_trade_is_built_as_the_record_that_the_bot_uses() -> None:
    ledger = Ledger(record=lambda *values: values)
    assert ledger.on_fill(fill("Sell", 3, Decimal("1.5"), 1), "entry") is None
    trade = ledger.on_fill(fill("Buy", 3, "1.25", 2), "take")
    assert trade == ("a", 21, "Sell", 3, 1, Decimal("1.5"), 2, Decimal("1.25"), Decimal("0.75"), "take")
    assert str(ledger.account("a").realised) == "0.75"


def test_scenarios_are_kept_apart_and_one_that_has_not_traded_is_empty() -> None:
    ledger = Ledger()
    ledger.on_fill(fill("Buy", 3, 1), "entry")
    assert (ledger.account("a").position, ledger.account("b").position) == (3, 0)
    assert str(ledger.account("b").cost) == "0.00000"
    assert ledger.account("b").entry_price is None
    assert str(ledger.equity("b", None)) == "100000.00"


def test_money_as_a_float_is_a_type_error() -> None:
    with pytest.raises(TypeError, match=r"start_equity 1000.0 is a float"):
        Ledger(1000.0)
    with pytest.raises(TypeError, match=r"price 1.5 is a float"):
        Ledger().on_fill(fill("Buy", 1, 1.5), "entry")
    with pytest.raises(TypeError, match="price True is a bool"):
        Ledger().on_fill(fill("Buy", 1, True), "entry")


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (fill("Buy", 0, "1.5"), OrderError, "fill of 0 by LB-a-000001 is not positive"),
        (fill("Buy", -1, "1.5"), OrderError, "fill of -1 by LB-a-000001 is not positive"),
        (fill("Up", 1, "1.5"), ValueRangeError, 'side "Up" is unknown'),
        (fill("Buy", 1, "one"), ValueRangeError, '"one" is not a decimal number'),
        (fill("Buy", 1, Decimal("Infinity")), ValueRangeError, '"Infinity" is not a decimal number'),
        (fill("Buy", 7_000_000_001, "1" + "0" * 30 + ".5"), ValueRangeError, "more than 38 significant digits"),
    ],
)
def test_a_fill_that_cannot_be_books_nothing(bad: Any, error: Any, message: str) -> None:
    ledger = Ledger()
    with pytest.raises(error, match=message):
        ledger.on_fill(bad, "entry")
    assert ledger.account("a") == ledger.account("b")


def test_a_quote_that_is_nan_is_refused() -> None:
    ledger = Ledger()
    ledger.on_fill(fill("Buy", 3, 1), "entry")
    with pytest.raises(ValueRangeError, match="NaN"):
        ledger.equity("a", SimpleNamespace(bid=float("nan"), ask=1.0))


def test_values_are_compared_hashed_and_pickled() -> None:
    trade = ClosedTrade("a", 21, "Buy", 5, 1, "1.50000", 2, "1.60000", "0.50", "take")
    account = Account(5, "7.50", "0.00", 0, 1, None, 5, "7.50", "0.00000")
    for value in (trade, account):
        twin = pickle.loads(pickle.dumps(value))
        assert twin == value and hash(twin) == hash(value) and repr(twin) == repr(value)
    assert account.entry_price == Decimal("1.50000")


def test_a_closed_trade_gives_its_numbers_back_to_the_last_digit() -> None:
    trade = ClosedTrade("a", 21, "Sell", 5, 1, "1.50000", 2, "1.60000", "-0.50", "stop")
    assert (trade.side, trade.reason) == ("Sell", "stop")
    shown = [str(value) for value in (trade.entry_price, trade.exit_price, trade.pnl)]
    assert shown == ["1.50000", "1.60000", "-0.50"]
    assert all(isinstance(value, Decimal) for value in (trade.entry_price, trade.exit_price, trade.pnl))
