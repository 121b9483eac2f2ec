"""The bot's vocabulary. Times are UTC nanoseconds since the epoch; market prices are floats, the ledger's Decimals."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

NS_PER_SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_PATTERN = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)


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


def parse_ns(text: str) -> int:
    """Return the nanoseconds of an ISO-8601 instant with up to nine decimals and a Z; ValueError for anything else."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f"time {text!r} is not like 2014-05-07T00:00:07.135000Z")
    whole, fraction = match.groups()
    seconds = (datetime.fromisoformat(f"{whole}Z") - _EPOCH) // _SECOND
    return seconds * NS_PER_SECOND + int((fraction or "").ljust(9, "0"))


def format_ns(ns: int) -> str:
    """Return the instant as the venue writes it: six decimals (microseconds) and a Z."""
    seconds, rest = divmod(ns, NS_PER_SECOND)
    return f"{_EPOCH + seconds * _SECOND:%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"
