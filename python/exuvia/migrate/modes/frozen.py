"""When nothing is promoted: the market is open, nobody knows whether it is, or someone said so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exuvia.errors import CalendarError
from exuvia.migrate.modes import standing
from exuvia.migrate.own import time

if TYPE_CHECKING:
    from exuvia.migrate.config import Config, GroupConfig
    from exuvia.migrate.modes.said import Journal

__all__ = ["market", "reasons", "session_end"]

ALWAYS = "24/7"
HOUR_NS, DAY_NS = 3_600_000_000_000, 86_400_000_000_000


def reasons(config: Config, group: GroupConfig, journal: Journal, *, glass: bool, now_ns: int) -> list[str]:
    """Say why nothing of a group is promoted now; nothing if it may be.

    A rehearsal has no market and a broken glass does not wait for the close; the kill file and a freeze by
    hand hold against both.

    Args:
        config: The configuration.
        group: The group.
        journal: The mode journal.
        glass: Whether the glass is broken.
        now_ns: UTC nanoseconds.
    """
    found = []
    kill = standing.killed(config)
    if kill is not None:
        found.append(f"{kill}: take it away first")
    if journal.frozen is not None:
        who, why = journal.frozen.get("who", "?"), journal.frozen.get("reason", "")
        found.append(f"frozen by {who} ({why}): exuvia promote --thaw REASON")
    if not config.rehearsal and not glass:
        open_now = market(group.calendar, now_ns)
        if open_now is not None:
            found.append(open_now)
    return found


def market(calendar: str, now_ns: int) -> str | None:
    """Say that the market is open, or that this cannot be known; `None` when it is closed.

    A calendar without a close has no better moment: it never freezes.

    Args:
        calendar: The calendar's name.
        now_ns: UTC nanoseconds.
    """
    if calendar == ALWAYS:
        return None
    try:
        from exuvia.sessions import Calendar  # noqa: PLC0415 - the extension may not load

        if not Calendar(calendar).is_open(now_ns):
            return None
    except (CalendarError, ImportError, OverflowError) as error:
        return f"whether calendar {calendar} is open now cannot be known ({error}): nothing is promoted"
    return f"the market is open by calendar {calendar}: promote after the close"


def session_end(calendar: str, now_ns: int) -> int:
    """Return when the session of a broken glass ends: the next close, else the end of the UTC day.

    Args:
        calendar: The calendar's name.
        now_ns: UTC nanoseconds.

    Returns:
        UTC nanoseconds, at least an hour away where there is no close.
    """
    if calendar != ALWAYS:
        try:
            from exuvia.sessions import Calendar  # noqa: PLC0415 - the extension may not load

            close = Calendar(calendar).next_close(now_ns)
        except (CalendarError, ImportError, OverflowError):
            close = None
        if close is not None:
            return close
    return (now_ns + HOUR_NS) // DAY_NS * DAY_NS + DAY_NS


def clock_behind(journal: Journal, now_ns: int | None = None) -> str | None:
    """Say that the clock stands more than a minute before the journal's last entry, if it does.

    Args:
        journal: The mode journal.
        now_ns: UTC nanoseconds, else the clock's.
    """
    behind = journal.last_ns - (time.time_ns() if now_ns is None else now_ns)
    if behind <= 60_000_000_000:
        return None
    return (
        f"the clock stands {behind / 1e9:,.0f} s before the last entry of the mode journal: it was turned back, or "
        "another host's is ahead; set it right first"
    )
