"""The order manager: checks intents, sends orders, and follows them by the venue's activities to their end.

An order is in exactly one of three books: `pending` (sent, no answer that can be trusted yet), `active` (the
venue has it) and `terminal` (filled, cancelled, expired or rejected).
"""

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from operator import attrgetter
from typing import Any, Protocol

from .model import NS_PER_SECOND, Fill, Intent, Order, parse_ns, signed

log = logging.getLogger(__name__)

_ENDS = {"Cancelled": "cancelled", "Expired": "expired", "DoneForDay": "expired"}
_CONTENT = attrgetter("scenario", "uic", "side", "order_type", "amount")


@dataclass(frozen=True, slots=True)
class Limits:
    """The pre-trade limits: units of an order and of a scenario's position, seconds between equal orders."""

    max_amount: int
    max_position: int
    duplicate_window_s: int


@dataclass(frozen=True, slots=True)
class PlaceResult:
    """The venue's answer to an order: an id, an error, or `unknown` if the order may or may not be live."""

    order_id: str | None = None
    error: str | None = None
    unknown: bool = False


class Broker(Protocol):
    """What the order manager needs of a venue."""

    def place_order(self, order: Order) -> PlaceResult:
        """Send the order."""

    def cancel_order(self, order_id: str) -> bool:
        """Ask for a cancel; return False if the venue does not know the order (any more)."""


class OrderManager:
    """Owns every order of the bot."""

    def __init__(self, broker: Broker, limits: Limits, prefix: str = "LB") -> None:
        self.pending: dict[str, Order] = {}
        self.active: dict[str, Order] = {}
        self.terminal: dict[str, Order] = {}
        self.positions: dict[str, int] = {}
        self.counter = self.ignored = 0
        self._broker, self._limits, self._prefix = broker, limits, prefix
        self._recent: deque[Order] = deque()
        self._seen: set[str] = set()

    def submit(self, intent: Intent) -> Order:
        """Check the intent and send it as a new order; a failed check rejects it before it leaves."""
        self.counter += 1
        terms = (intent.uic, intent.side, intent.amount, intent.order_type, intent.limit_price)
        client_id = f"{self._prefix}-{intent.scenario}-{self.counter:06d}"
        order = Order(client_id, intent.scenario, *terms, intent.decided, intent.reason, status="pending")
        problem = self._broken_limit(order)
        if problem is None and (earlier := self._duplicate_of(order)) is not None:
            # Not remembered in `_recent`: a repeat must not extend the window in which repeats are refused.
            return self._finish(order, "rejected", f"duplicate: {earlier.client_id}")
        self._recent.append(order)
        if problem is not None:
            return self._finish(order, "rejected", problem)
        self.pending[order.client_id] = order
        result = self._broker.place_order(order)
        if result.unknown:
            order.status, order.note = "unknown", result.error or ""
        elif result.order_id is not None:
            self._activate(order, result.order_id, order.decided)
        else:
            self._finish(order, "rejected", result.error or "no order id")
        return order

    def cancel(self, scenario: str, now: int) -> Order | None:
        """Ask the venue to cancel the scenario's open order; it ends when the venue confirms."""
        order = self.open_order(scenario)
        if order is None or order.order_id is None or order.status == "pending_cancel":
            return None
        log.info("%s: cancel at %d", order.client_id, now)
        if self._broker.cancel_order(order.order_id):
            order.status = "pending_cancel"
        return order

    def on_activity(self, activity: dict[str, Any]) -> Fill | None:
        """Take one order activity and return its fill; repeated and foreign ones are counted in `ignored`."""
        sequence_id, client_id = str(activity.get("SequenceId")), str(activity.get("ExternalReference"))
        order = self.pending.get(client_id) or self.active.get(client_id)
        if order is None or sequence_id in self._seen:
            self.ignored += 1
            return None
        self._seen.add(sequence_id)
        status, outcome = activity.get("Status"), activity.get("SubStatus", "Confirmed")
        if status in ("Fill", "FinalFill"):
            return self._fill(order, activity)
        if status in _ENDS and outcome == "Confirmed":
            self._finish(order, _ENDS[status], order.note)
        elif status == "Placed" and outcome == "Confirmed" and client_id in self.pending:
            self._activate(order, str(activity["OrderId"]), parse_ns(activity["ActivityTime"]))
        elif status == "Placed" and outcome == "Rejected":
            self._finish(order, "rejected", "rejected by the venue")
        elif status == "Cancelled" and outcome == "Rejected":
            order.status = "working"
        return None

    def open_order(self, scenario: str) -> Order | None:
        """Return the order of the scenario that has not ended."""
        return next(self._open_orders(scenario), None)

    def find(self, client_id: str) -> Order | None:
        """Return the order with this client id, in whichever book it is."""
        return self.pending.get(client_id) or self.active.get(client_id) or self.terminal.get(client_id)

    def orders(self) -> list[Order]:
        """Return all orders, in the order of their submission."""
        everything = chain(self.pending.values(), self.active.values(), self.terminal.values())
        return sorted(everything, key=lambda order: int(order.client_id.rpartition("-")[2]))

    def _broken_limit(self, order: Order) -> str | None:
        """Say which limit the order breaks; the position is the one when all open orders are filled."""
        limits = self._limits
        if order.amount > limits.max_amount:
            return f"size: {order.amount} > {limits.max_amount}"
        if order.reason == "entry":
            working = sum(
                signed(other.side, other.amount - other.filled) for other in self._open_orders(order.scenario)
            )
            position = abs(self.positions.get(order.scenario, 0) + working + signed(order.side, order.amount))
            if position > limits.max_position:
                return f"position: {position} > {limits.max_position}"
        return None

    def _open_orders(self, scenario: str) -> Iterator[Order]:
        books = chain(self.pending.values(), self.active.values())
        return (order for order in books if order.scenario == scenario)

    def _duplicate_of(self, order: Order) -> Order | None:
        """Return the first equal order within the window that is still open, or was rejected."""
        window = self._limits.duplicate_window_s * NS_PER_SECOND
        while self._recent and order.decided - self._recent[0].decided >= window:
            self._recent.popleft()
        live = (earlier for earlier in self._recent if earlier.status not in ("filled", "cancelled", "expired"))
        return next((earlier for earlier in live if _CONTENT(earlier) == _CONTENT(order)), None)

    def _fill(self, order: Order, activity: dict[str, Any]) -> Fill:
        amount, price = int(activity["FillAmount"]), Decimal(str(activity["ExecutionPrice"]))
        order.filled += amount
        self.positions[order.scenario] = self.positions.get(order.scenario, 0) + signed(order.side, amount)
        if order.client_id in self.pending:
            self._activate(order, str(activity["OrderId"]), order.decided)
        if activity["Status"] == "FinalFill":
            self._finish(order, "filled", order.note)
        ts = parse_ns(activity["ActivityTime"])
        return Fill(order.client_id, order.scenario, order.uic, order.side, amount, price, ts)

    def _activate(self, order: Order, order_id: str, placed: int) -> None:
        order.order_id, order.placed, order.status = order_id, placed, "working"
        self.active[order.client_id] = self.pending.pop(order.client_id)

    def _finish(self, order: Order, status: str, note: str) -> Order:
        order.status, order.note = status, note
        self.pending.pop(order.client_id, None)
        self.active.pop(order.client_id, None)
        self.terminal[order.client_id] = order
        if status == "rejected":
            log.warning("%s: rejected, %s", order.client_id, note)
        return order
