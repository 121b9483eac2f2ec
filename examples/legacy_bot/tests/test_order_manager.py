import json
from decimal import Decimal
from typing import Any

import pytest
from legacy_bot.model import Fill, Intent, Order
from legacy_bot.order_manager import Limits, OrderManager, PlaceResult

SECOND = 1_000_000_000
LIMITS = Limits(max_amount=500, max_position=300, duplicate_window_s=90)
TIME = "2014-05-07T00:00:07.135000Z"
NS = 1_399_420_807_135_000_000


class Venue:
    """Answers orders from a list, the last answer again and again; remembers what it was asked."""

    def __init__(self, *answers: PlaceResult) -> None:
        self.answers = list(answers) or [PlaceResult(order_id="7")]
        self.placed: list[str] = []
        self.cancelled: list[str] = []
        self.knows_order = True

    def place_order(self, order: Order) -> PlaceResult:
        self.placed.append(order.client_id)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def cancel_order(self, order_id: str) -> bool:
        self.cancelled.append(order_id)
        return self.knows_order


def intent(side: str = "Buy", amount: int = 100, second: int = 0, reason: str = "entry", scenario: str = "s") -> Intent:
    return Intent("place", scenario, 21, side, amount, "Market", None, second * SECOND, reason)


def activity(order: Order, status: str, sequence_id: str = "1", **more: Any) -> dict[str, Any]:
    document = {
        "SequenceId": sequence_id,
        "ActivityTime": TIME,
        "ExternalReference": order.client_id,
        "OrderId": "7",
        "Status": status,
        "SubStatus": "Confirmed",
        **more,
    }
    parsed: dict[str, Any] = json.loads(json.dumps(document), parse_float=Decimal)
    return parsed


def filled(manager: OrderManager, order: Order, amount: int, sequence_id: str = "1") -> Fill | None:
    fill = {"FillAmount": amount, "ExecutionPrice": 1.39286}
    return manager.on_activity(activity(order, "FinalFill", sequence_id, **fill))


def where(manager: OrderManager, order: Order) -> list[str]:
    books = {"pending": manager.pending, "active": manager.active, "terminal": manager.terminal}
    return [name for name, book in books.items() if order.client_id in book]


def test_an_accepted_order_is_active_and_numbered() -> None:
    manager = OrderManager(Venue(), LIMITS)
    order = manager.submit(intent(second=5))
    other = manager.submit(intent(scenario="t"))
    assert (order.client_id, other.client_id) == ("LB-s-000001", "LB-t-000002")
    assert (order.status, order.order_id, order.placed) == ("working", "7", 5 * SECOND)
    assert where(manager, order) == ["active"]
    assert (manager.open_order("s"), manager.open_order("x")) == (order, None)


@pytest.mark.parametrize(
    ("first", "second", "note"),
    [
        (None, intent(amount=501), "size: 501 > 500"),
        (None, intent(amount=301), "position: 301 > 300"),
        (intent(amount=200), intent(amount=101), "position: 301 > 300"),
        (intent("Sell", 200), intent("Sell", 101), "position: 301 > 300"),
        (intent(), intent(second=89), "duplicate: LB-s-000001"),
    ],
)
def test_a_check_that_fails_rejects_before_the_broker_is_called(
    first: Intent | None, second: Intent, note: str
) -> None:
    venue = Venue()
    manager = OrderManager(venue, LIMITS)
    if first is not None:
        manager.submit(first)
    before = list(venue.placed)
    order = manager.submit(second)
    assert (order.status, order.note, order.placed) == ("rejected", note, None)
    assert where(manager, order) == ["terminal"]
    assert venue.placed == before


def test_the_position_check_is_for_entries_and_counts_fills_once() -> None:
    manager = OrderManager(Venue(), LIMITS)
    filled(manager, manager.submit(intent(amount=300)), 300)
    assert manager.positions == {"s": 300}
    assert manager.submit(intent("Buy", 10, 200)).note == "position: 310 > 300"
    assert manager.submit(intent("Buy", 10, 400, reason="stop")).status == "working"
    assert manager.submit(intent("Sell", 400, 600)).status == "working"


def test_the_position_check_counts_of_an_open_order_what_is_not_filled() -> None:
    manager = OrderManager(Venue(), LIMITS)
    order = manager.submit(intent(amount=200))
    manager.on_activity(activity(order, "Fill", FillAmount=150, ExecutionPrice=1.5))
    assert manager.submit(intent(amount=100)).status == "working"
    assert manager.submit(intent(amount=1)).note == "position: 301 > 300"


def test_the_same_order_may_come_again_when_the_first_ended_or_the_window_is_over() -> None:
    manager = OrderManager(Venue(), LIMITS)
    filled(manager, manager.submit(intent()), 100)
    expired = manager.submit(intent(second=1))
    manager.on_activity(activity(expired, "DoneForDay", "2"))
    assert (expired.status, where(manager, expired)) == ("expired", ["terminal"])
    assert manager.submit(intent(second=1)).status == "working"
    assert manager.submit(intent(second=91)).status == "working"
    assert manager.submit(intent("Sell", second=92)).status == "working"


def test_a_rejected_order_is_not_repeated_within_the_window_and_repeats_do_not_extend_it() -> None:
    manager = OrderManager(Venue(PlaceResult(error="MarketClosed: no")), LIMITS)
    notes = [manager.submit(intent(second=second)).note for second in (0, 60, 120, 180)]
    refused, again = "MarketClosed: no", "duplicate: LB-s-000001"
    assert notes == [refused, again, refused, "duplicate: LB-s-000003"]


def test_an_unknown_outcome_stays_pending_until_an_activity_tells() -> None:
    manager = OrderManager(Venue(PlaceResult(error="no answer", unknown=True)), LIMITS)
    order = manager.submit(intent())
    assert (order.status, order.note, where(manager, order)) == ("unknown", "no answer", ["pending"])
    assert manager.cancel("s", 0) is None
    assert manager.on_activity(activity(order, "Placed")) is None
    assert (order.status, order.order_id, order.placed) == ("working", "7", NS)
    assert where(manager, order) == ["active"]


def test_an_unknown_order_may_turn_out_filled_or_refused() -> None:
    manager = OrderManager(Venue(PlaceResult(unknown=True)), LIMITS)
    first, second = manager.submit(intent()), manager.submit(intent(scenario="t"))
    assert filled(manager, first, 100) is not None
    assert (first.status, first.order_id) == ("filled", "7")
    manager.on_activity(activity(second, "Placed", "2", SubStatus="Rejected"))
    assert (second.status, where(manager, second)) == ("rejected", ["terminal"])


def test_fills_are_exact_and_end_the_order_with_the_last() -> None:
    manager = OrderManager(Venue(), LIMITS)
    order = manager.submit(intent("Sell"))
    part = activity(order, "Fill", FillAmount=40.0, ExecutionPrice=1)
    assert manager.on_activity(part) == Fill(order.client_id, "s", 21, "Sell", 40, Decimal(1), NS)
    assert (order.filled, where(manager, order)) == (40, ["active"])
    fill = filled(manager, order, 60, "2")
    assert fill is not None
    assert str(fill.price) == "1.39286"
    assert (order.filled, order.status, where(manager, order)) == (100, "filled", ["terminal"])
    assert manager.positions == {"s": -100}


def test_repeated_foreign_and_late_activities_are_ignored_and_counted() -> None:
    manager = OrderManager(Venue(), LIMITS)
    order = manager.submit(intent())
    part = activity(order, "Fill", FillAmount=40, ExecutionPrice=1.5)
    assert manager.on_activity(part) is not None
    assert manager.on_activity(part) is None
    assert manager.on_activity({**part, "ExternalReference": "LB-x-000009", "SequenceId": "2"}) is None
    assert manager.on_activity({}) is None
    assert manager.ignored == 3
    filled(manager, order, 60, "3")
    assert filled(manager, order, 60, "4") is None
    assert (manager.ignored, order.filled) == (4, 100)


def test_a_cancel_is_pending_until_the_venue_confirms() -> None:
    venue = Venue()
    manager = OrderManager(venue, LIMITS)
    order = manager.submit(intent())
    assert manager.cancel("s", 1) is order
    assert (order.status, where(manager, order)) == ("pending_cancel", ["active"])
    assert manager.cancel("s", 2) is None
    manager.on_activity(activity(order, "Cancelled", SubStatus="Requested"))
    assert order.status == "pending_cancel"
    manager.on_activity(activity(order, "Cancelled", "2"))
    assert (order.status, where(manager, order), venue.cancelled) == ("cancelled", ["terminal"], ["7"])
    assert manager.cancel("s", 3) is None


def test_a_cancel_that_is_refused_leaves_the_order_working() -> None:
    venue = Venue()
    manager = OrderManager(venue, LIMITS)
    order = manager.submit(intent())
    venue.knows_order = False
    manager.cancel("s", 1)
    assert order.status == "working"
    venue.knows_order = True
    manager.cancel("s", 2)
    manager.on_activity(activity(order, "Cancelled", SubStatus="Rejected"))
    assert order.status == "working"


def test_orders_are_listed_as_submitted_wherever_they_are() -> None:
    manager = OrderManager(Venue(PlaceResult(error="no"), PlaceResult(order_id="8")), LIMITS)
    sent = [manager.submit(intent(scenario=name)) for name in ("z", "a", "m")]
    filled(manager, sent[2], 100)
    assert manager.orders() == sent
    assert [manager.find(order.client_id) for order in sent] == sent
    assert manager.find("LB-q-000001") is None
