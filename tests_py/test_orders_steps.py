"""Single steps of orders: checks that fail, brokers that raise, cancels, values that are refused."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from exuvia.errors import OrderError, ValueRangeError
from exuvia.orders import Fill, Order, OrderManager
from exuvia.scan import Intent
from test_orders_manager import LIMITS, NOW_NS, UNKNOWN, S, Scripted, accepted, activity, executed, intent, refused


def test_a_failed_check_says_which_value_and_which_limit_and_sends_nothing() -> None:
    broker = Scripted([accepted(), accepted()])
    manager = OrderManager(broker, LIMITS)
    assert manager.submit(intent(6)).note == "size: 6 > 5"
    manager.submit(intent(5))
    assert manager.submit(intent(2)).note == "position: 7 > 6"
    assert manager.submit(intent(5, reason="stop", decided=10 * S - 1)).note == "duplicate: LB-trend-000002"
    assert manager.submit(intent(5, reason="stop", decided=20 * S - 1)).status == "working"
    assert [client_id for client_id, _, _ in broker.sent] == ["LB-trend-000002", "LB-trend-000005"]
    assert {order.status for order in manager.terminal.values()} == {"rejected"}


def test_a_rejected_order_is_a_duplicate_within_the_window_and_a_filled_one_is_not() -> None:
    manager = OrderManager(Scripted([refused("NoTrade"), accepted(), accepted()]), LIMITS)
    assert manager.submit(intent()).note == "NoTrade"
    assert manager.submit(intent(decided=S)).note == "duplicate: LB-trend-000001"
    manager.submit(intent(2))
    manager.on_activity(executed("LB-trend-000003", 1, 2))
    assert manager.submit(intent(2)).status == "working"


def test_a_broker_that_raises_leaves_the_order_unknown_and_the_exception_goes_on() -> None:
    broker = Scripted([TimeoutError("no answer"), accepted()])
    manager = OrderManager(broker, LIMITS)
    with pytest.raises(TimeoutError, match="no answer"):
        manager.submit(intent())
    [order] = manager.pending.values()
    assert (order.status, order.order_id, order.note) == ("unknown", None, "TimeoutError: no answer")
    assert manager.submit(intent(decided=S)).note == "duplicate: LB-trend-000001"
    fill = manager.on_activity(executed("LB-trend-000001", 1, 1))
    assert fill is not None and manager.find("LB-trend-000001").status == "filled"


def test_an_answer_that_is_none_leaves_the_order_unknown() -> None:
    manager = OrderManager(Scripted([SimpleNamespace(nothing=True)]), LIMITS)
    with pytest.raises(AttributeError):
        manager.submit(intent())
    assert [order.status for order in manager.pending.values()] == ["unknown"]


def test_a_broker_may_come_back_to_the_manager_while_it_places() -> None:
    class Eager(Scripted):
        def place_order(self, order: Any) -> Any:
            assert list(manager.pending) == [order.client_id]
            manager.on_activity(executed(order.client_id, 1, order.amount))
            return accepted("7009")

    manager = OrderManager(Eager(), LIMITS)
    order = manager.submit(intent(3))
    assert (order.status, order.filled, list(manager.terminal)) == ("filled", 3, [order.client_id])


def test_a_cancel_that_fails_is_unknown_and_not_refused() -> None:
    class Broken(Scripted):
        def cancel_order(self, order_id: str) -> bool:
            raise ConnectionError(order_id)

    manager = OrderManager(Broken([accepted()]), LIMITS)
    manager.submit(intent())
    with pytest.raises(ConnectionError):
        manager.cancel("trend", 0)
    assert manager.find("LB-trend-000001").status == "pending_cancel"
    assert manager.cancel("trend", 0) is None


def test_a_rejected_cancel_lets_the_order_work_on() -> None:
    manager = OrderManager(Scripted([accepted()]), LIMITS)
    manager.submit(intent())
    manager.cancel("trend", 0)
    manager.on_activity(activity("LB-trend-000001", 1, "Cancelled", SubStatus="Rejected"))
    assert [order.status for order in manager.active.values()] == ["working"]


def test_a_venue_that_rejects_later_is_believed() -> None:
    manager = OrderManager(Scripted([UNKNOWN]), LIMITS)
    manager.submit(intent())
    manager.on_activity(activity("LB-trend-000001", 1, "Placed", SubStatus="Rejected"))
    [order] = manager.terminal.values()
    assert (order.status, order.note) == ("rejected", "rejected by the venue")


@dataclass
class Kept:
    """An order class of the bot's own, that can be changed."""

    client_id: str
    scenario: str
    uic: int
    side: str
    amount: int
    order_type: str
    limit_price: float | None
    decided: int
    reason: str
    status: str
    order_id: str | None = None
    placed: int | None = None
    filled: int = 0
    note: str = ""


def test_a_refused_repeat_does_not_extend_the_window() -> None:
    manager = OrderManager(Scripted([accepted(), accepted()]), LIMITS)
    manager.submit(intent())
    assert manager.submit(intent(decided=9 * S)).note == "duplicate: LB-trend-000001"
    assert manager.submit(intent(decided=10 * S)).status == "working"


def test_an_order_of_the_bots_own_class_is_one_object_for_its_life() -> None:
    manager = OrderManager(Scripted([accepted()]), LIMITS, "X", record=Kept, fill_record=lambda *values: values)
    order = manager.submit(intent(2, order_type="Limit", limit_price=1.39284))
    assert order == Kept("X-trend-000001", "trend", 21, "Buy", 2, "Limit", 1.39284, 0, "entry", "working", "7001", 0)
    assert manager.on_activity(executed("X-trend-000001", 1, 2)) == (
        "X-trend-000001",
        "trend",
        21,
        "Buy",
        2,
        Decimal("1.39298"),
        NOW_NS,
    )
    assert manager.terminal["X-trend-000001"] is order
    assert (order.status, order.filled) == ("filled", 2)


def test_snapshots_do_not_change_and_the_views_cannot_be_changed() -> None:
    manager = OrderManager(Scripted([accepted()]), LIMITS)
    before = manager.submit(intent())
    manager.on_activity(executed("LB-trend-000001", 1, 1))
    assert (before.status, manager.find("LB-trend-000001").status) == ("working", "filled")
    with pytest.raises(TypeError):
        manager.terminal["x"] = before


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"amount": 0}, OrderError, 'scenario "trend" has amount 0'),
        ({"amount": -5}, OrderError, 'scenario "trend" has amount -5'),
        ({"amount": 10**10}, ValueRangeError, "10000000000 is out of range"),
        ({"action": "cancel"}, OrderError, r'action "cancel": only "place" is submitted'),
        ({"order_type": "Limit"}, OrderError, "Limit order with limit price none"),
        ({"order_type": "Limit", "limit_price": -1.0}, OrderError, "Limit order with limit price -1"),
        (
            {"order_type": "Limit", "limit_price": 0.1 + 0.2},
            ValueRangeError,
            "0.30000000000000004.*more than 9 decimals",
        ),
        ({"order_type": "Limit", "limit_price": float("nan")}, ValueRangeError, "limit_price: .*NaN"),
        ({"limit_price": 1.0}, OrderError, "Market order with limit price 1"),
    ],
)
def test_an_intent_that_is_no_order_is_refused_and_uses_no_id(changes: Any, error: Any, message: str) -> None:
    manager = OrderManager(Scripted(), LIMITS)
    with pytest.raises(error, match=message):
        manager.submit(intent(**changes))
    assert (manager.counter, manager.orders()) == (0, [])


def test_unknown_words_of_an_intent_name_what_is_known() -> None:
    values = {name: getattr(intent(), name) for name in Intent.__match_args__}
    for name, message in [("side", 'side "up" is unknown'), ("order_type", 'order type "up" is unknown')]:
        with pytest.raises(ValueRangeError, match=message):
            OrderManager(Scripted(), LIMITS).submit(SimpleNamespace(**{**values, name: "up"}))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"Status": "Sideways"}, OrderError, r'"9" of order LB-trend-000001: activity status "Sideways" is unknown'),
        ({"SubStatus": "Maybe"}, OrderError, r'activity sub-status "Maybe" is unknown'),
        ({"FillAmount": None}, OrderError, r"status FinalFill but no FillAmount"),
        ({"ExecutionPrice": None}, OrderError, r"status FinalFill but no ExecutionPrice"),
        ({"ActivityTime": None}, OrderError, r"status FinalFill but no ActivityTime"),
        ({"ActivityTime": "yesterday"}, ValueRangeError, r'"yesterday" is not an ISO-8601'),
        ({"FillAmount": Decimal("1.5")}, ValueRangeError, r"FillAmount 1\.5 is not a whole number"),
        ({"FillAmount": 0}, OrderError, r"a fill of 0 is not positive"),
        ({"FillAmount": 6}, OrderError, r"fill of 6 after 0 is more than its 5"),
        ({"ExecutionPrice": Decimal("-1")}, OrderError, r"executed at -1: a price must be positive"),
        ({"ExecutionPrice": Decimal("NaN")}, ValueRangeError, r'"NaN" is not a decimal number'),
    ],
)
def test_an_activity_that_cannot_be_changes_nothing_and_may_come_again(changes: Any, error: Any, message: str) -> None:
    manager = OrderManager(Scripted([accepted()]), LIMITS)
    before = manager.submit(intent(5))
    good = executed("LB-trend-000001", 9, 5)
    with pytest.raises(error, match=message):
        manager.on_activity({**good, **changes})
    assert manager.find("LB-trend-000001") == before
    fill = manager.on_activity(good)
    assert fill == Fill("LB-trend-000001", "trend", 21, "Buy", 5, Decimal("1.39298"), NOW_NS)
    assert manager.ignored == 0


def test_values_are_compared_hashed_pickled_and_frozen() -> None:
    order = Order("LB-a-000001", "a", 21, "Buy", 5, "Limit", 1.5, 7, "entry", "working", "7001", 7, 2, "x")
    for value in (order, LIMITS, Fill("LB-a-000001", "a", 21, "Sell", 5, "1.50", 7)):
        twin = pickle.loads(pickle.dumps(value))
        assert twin == value and hash(twin) == hash(value) and repr(twin) == repr(value)
        with pytest.raises(AttributeError):
            setattr(value, type(value).__match_args__[0], None)
    with pytest.raises(ValueRangeError, match='order status "sent" is unknown'):
        Order("LB-a-000001", "a", 21, "Buy", 5, "Limit", 1.5, 7, "entry", "sent")


def test_money_as_a_float_is_a_type_error() -> None:
    with pytest.raises(TypeError, match=r"price 1\.5 is a float: pass a Decimal, a str or an int"):
        Fill("LB-a-000001", "a", 21, "Sell", 5, 1.5, 7)
