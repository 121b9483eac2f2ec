"""The order manager does what a plain reading of its rules does, and refuses what cannot be."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from exuvia.errors import OrderError, ValueRangeError
from exuvia.orders import Fill, Limits, Order, OrderManager
from exuvia.scan import Intent
from hypothesis import given, settings
from hypothesis import strategies as st

S = 1_000_000_000
LIMITS = Limits(max_amount=5, max_position=6, duplicate_window_s=10)
NOW = "2014-05-07T00:00:08.200000Z"
NOW_NS = 1_399_420_808_200_000_000


@dataclass
class Scripted:
    """A broker that answers as it is told."""

    answers: list[Any] = field(default_factory=list)
    takes_cancels: bool = True
    sent: list[Any] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    def place_order(self, order: Any) -> Any:
        self.sent.append((order.client_id, order.status, order.amount))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def cancel_order(self, order_id: str) -> bool:
        self.cancelled.append(order_id)
        return self.takes_cancels


def accepted(order_id: str = "7001") -> Any:
    return SimpleNamespace(order_id=order_id, error=None, unknown=False)


def refused(text: str | None) -> Any:
    return SimpleNamespace(order_id=None, error=text, unknown=False)


UNKNOWN = SimpleNamespace(order_id=None, error="timed out", unknown=True)


def intent(amount: int = 1, **changes: Any) -> Intent:
    values = {
        "action": "place",
        "scenario": "trend",
        "uic": 21,
        "side": "Buy",
        "amount": amount,
        "order_type": "Market",
        "limit_price": None,
        "decided": 0,
        "reason": "entry",
    }
    return Intent(**{**values, **changes})


def activity(client_id: str, sequence: int, status: str, **changes: Any) -> dict[str, Any]:
    return {
        "ActivityType": "Orders",
        "ExternalReference": client_id,
        "SequenceId": str(sequence),
        "OrderId": "7001",
        "Status": status,
        "SubStatus": "Confirmed",
        "ActivityTime": NOW,
        **changes,
    }


def executed(client_id: str, sequence: int, amount: int, status: str = "FinalFill", price: Any = "1.39298") -> Any:
    return activity(client_id, sequence, status, FillAmount=amount, ExecutionPrice=Decimal(price))


# ---- the rules, read plainly: the model that knows nothing of the Rust code ----


@dataclass
class PlainOrder:
    client_id: str
    intent: Intent
    status: str = "pending"
    order_id: str | None = None
    placed: int | None = None
    filled: int = 0
    note: str = ""

    def sign(self) -> int:
        return 1 if self.intent.side == "Buy" else -1

    def row(self) -> tuple[Any, ...]:
        of = self.intent
        return (
            self.client_id,
            of.scenario,
            of.uic,
            of.side,
            of.amount,
            of.order_type,
            of.limit_price,
            of.decided,
            of.reason,
            self.status,
            self.order_id,
            self.placed,
            self.filled,
            self.note,
        )


ENDS = ("filled", "cancelled", "rejected", "expired")


class PlainManager:
    def __init__(self) -> None:
        self.everything: list[PlainOrder] = []
        self.filed: list[tuple[str, PlainOrder]] = []
        self.seen: set[str] = set()
        self.ignored = 0
        self.positions: dict[str, int] = {}

    def view(self, name: str) -> list[PlainOrder]:
        return [order for shelf, order in self.filed if shelf == name]

    def file(self, order: PlainOrder) -> None:
        name = "terminal" if order.status in ENDS else "pending" if order.status in ("pending", "unknown") else "active"
        if (name, order) not in [(shelf, other) for shelf, other in self.filed if other is order]:
            self.filed = [(shelf, other) for shelf, other in self.filed if other is not order]
            self.filed.append((name, order))

    def live(self, scenario: str) -> list[PlainOrder]:
        return [o for o in self.view("pending") + self.view("active") if o.intent.scenario == scenario]

    def check(self, order: PlainOrder) -> str | None:
        of = order.intent
        if of.amount > LIMITS.max_amount:
            return f"size: {of.amount} > {LIMITS.max_amount}"
        if of.reason == "entry":
            total = self.positions.get(of.scenario, 0) + order.sign() * of.amount
            total += sum(other.sign() * (other.intent.amount - other.filled) for other in self.live(of.scenario))
            if abs(total) > LIMITS.max_position:
                return f"position: {abs(total)} > {LIMITS.max_position}"
        for earlier in self.everything:
            them = earlier.intent
            same = (them.scenario, them.uic, them.side, them.order_type, them.amount) == (
                of.scenario,
                of.uic,
                of.side,
                of.order_type,
                of.amount,
            )
            recent = of.decided - them.decided < LIMITS.duplicate_window_s * S
            counts = earlier.status not in ENDS or earlier.status == "rejected"
            if same and recent and counts and not earlier.note.startswith("duplicate"):
                return f"duplicate: {earlier.client_id}"
        return None

    def submit(self, of: Intent, answer: Any) -> PlainOrder:
        order = PlainOrder(f"LB-{of.scenario}-{len(self.everything) + 1:06d}", of)
        problem = self.check(order)
        self.everything.append(order)
        if problem is not None:
            order.status, order.note = "rejected", problem
        elif answer.unknown:
            order.status, order.note = "unknown", answer.error
        elif answer.order_id is not None:
            order.status, order.order_id, order.placed = "working", answer.order_id, of.decided
        else:
            order.status, order.note = "rejected", answer.error or "no order id"
        self.file(order)
        return order

    def cancel(self, scenario: str, taken: bool) -> PlainOrder | None:
        for order in self.live(scenario)[:1]:
            if order.order_id is not None and order.status != "pending_cancel":
                order.status = "pending_cancel" if taken else order.status
                return order
        return None

    def on_activity(self, what: dict[str, Any]) -> tuple[Any, ...] | None:
        found = [o for _, o in self.filed if o.client_id == what["ExternalReference"] and o.status not in ENDS]
        if not found or what["SequenceId"] in self.seen:
            self.ignored += 1
            return None
        order, status = found[0], what["Status"]
        if status in ("Fill", "FinalFill") and order.filled + what["FillAmount"] > order.intent.amount:
            raise OverflowError
        self.seen.add(what["SequenceId"])
        if what["SubStatus"] == "Requested" and "Fill" not in status:
            return None
        waiting = order.status in ("pending", "unknown")
        if waiting and status in ("Placed", "Fill", "FinalFill"):
            order.status, order.order_id = "working", what["OrderId"]
            order.placed = NOW_NS if status == "Placed" else order.intent.decided
        fill = None
        if status in ("Fill", "FinalFill"):  # whatever the sub-status
            amount = what["FillAmount"]
            order.filled += amount
            name = order.intent.scenario
            self.positions[name] = self.positions.get(name, 0) + order.sign() * amount
            if status == "FinalFill":
                order.status = "filled"
            fill = (order.client_id, name, 21, order.intent.side, amount, what["ExecutionPrice"], NOW_NS)
        elif status == "Cancelled":
            order.status = "cancelled"
        elif status in ("Expired", "DoneForDay"):
            order.status = "expired"
        self.file(order)
        return fill


def rows(orders: Any) -> list[tuple[Any, ...]]:
    return [order.__reduce__()[1] for order in orders]


scenarios = st.sampled_from(["trend", "fade"])
submits = st.tuples(
    st.just("submit"),
    scenarios,
    st.sampled_from(["Buy", "Sell"]),
    st.integers(1, 6),
    st.sampled_from(["entry", "stop"]),
    st.integers(0, 12),
    st.sampled_from([accepted(), accepted(), UNKNOWN, refused("NoTrade"), refused(None)]),
)
cancels = st.tuples(st.just("cancel"), scenarios, st.booleans())
events = st.tuples(
    st.just("activity"),
    st.integers(1, 8),
    scenarios,
    st.integers(1, 12),
    st.integers(1, 6),
    st.sampled_from(["Placed", "Fill", "FinalFill", "Cancelled", "Changed", "Expired", "DoneForDay"]),
    st.sampled_from(["Confirmed", "Confirmed", "Requested"]),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(submits, events, cancels), max_size=25))
def test_any_history_ends_in_the_books_that_the_rules_say(history: list[tuple[Any, ...]]) -> None:
    broker, model, now = Scripted(), PlainManager(), 0
    manager = OrderManager(broker, LIMITS)
    for kind, *rest in history:
        if kind == "submit":
            scenario, side, amount, reason, later, answer = rest
            now += later * S
            wanted = intent(amount, scenario=scenario, side=side, reason=reason, decided=now)
            broker.answers[:] = [answer]
            assert rows([manager.submit(wanted)]) == [model.submit(wanted, answer).row()]
        elif kind == "cancel":
            scenario, broker.takes_cancels = rest
            order, plain = manager.cancel(scenario, now), model.cancel(scenario, broker.takes_cancels)
            assert rows([order] if order else []) == ([plain.row()] if plain else [])
        else:
            number, scenario, sequence, amount, status, sub_status = rest
            what = activity(
                f"LB-{scenario}-{number:06d}",
                sequence,
                status,
                SubStatus=sub_status,
                FillAmount=amount,
                ExecutionPrice=Decimal("1.39298"),
            )
            try:
                expected = model.on_activity(what)
            except OverflowError:
                with pytest.raises(OrderError, match="is more than its"):
                    manager.on_activity(what)
                continue
            fill = manager.on_activity(what)
            assert (fill.__reduce__()[1] if fill else None) == expected
        for name in ("pending", "active", "terminal"):
            view = getattr(manager, name)
            assert rows(view.values()) == [order.row() for order in model.view(name)]
            assert list(view) == [order.client_id for order in model.view(name)]
        assert (manager.ignored, manager.counter) == (model.ignored, len(model.everything))
        assert manager.positions == model.positions
        assert rows(manager.orders()) == [order.row() for order in model.everything]
        for scenario in ("trend", "fade"):
            open_order = manager.open_order(scenario)
            assert (open_order.client_id if open_order else None) == next(
                (order.client_id for order in model.live(scenario)), None
            )


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
    assert fill is not None and manager.find("LB-trend-000001").status == "filled"  # type: ignore[union-attr]


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
    assert manager.find("LB-trend-000001").status == "pending_cancel"  # type: ignore[union-attr]
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
    assert (before.status, manager.find("LB-trend-000001").status) == ("working", "filled")  # type: ignore[union-attr]
    with pytest.raises(TypeError):
        manager.terminal["x"] = before  # type: ignore[index]


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
        twin = pickle.loads(pickle.dumps(value))  # noqa: S301 (our own bytes)
        assert twin == value and hash(twin) == hash(value) and repr(twin) == repr(value)
        with pytest.raises(AttributeError):
            setattr(value, type(value).__match_args__[0], None)
    with pytest.raises(ValueRangeError, match='order status "sent" is unknown'):
        Order("LB-a-000001", "a", 21, "Buy", 5, "Limit", 1.5, 7, "entry", "sent")


def test_money_as_a_float_is_a_type_error() -> None:
    with pytest.raises(TypeError, match=r"price 1\.5 is a float: pass a Decimal, a str or an int"):
        Fill("LB-a-000001", "a", 21, "Sell", 5, 1.5, 7)  # type: ignore[arg-type]
