"""The order manager does what a plain reading of its rules does, and refuses what cannot be."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from exuvia.errors import OrderError
from exuvia.orders import Limits, Order, OrderManager
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


class Kept:
    """An order record that can be set until `refusal` says otherwise."""

    refusal: type[Exception] | None = None

    def __init__(self, *values: Any) -> None:
        """Takes the fields of an order."""
        self.__dict__.update(zip(Order.__match_args__, values, strict=True))

    def __setattr__(self, name: str, value: Any) -> None:
        if self.refusal is not None:
            raise self.refusal(f"{name} cannot be set")
        super().__setattr__(name, value)


@pytest.mark.parametrize("refusal", [None, AttributeError])
def test_a_record_that_can_be_set_stays_the_same_object_and_a_frozen_one_gives_way_to_the_next(
    monkeypatch: pytest.MonkeyPatch, refusal: type[Exception] | None
) -> None:
    monkeypatch.setattr(Kept, "refusal", refusal)
    manager = OrderManager(Scripted([accepted()]), LIMITS, record=Kept)
    order: Any = manager.submit(intent(1))
    manager.on_activity(executed(order.client_id, 1, 1))
    shown: Any = manager.terminal[order.client_id]
    assert (shown is order) == (refusal is None)
    assert (shown.status, shown.filled, order.status) == ("filled", 1, "working" if refusal else "filled")
    assert repr(manager) == "<OrderManager: 0 pending, 0 active, 1 terminal>"


def test_an_order_whose_record_cannot_be_made_was_not_sent_and_does_not_stay_open() -> None:
    def refuses(*_: Any) -> None:
        raise ValueError("no such record")

    broker = Scripted([accepted()])
    manager = OrderManager(broker, LIMITS, record=refuses)
    with pytest.raises(ValueError, match="no such record"):
        manager.submit(intent(1))
    assert broker.sent == []
    assert repr(manager) == "<OrderManager: 0 pending, 0 active, 0 terminal>"
    assert manager.open_order("trend") is None


def test_an_error_of_a_record_that_is_set_goes_on_to_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = OrderManager(Scripted([accepted()]), LIMITS, record=Kept)
    order: Any = manager.submit(intent(1))
    monkeypatch.setattr(Kept, "refusal", ZeroDivisionError)
    with pytest.raises(ZeroDivisionError, match="status cannot be set"):
        manager.on_activity(executed(order.client_id, 1, 1))
    assert manager.positions == {"trend": 1}, "the book has it all the same"
