"""The paper broker from Python: fills at the first quote after the decision, without any venue."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from decimal import Decimal

import pytest
from exuvia.brokers import PaperBroker, PaperFill, PaperOrder, PlaceResult
from exuvia.errors import OrderError, ValueRangeError
from exuvia.orders import Ledger, Limits, OrderManager
from exuvia.scan import Intent
from hypothesis import given
from hypothesis import strategies as st


@dataclass
class Quote:
    """A quote as a bot has it."""

    ts: int
    bid: str | float | Decimal
    ask: str | float | Decimal
    uic: int = 21
    market_state: str = "Open"


def test_an_order_fills_at_the_first_quote_after_its_decision() -> None:
    broker = PaperBroker("100000")
    placed = broker.place_order(PaperOrder("LB-trend-000001", 21, "Sell", 10_000, decided=5))
    assert (placed.order_id, placed.error, placed.unknown) == ("P-000001", None, False)
    assert broker.working == ["P-000001"]
    assert broker.on_quote(Quote(5, "1.1", "1.2")) == []
    assert broker.on_quote(Quote(6, "9", "9", uic=22)) == []
    fills = broker.on_quote(Quote(7, "1.39286", "1.39298"))
    assert fills == [PaperFill("LB-trend-000001", "P-000001", 21, "Sell", 10_000, "1.39286", 7)]
    assert (broker.position(21), broker.working) == (Decimal(-10_000), [])
    broker.place_order(PaperOrder("b", 21, "Buy", 10_000, "Limit", Decimal("1.39"), decided=7))
    assert broker.on_quote(Quote(8, "1.389", "1.39001")) == []
    assert broker.on_quote(Quote(9, "1.389", "1.3899"))[0].price == Decimal("1.3899")
    assert broker.cash == Decimal("100029.6")


def test_results_are_values() -> None:
    fill = PaperFill("a", "P-000001", 21, "Buy", "1000.5", Decimal("1.39286"), 7)
    assert pickle.loads(pickle.dumps(fill)) == fill
    assert hash(fill) == hash(PaperFill("a", "P-000001", 21, "Buy", Decimal("1000.50"), "1.392860", 7))
    assert fill != PaperFill("a", "P-000001", 21, "Buy", "1000.5", Decimal("1.39287"), 7)
    assert (fill.amount, fill.side, fill.uic, fill.ts) == (Decimal("1000.5"), "Buy", 21, 7)
    assert eval(repr(fill)) == fill, "what it prints makes it again"  # noqa: S307 - its own text
    result = PlaceResult(None, "no", unknown=True)
    assert pickle.loads(pickle.dumps(result)) == result
    assert repr(result) == 'PlaceResult(order_id=None, error="no", unknown=True)'
    with pytest.raises(AttributeError):
        fill.price = Decimal(1)


def test_a_float_price_needs_a_tick_to_round_it_to() -> None:
    with pytest.raises(TypeError, match=r"1\.1 is a float.*tick"):
        PaperBroker().on_quote(Quote(1, 1.1, 1.2))
    broker = PaperBroker(tick="0.00001")
    broker.place_order(PaperOrder("a", 21, "Buy", 1_000))
    assert broker.on_quote(Quote(1, 1.39286, 1.1 + 0.29298))[0].price == Decimal("1.39298")
    with pytest.raises(ValueRangeError, match="not finite"):
        broker.on_quote(Quote(2, float("nan"), 1.2))
    with pytest.raises(ValueRangeError, match="tick"):
        PaperBroker(tick=0)


def test_what_cannot_be_is_refused_and_changes_nothing() -> None:
    broker = PaperBroker(1_000, leverage=30)
    broker.on_quote(Quote(1, "1.5", "1.5"))
    refused = broker.place_order(PaperOrder("a", 21, "Buy", 20_001))
    assert refused.order_id is None
    assert refused.error is not None
    assert "20001 needs more margin" in refused.error
    assert broker.place_order(PaperOrder("a", 21, "Buy", 0)).error is not None
    for order in (
        PaperOrder("a", 21, "buy", 1),
        PaperOrder("a", 21, "Buy", 1, "Limit"),
        PaperOrder("a", 21, "Buy", 1, "Stop"),
    ):
        with pytest.raises(OrderError):
            broker.place_order(order)
    with pytest.raises(OrderError, match=r"crossed: bid 1\.6 > ask 1\.5"):
        broker.on_quote(Quote(2, "1.6", "1.5"))
    assert broker.working == []
    assert broker.place_order(PaperOrder("a", 21, "Buy", 20_000)).order_id == "P-000001"
    assert PaperBroker(1, leverage=None).place_order(PaperOrder("a", 21, "Buy", 10**9)).order_id == "P-000001"


def test_a_closed_market_fills_nothing() -> None:
    broker = PaperBroker()
    broker.place_order(PaperOrder("a", 21, "Buy", 1_000))
    assert broker.on_quote(Quote(1, "1.1", "1.2", market_state="Closed")) == []
    assert "closed" in (broker.place_order(PaperOrder("b", 21, "Buy", 1_000)).error or "")
    assert [fill.client_id for fill in broker.on_quote(Quote(2, "1.1", "1.2"))] == ["a"]


def test_a_cancelled_order_is_gone() -> None:
    broker = PaperBroker()
    placed = broker.place_order(PaperOrder("a", 21, "Buy", 1_000))
    assert placed.order_id is not None
    assert broker.cancel_order(placed.order_id)
    assert not broker.cancel_order(placed.order_id)
    assert not broker.cancel_order("nonsense")
    assert broker.on_quote(Quote(1, "1.1", "1.2")) == []


def test_a_repeated_client_order_id_sends_nothing() -> None:
    broker = PaperBroker()
    assert broker.place_order(PaperOrder("a", 21, "Buy", 1_000)).order_id == "P-000001"
    for _ in ("while it works", "after it was filled"):
        repeated = broker.place_order(PaperOrder("a", 22, "Sell", 5, "Limit", "1.4"))
        assert (repeated.order_id, repeated.unknown) == (None, False)
        assert 'client id "a" is already that of order P-000001: nothing was sent' in (repeated.error or "")
        broker.on_quote(Quote(1, "1.1", "1.2"))
    assert (broker.working, broker.position(21), broker.position(22)) == ([], Decimal(1_000), Decimal(0))
    assert [activity["Status"] for activity in broker.activities()] == ["Placed", "FinalFill"]
    assert broker.place_order(PaperOrder("b", 21, "Buy", 0)).order_id is None
    assert broker.place_order(PaperOrder("b", 21, "Buy", 1)).order_id == "P-000002"


def test_a_late_quote_changes_nothing_and_is_counted() -> None:
    broker = PaperBroker()
    broker.on_quote(Quote(10, "1.1", "1.2"))
    broker.place_order(PaperOrder("a", 21, "Buy", 1_000, decided=5))
    assert broker.on_quote(Quote(9, "1.0", "1.05")) == []
    assert broker.on_quote(Quote(8, "1.0", "1.05", market_state="Closed")) == []
    assert (broker.late, broker.working) == (2, ["P-000001"])
    # Each instrument has its own time.
    assert broker.on_quote(Quote(1, "5", "6", uic=22)) == []
    assert [fill.price for fill in broker.on_quote(Quote(10, "1.15", "1.25"))] == [Decimal("1.25")]
    assert broker.late == 2


def test_a_crossed_quote_does_not_close_the_market() -> None:
    broker = PaperBroker()
    with pytest.raises(OrderError, match="crossed"):
        broker.on_quote(Quote(1, "1.6", "1.5", market_state="Closed"))
    assert broker.place_order(PaperOrder("a", 21, "Buy", 1)).error is None


def test_an_order_of_an_unseen_instrument_waits_for_its_first_quote() -> None:
    broker = PaperBroker()
    assert broker.position(4_711) == 0
    broker.place_order(PaperOrder("a", 4_711, "Buy", 1))
    assert broker.on_quote(Quote(1, "1.1", "1.2")) == []
    assert [fill.uic for fill in broker.on_quote(Quote(1, "2", "3", uic=4_711))] == [4_711]


@pytest.mark.parametrize(("bid", "ask"), [("-1", "1"), ("0", "0"), ("0", "1"), ("-2", "-1")])
def test_nothing_trades_at_or_below_zero_unless_it_was_said_that_it_may(bid: str, ask: str) -> None:
    broker = PaperBroker()
    broker.place_order(PaperOrder("a", 21, "Sell", 1_000, decided=5))
    with pytest.raises(OrderError, match=rf"has bid {bid} and ask {ask}: prices must be positive.*negative_prices"):
        broker.on_quote(Quote(6, bid, ask))
    refused = broker.place_order(PaperOrder("b", 21, "Buy", 1_000, "Limit", "-1", decided=5))
    assert "limit -1 must be positive" in str(refused.error)
    assert broker.working == ["P-000001"]
    spreads = PaperBroker(negative_prices=True)
    spreads.place_order(PaperOrder("a", 21, "Sell", 1_000, decided=5))
    assert spreads.on_quote(Quote(6, bid, ask))[0].price == Decimal(bid)


def test_an_order_that_the_cash_cannot_book_takes_no_other_fill_with_it() -> None:
    broker = PaperBroker("170141183460469231731687303714", leverage=None)
    broker.place_order(PaperOrder("a", 21, "Buy", 9_000_000_000, decided=1))
    broker.on_quote(Quote(2, "1", "1"))
    broker.place_order(PaperOrder("b", 21, "Sell", 9_000_000_000, decided=2))
    broker.place_order(PaperOrder("c", 21, "Buy", 1_000, decided=2))
    broker.activities()
    assert [fill.client_id for fill in broker.on_quote(Quote(3, "1000000000", "1000000000"))] == ["c"]
    told = {told["ExternalReference"]: told["Status"] for told in broker.activities()}
    assert (told, broker.working) == ({"c": "FinalFill", "b": "Cancelled"}, [])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Uic": 22}, "says Uic 22, but the order is 21"),
        ({"BuySell": "Sell"}, "says BuySell Sell, but the order is Buy"),
    ],
)
def test_an_activity_of_another_instrument_or_side_is_not_booked(change: dict[str, object], said: str) -> None:
    broker = PaperBroker(tick="0.00001")
    manager = OrderManager(broker, Limits(max_amount=100_000, max_position=200_000, duplicate_window_s=60))
    order = manager.submit(Intent("place", "trend", 21, "Buy", 10_000, "Market", None, 5, "entry"))
    broker.on_quote(Quote(6, 1.39286, 1.39298))
    placed, filled = broker.activities()
    manager.on_activity(placed)
    with pytest.raises(OrderError, match=said):
        manager.on_activity(filled | change)
    assert manager.find(order.client_id).status == "working"
    assert manager.on_activity(filled).amount == 10_000, "the true one is still booked"


def test_the_order_manager_works_over_the_paper_broker() -> None:
    broker = PaperBroker(tick="0.00001")
    limits = Limits(max_amount=100_000, max_position=200_000, duplicate_window_s=60)
    manager, ledger = OrderManager(broker, limits), Ledger("100000.00")
    order = manager.submit(Intent("place", "trend", 21, "Buy", 10_000, "Market", None, 5, "entry"))
    limit = manager.submit(Intent("place", "fade", 21, "Sell", 10_000, "Limit", 1.5, 5, "entry"))
    refused = manager.submit(Intent("place", "big", 22, "Buy", 100_001, "Market", None, 5, "entry"))
    assert (order.order_id, limit.order_id, refused.status) == ("P-000001", "P-000002", "rejected")
    broker.on_quote(Quote(6, 1.39286, 1.39298))
    manager.cancel("fade", 7)
    fills = [fill for fill in map(manager.on_activity, broker.activities()) if fill]
    assert [(fill.client_id, fill.price, fill.ts) for fill in fills] == [(order.client_id, Decimal("1.39298"), 6)]
    assert {manager.find(name).status for name in (order.client_id,)} == {"filled"}
    assert manager.find(limit.client_id).status == "cancelled"
    assert broker.activities() == []
    ledger.on_fill(fills[0], "entry")
    manager.submit(Intent("place", "trend", 21, "Sell", 10_000, "Market", None, 8, "take"))
    broker.on_quote(Quote(9, 1.39398, 1.39410))
    [trade] = [ledger.on_fill(fill, "take") for fill in map(manager.on_activity, broker.activities()) if fill]
    assert trade.pnl == Decimal("10.00")
    assert broker.cash == Decimal(1_000_010)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 50_000), st.integers(1_00000, 2_00000)), max_size=40))
def test_cash_and_position_are_the_exact_sums_of_the_fills(trades: list[tuple[bool, int, int]]) -> None:
    broker = PaperBroker(leverage=None)
    paid, held = Decimal(0), 0
    for ts, (buy, amount, points) in enumerate(trades, 1):
        broker.place_order(PaperOrder(f"o{ts}", 21, "Buy" if buy else "Sell", amount, decided=ts - 1))
        price = Decimal(points).scaleb(-5)
        [fill] = broker.on_quote(Quote(ts, price, price))
        signed = amount if buy else -amount
        held += signed
        paid += signed * fill.price
    assert broker.position(21) == held
    if held:
        broker.place_order(PaperOrder("flat", 21, "Sell" if held > 0 else "Buy", abs(held), decided=len(trades)))
        broker.on_quote(Quote(len(trades) + 1, "1.5", "1.5"))
        paid -= held * Decimal("1.5")
    assert broker.cash == 1_000_000 - paid


def test_a_fill_names_both_ids_of_its_order() -> None:
    fill = PaperFill("LB-a-000001", "P-000007", 21, "Buy", 1_000, "1.39286", 7)
    assert (fill.client_id, fill.order_id) == ("LB-a-000001", "P-000007")


def test_without_leverage_margin_is_not_checked_and_a_leverage_of_none_at_all_is_refused() -> None:
    order = PaperOrder("a", 21, "Buy", 1_000_000, "Limit", Decimal("1.39"), decided=1)
    assert PaperBroker("1").place_order(order).order_id is None
    assert PaperBroker("1", leverage=None).place_order(order).order_id == "P-000001"
    for leverage in (0, -1, 2**32):
        with pytest.raises(ValueRangeError, match=f"leverage {leverage} must be 1 to 4294967295, or None"):
            PaperBroker("1", leverage=leverage)


def test_a_broker_says_its_cash_and_how_many_orders_work() -> None:
    broker = PaperBroker("100000.50")
    broker.place_order(PaperOrder("a", 21, "Buy", 1_000, "Limit", Decimal("1.2"), decided=1))
    assert repr(broker) == "<PaperBroker cash 100000.5, 1 working>"
