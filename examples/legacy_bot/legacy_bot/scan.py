"""The decision of one scan: positions, quotes and closes in, intents out. Pure: no clock, file or socket."""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from .config import Scenario
from .model import NS_PER_SECOND, Intent, Quote, ScenarioView
from .strategies import sign

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
        if quote is None or quote.market_state != "Open" or now - quote.ts > scenario.max_quote_age_s * NS_PER_SECOND:
            continue
        view = views[scenario.name]
        if view.open_order is not None:
            intent = _expire(scenario, view, now)
        else:
            target = scenario.strategy.target(closes.get(scenario.uic, []), view.position)
            act = _leave if view.position != 0 else _enter
            intent = act(scenario, view, quote, target, now)
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
    side, since = view.open_side, view.open_decided
    if view.open_type != "Limit" or side is None or since is None or now - since < scenario.order_ttl_s * NS_PER_SECOND:
        return None
    return Intent("cancel", scenario.name, scenario.uic, side, 0, "Limit", None, now, "ttl")


def _leave(scenario: Scenario, view: ScenarioView, quote: Quote, target: int | None, now: int) -> Intent | None:
    """Close the position at the market if a stop, a target, the clock or the strategy says so."""
    long, gain = view.position > 0, 0.0
    if view.entry_price is not None:
        gain = quote.bid - view.entry_price if long else view.entry_price - quote.ask
    if view.entry_price is not None and gain <= -scenario.stop:
        reason = "stop"
    elif view.entry_price is not None and gain >= scenario.take:
        reason = "take"
    elif view.entry_ts is not None and now - view.entry_ts >= scenario.max_hold_s * NS_PER_SECOND:
        reason = "time"
    elif target is not None and target * sign(view.position) <= 0:
        reason = "signal"
    else:
        return None
    side = "Sell" if long else "Buy"
    return Intent("place", scenario.name, scenario.uic, side, abs(view.position), "Market", None, now, reason)


def _enter(scenario: Scenario, view: ScenarioView, quote: Quote, target: int | None, now: int) -> Intent | None:
    """Open a position in the direction of the strategy, unless it is too soon or too dear."""
    if not target or quote.ask - quote.bid > scenario.max_spread:
        return None
    if view.last_exit_ts is not None and now - view.last_exit_ts < scenario.cooldown_s * NS_PER_SECOND:
        return None
    what = (scenario.name, scenario.uic, "Buy" if target > 0 else "Sell", scenario.amount)
    if scenario.order_type == "market":
        return Intent("place", *what, "Market", None, now, "entry")
    near = quote.bid - scenario.limit_offset if target > 0 else quote.ask + scenario.limit_offset
    price = round(round(near / scenario.tick) * scenario.tick, 5)
    return Intent("place", *what, "Limit", price, now, "entry")
