from decimal import Decimal

import pytest
from legacy_bot.ledger import Ledger
from legacy_bot.model import ClosedTrade, Fill, Quote

QUOTE = Quote(21, 9, 1.39286, 1.39298, "Open")


def fill(side: str, amount: int, price: str, ts: int = 1) -> Fill:
    return Fill("LB-s-000001", "s", 21, side, amount, Decimal(price), ts)


def test_a_round_trip_gives_its_trade_in_exact_decimals() -> None:
    ledger = Ledger()
    assert ledger.on_fill(fill("Buy", 100_000, "1.39286", 5), "entry") is None
    trade = ledger.on_fill(fill("Sell", 100_000, "1.3930", 8), "take")
    assert trade == ClosedTrade(
        "s", 21, "Buy", 100_000, 5, Decimal("1.39286"), 8, Decimal("1.39300"), Decimal("14.00"), "take"
    )
    assert (str(trade.exit_price), str(trade.pnl)) == ("1.39300", "14.00")
    assert str(ledger.equity("s", None)) == "100014.00"


def test_several_fills_of_a_short_are_averaged() -> None:
    ledger = Ledger("50.00")
    ledger.on_fill(fill("Sell", 1, "1.00001", 1), "entry")
    ledger.on_fill(fill("Sell", 2, "1.00002", 2), "entry")
    assert str(ledger.account("s").entry_price) == "1.00002"
    assert ledger.on_fill(fill("Buy", 1, "0.5", 3), "stop") is None
    trade = ledger.on_fill(fill("Buy", 2, "2", 4), "stop")
    assert trade is not None
    assert (trade.side, trade.amount, trade.entry_ts, trade.exit_ts) == ("Sell", 3, 1, 4)
    assert (trade.entry_price, trade.exit_price) == (Decimal("1.00002"), Decimal("1.50000"))
    assert trade.pnl == Decimal("-1.50")


@pytest.mark.parametrize(("price", "pnl"), [("1.005", "0.00"), ("1.015", "0.02"), ("1.025", "0.02")])
def test_half_cents_go_to_the_even_cent(price: str, pnl: str) -> None:
    ledger = Ledger()
    ledger.on_fill(fill("Buy", 1, "1"), "entry")
    trade = ledger.on_fill(fill("Sell", 1, price), "take")
    assert trade is not None
    assert str(trade.pnl) == pnl


def test_equity_marks_a_long_at_the_bid_and_a_short_at_the_ask() -> None:
    ledger = Ledger()
    ledger.on_fill(fill("Buy", 100_000, "1.39298"), "entry")
    assert str(ledger.equity("s", QUOTE)) == "99988.00"
    ledger = Ledger()
    ledger.on_fill(fill("Sell", 100_000, "1.39286"), "entry")
    assert str(ledger.equity("s", QUOTE)) == "99988.00"
    assert str(ledger.equity("other", QUOTE)) == "100000.00"


def test_the_state_of_an_account_keeps_its_places() -> None:
    ledger = Ledger()
    empty = ledger.account("s").as_state()
    assert (empty["cost"], empty["realised"], empty["entry_price"]) == ("0.00000", "0.00", None)
    ledger.on_fill(fill("Sell", 100_000, "1.3929", 7), "entry")
    assert ledger.account("s").as_state() == {
        "position": -100_000,
        "cost": "-139290.00000",
        "realised": "0.00",
        "entry_ts": 7,
        "entry_price": "1.39290",
        "last_exit_ts": None,
        "closed_trades": 0,
    }


def test_a_fill_that_would_turn_the_position_is_refused_and_changes_nothing() -> None:
    ledger = Ledger()
    ledger.on_fill(fill("Buy", 100, "1.5"), "entry")
    with pytest.raises(ValueError, match="exceeds the position of 100"):
        ledger.on_fill(fill("Sell", 101, "1.5"), "stop")
    assert ledger.account("s").position == 100
