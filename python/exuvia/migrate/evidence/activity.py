"""When a unit was at work: for each day (UTC) first and last activity, the minutes that were active, counts by hour.

A minute is active if calls of it were compared, served by the candidate, or missed.

Nothing is done at a call: once a second the counters are looked at, and what they gained belongs to this minute.
Hours, because sessions begin and end at full or half hours; minutes, because a clean session is one of which
enough minutes were active.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from exuvia.migrate.own import time

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Activity"]

COUNTED = ("calls", "compared", "differed", "missed", "served")
"""Of `calls` those that the candidate served are `served` too."""
DAYS = 3


class Activity:
    """Activity of one unit in this process.

    Args:
        totals: Counters as they stand.
    """

    def __init__(self, totals: Mapping[str, int]) -> None:
        self._before = self._totals(totals)
        self._days: dict[str, dict[str, Any]] = {}

    def look(self, totals: Mapping[str, int], keys: int = 0) -> dict[str, dict[str, Any]]:
        """Take up what the counters gained since the last look, and return the last days.

        Args:
            totals: Counters as they stand now.
            keys: A bit for each key that the candidate served as a canary since the last look.
        """
        now, before = self._totals(totals), self._before
        if now != before:
            gained = [max(0, after - each) for each, after in zip(before, now, strict=True)]
            self._before = now
            if any(gained):
                self._add(time.time_ns(), gained, keys)
        return {
            day: {**known, "minutes": [list(span) for span in known["minutes"]], "hours": dict(known["hours"])}
            for day, known in self._days.items()
        }

    def _add(self, at_ns: int, gained: list[int], keys: int) -> None:
        moment = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC)
        name = moment.strftime("%Y-%m-%d")
        day = self._days.setdefault(
            name, {"first": at_ns, "last": at_ns, "minutes": [], "hours": {}, **dict.fromkeys(COUNTED, 0)}
        )
        day["first"], day["last"] = min(day["first"], at_ns), max(day["last"], at_ns)
        if any(gained[1:]):
            # What was only called says nothing of both sides: at work is what was compared, missed, or served.
            _note(day["minutes"], moment.hour * 60 + moment.minute)
        hour = day["hours"].get(str(moment.hour), [0] * len(COUNTED))
        day["hours"][str(moment.hour)] = [one + more for one, more in zip(hour, gained, strict=True)]
        for what, more in zip(COUNTED, gained, strict=True):
            day[what] += more
        if keys:
            day["keys"] = f"{int(day.get('keys', '0'), 16) | keys:x}"
        while len(self._days) > DAYS:
            del self._days[min(self._days)]

    @staticmethod
    def _totals(totals: Mapping[str, int]) -> list[int]:
        of = totals.get
        calls = of("legacy_calls", 0) + of("candidate_calls", 0)
        missed = of("errors", 0) + of("skipped", 0)
        return [calls, of("compared", 0), of("differed", 0), missed, of("candidate_calls", 0)]


def _note(spans: list[list[int]], minute: int) -> None:
    """Add a minute to spans of minutes in order, first and last inclusive."""
    for at, (first, last) in enumerate(spans):
        if first <= minute <= last:
            return
        if minute == last + 1:
            spans[at][1] = minute
            if at + 1 < len(spans) and spans[at + 1][0] == minute + 1:
                spans[at][1] = spans.pop(at + 1)[1]
            return
        if minute < first:
            if minute == first - 1:
                spans[at][0] = minute
            else:
                spans.insert(at, [minute, minute])
            return
    spans.append([minute, minute])
