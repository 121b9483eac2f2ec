"""The bot's vocabulary: messages, quotes, bars, intents, orders, fills and closed trades.

All times are UTC nanoseconds since the epoch. Market prices are floats, the ledger's are Decimals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

NS_PER_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a streaming frame, its payload not yet read."""

    message_id: int
    reference_id: str
    payload_format: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Quote:
    """The best bid and ask of an instrument at `ts`."""

    uic: int
    ts: int
    bid: float
    ask: float
    market_state: str


@dataclass(frozen=True, slots=True)
class Bar:
    """Open, high, low and close of bid and of ask over an interval that starts at `ts`."""

    uic: int
    ts: int
    bid_open: float
    bid_high: float
    bid_low: float
    bid_close: float
    ask_open: float
    ask_high: float
    ask_low: float
    ask_close: float
    ticks: int


@dataclass(frozen=True, slots=True)
class Intent:
    """What a scan decided: `action` is "place" or "cancel"."""

    action: str
    scenario: str
    uic: int
    side: str
    amount: int
    order_type: str
    limit_price: float | None
    decided: int
    reason: str


@dataclass(slots=True)
class Order:
    """An order of the bot, from its intent to its end; the order manager moves it."""

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


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution of an order."""

    client_id: str
    scenario: str
    uic: int
    side: str
    amount: int
    price: Decimal
    ts: int


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """A round trip; `side` is "Buy" for one that was long, `reason` is why it was closed."""

    scenario: str
    uic: int
    side: str
    amount: int
    entry_ts: int
    entry_price: Decimal
    exit_ts: int
    exit_price: Decimal
    pnl: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class ScenarioView:
    """What a scan may know about a scenario: its position and its open order."""

    position: int = 0
    entry_price: float | None = None
    entry_ts: int | None = None
    last_exit_ts: int | None = None
    open_order: str | None = None
    open_side: str | None = None
    open_type: str | None = None
    open_decided: int | None = None


def signed(side: str, amount: int) -> int:
    """Return `amount` as a change of position: positive for a Buy."""
    return amount if side == "Buy" else -amount
