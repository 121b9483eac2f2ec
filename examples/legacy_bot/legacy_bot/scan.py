"""The decision of one scan: positions, quotes and closes in, intents out. Pure: no clock, file or socket."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from .model import NS_PER_SECOND, Intent
from .strategies import sign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .config import Scenario
    from .model import Quote, ScenarioView

_NEW_YORK = ZoneInfo("America/New_York")
_FRIDAY, _SUNDAY = 4, 6


def decide(
    views: dict[str, ScenarioView],
    quotes: dict[int, Quote],
    closes: dict[int, list[float]],
    scenarios: Sequence[Scenario],
    now: int,
) -> list[Intent]:
    """Return what to do at `now`: at most one intent for each scenario, in the order of `scenarios`."""
    if not fx_open(now):
        return []
    intents = []
    for scenario in scenarios:
        quote = quotes.get(scenario.uic)
        if quote is None or quote.market_state != "Open":
            continue
        if now - quote.ts > scenario.max_quote_age_s * NS_PER_SECOND:
            continue
        view = views[scenario.name]
        if view.open_order is not None:
            intent = _expire(scenario, view, now)
        else:
            target = scenario.strategy.target(closes.get(scenario.uic, []), view.position)
            if view.position != 0:
                intent = _leave(scenario, view, quote, target, now)
            else:
                intent = _enter(scenario, view, quote, target, now)
        if intent is not None:
            intents.append(intent)
    return intents


def fx_open(now: int) -> bool:
    """Return whether the FX week is on: from Sunday 17:00 to Friday 17:00 in New York."""
    local = datetime.fromtimestamp(now // NS_PER_SECOND, tz=UTC).astimezone(_NEW_YORK)
    day, evening = local.weekday(), local.hour >= 17
    return day < _FRIDAY or (day == _FRIDAY and not evening) or (day == _SUNDAY and evening)


def _expire(scenario: Scenario, view: ScenarioView, now: int) -> Intent | None:
    """Cancel a limit order that has rested for longer than it may."""
    if view.open_type != "Limit" or view.open_side is None or view.open_decided is None:
        return None
    if now - view.open_decided < scenario.order_ttl_s * NS_PER_SECOND:
        return None
    return Intent("cancel", scenario.name, scenario.uic, view.open_side, 0, "Limit", None, now, "ttl")


def _leave(scenario: Scenario, view: ScenarioView, quote: Quote, target: int | None, now: int) -> Intent | None:
    """Close the position at the market if a stop, a target, the clock or the strategy says so."""
    reason = _exit_reason(scenario, view, quote, target, now)
    if reason is None:
        return None
    side = "Sell" if view.position > 0 else "Buy"
    return Intent("place", scenario.name, scenario.uic, side, abs(view.position), "Market", None, now, reason)


def _exit_reason(scenario: Scenario, view: ScenarioView, quote: Quote, target: int | None, now: int) -> str | None:
    if view.entry_price is not None:
        gain = quote.bid - view.entry_price if view.position > 0 else view.entry_price - quote.ask
        if gain <= -scenario.stop:
            return "stop"
        if gain >= scenario.take:
            return "take"
    if view.entry_ts is not None and now - view.entry_ts >= scenario.max_hold_s * NS_PER_SECOND:
        return "time"
    if target is not None and target * sign(view.position) <= 0:
        return "signal"
    return None


def _enter(scenario: Scenario, view: ScenarioView, quote: Quote, target: int | None, now: int) -> Intent | None:
    """Open a position in the direction of the strategy, unless it is too soon or too dear."""
    if not target:
        return None
    if view.last_exit_ts is not None and now - view.last_exit_ts < scenario.cooldown_s * NS_PER_SECOND:
        return None
    if quote.ask - quote.bid > scenario.max_spread:
        return None
    side = "Buy" if target > 0 else "Sell"
    if scenario.order_type == "market":
        return Intent("place", scenario.name, scenario.uic, side, scenario.amount, "Market", None, now, "entry")
    price = quote.bid - scenario.limit_offset if side == "Buy" else quote.ask + scenario.limit_offset
    price = round(round(price / scenario.tick) * scenario.tick, 5)
    return Intent("place", scenario.name, scenario.uic, side, scenario.amount, "Limit", price, now, "entry")
