"""Clean sessions: which days count, by the group's calendar and by what was active on them.

A session is `clean` when the calendar has it whole, its processes were active for 95 % of it, its inputs were
covered, all its evidence is of one F, and nothing differs without a rule. It is `dirty` when something differs.
Anything else is `inconclusive` and counts neither way: open but silent, half days, a calendar that disagrees with what
was active, clocks that jumped, drops, two builds, a rehearsal, a day without data.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from exuvia.errors import CalendarError, ConfigError
from exuvia.migrate.gates import activity, artefacts, covering, daily, prints, settled
from exuvia.migrate.gates import days as told
from exuvia.migrate.own import time
from exuvia.sessions import Calendar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exuvia.migrate.config import Config, GroupConfig
    from exuvia.migrate.evidence.reading import SegmentText

__all__ = ["Session", "group_named", "sessions_of"]

time_ns = time.time_ns
"""The clock; a test may replace it."""

MINUTE = 60_000_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
EPOCH = date(1970, 1, 1)
WHOLE = {"XNYS": 6.5}
DROPS = 0.001
CLOSED = 0.05
LOOK_BACK = 400
NEIGHBOURS = 10
"""Days in which a calendar has its next session."""


@dataclass(slots=True)
class Session:
    """One day of a group's calendar.

    Attributes:
        day: `YYYY-MM-DD`.
        state: `clean`, `dirty` or `inconclusive`.
        reasons: Why it is not clean.
        activity: Share of it that was active, the least of all units or sides of artefacts; `None` if nothing tells.
        alive: The same of each unit, or side of an artefact.
        compared: Calls that were compared; of a group of artefacts, what its gates compared.
        differed: Those that differ.
        f: The fingerprint of all units together; `None` if it is mixed or unknown.
        current: Whether that is what would run now.
        against: Whether what differs speaks against what would run now: of a day of two F, or of a group of which one
            unit left nothing, `f` does not say.
        blamed: F of each unit of which something differs, by unit.
        seen: F of each unit that was seen, by unit.
        machines: libc and CPU of its processes.
        modes: Modes in which the units stood.
        gates: Business gates by name.
        notes: What else should be known.
        open: Its first instant, UTC nanoseconds; 0 where the calendar has no session.
        close: The first instant after it.
    """

    day: str
    state: str = "clean"
    reasons: list[str] = field(default_factory=list)
    activity: float | None = None
    compared: int = 0
    differed: int = 0
    f: str | None = None
    current: bool = True
    against: bool = False
    blamed: dict[str, set[str]] = field(default_factory=dict)
    seen: dict[str, set[str]] = field(default_factory=dict)
    machines: frozenset[str] = frozenset()
    alive: dict[str, float] = field(default_factory=dict)
    modes: tuple[str, ...] = ()
    gates: dict[str, daily.GateDay] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    open: int = 0
    close: int = 0

    def dirty(self, reason: str) -> None:
        """Note a difference."""
        self.state = "dirty"
        self.reasons.insert(0, reason)

    def unsure(self, reason: str) -> None:
        """Note why it cannot count; it does not mend a difference."""
        if self.state == "clean":
            self.state = "inconclusive"
        self.reasons.append(reason)

    @property
    def verdict(self) -> str:
        """The verdict of this day alone."""
        return {"clean": "PASS", "dirty": "FAIL"}.get(self.state, "INCONCLUSIVE")

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for `--json`."""
        return {
            "day": self.day,
            "state": self.state,
            "reasons": self.reasons,
            "activity": self.activity,
            "activity_of": self.alive,
            "compared": self.compared,
            "differed": self.differed,
            "f": self.f,
            "counts_for_f_of_now": self.current,
            "modes": list(self.modes),
            "gates": {name: gate.as_dict() for name, gate in self.gates.items()},
            "notes": self.notes,
        }


def group_named(config: Config, name: str) -> GroupConfig:
    """Return a group, or a unit that stands alone as one.

    Args:
        config: The configuration.
        name: A group's or a unit's name.

    Raises:
        ConfigError: There is neither.
    """
    if name in config.groups:
        return config.groups[name]
    if name in config.units:
        return config.group_of(name)
    import difflib  # noqa: PLC0415 - only for an error

    known = [*config.groups, *config.units]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"one of {', '.join(known) or 'none: declare [group.NAME]'}"
    raise ConfigError(f"{config.path}: unknown group {name!r}: {hint}")


def sessions_of(
    config: Config,
    group: GroupConfig,
    segments: Sequence[SegmentText],
    *,
    until: str | None = None,
    drills: Sequence[tuple[int, int]] = (),
) -> list[Session]:
    """Return the sessions of a group, from the first day with evidence or artefacts to the last.

    Args:
        config: The configuration.
        group: The group.
        segments: As `read_folder` returns them.
        until: The last day, `YYYY-MM-DD`; the last with data if it is not given.
        drills: From when to when the group stood in legacy for a drill only.

    Raises:
        CalendarError: The group's calendar is unknown or does not cover a day.
    """
    calendar = Calendar(group.calendar)
    seen, untold = told.days_of(group, segments), told.untold(group, segments)
    written = {
        day
        for gate in group.gates.values()
        for side in ("legacy", "candidate")
        if side in gate.params
        for day in artefacts.days_of(config.path.parent, gate.params[side], gate.params.get("when"))
    }
    days = sorted(seen | written)
    if until is not None:
        days = [day for day in days if day <= until]
        # A day that was asked for is judged, with or without data.
        days = [*days, until] if until not in days else days
    if not days:
        return []
    current = prints.current_prints(config, group, segments)
    now = prints.joined(group, current)
    sessions: list[Session] = []
    known: dict[tuple[str, str], tuple[set[Any], int]] = {}
    span = _every_day(max(days[0], _back(days[-1])), days[-1])
    for day in span:
        here, found = Session(day), calendar.session(day)
        hours = None if found is None else (found.open, found.close)
        aside = activity.Aside(hours, untold, drills)
        seen_here = activity.in_span(group, segments, *_belonging(calendar, day), aside)
        if found is None:
            _of_units(here, group, seen_here)
            if _closed_day(here, calendar, seen_here, written=day in written):
                sessions.append(here)
            continue
        here.open, here.close = found.open, found.close
        _whole(here, group)
        _of_units(here, group, seen_here)
        _judge(here, config, group, seen_here, written=day in written)
        covering.by_inputs(here, group, seen_here, known)
        sessions.append(here)
    settings = [] if group.units else settled.read(config.evidence, group.name)
    for session in sessions:
        session.f = session.f if group.units else settled.in_force(settings, session.open, now)
        session.current = session.f == now
    _mark_against(sessions, group, current)
    _mark_machines(sessions)
    return sessions


def _of_units(here: Session, group: GroupConfig, of_day: activity.Activity) -> None:
    """F of the day, and of what differs on it."""
    if not group.units:
        return
    here.seen, here.blamed = dict(of_day.prints), dict(of_day.blamed)
    here.machines = frozenset(of_day.machines)
    here.f = prints.joined(group, {unit: next(iter(seen)) for unit, seen in of_day.prints.items() if len(seen) == 1})


def _mark_against(sessions: list[Session], group: GroupConfig, current: dict[str, str]) -> None:
    """Which days speak against what would run now: one on which a unit differs by the F that it has now.

    A business gate does not say whose rows they were: a day on which it fails speaks against every F that may have run
    on it, from the first day on which that of now was seen.
    """
    began = False
    for session in sessions:
        if session.state != "dirty":
            began = began or any(now in session.seen.get(unit, ()) for unit, now in current.items())
            continue
        began = began or any(now in session.seen.get(unit, ()) for unit, now in current.items())
        failed = any(gate.verdict == "FAIL" for gate in session.gates.values())
        other = any(session.seen.get(unit) and now not in session.seen[unit] for unit, now in current.items())
        session.against = (
            session.current
            or any(now in session.blamed.get(unit, ()) for unit, now in current.items())
            or (bool(group.units) and failed and began and not other)
        )


def _mark_machines(sessions: list[Session]) -> None:
    """Mark a session on another libc or CPU than the one before: neither is in F, and floats may come out other."""
    before: Session | None = None
    for session in sessions:
        if not session.machines:
            continue
        if before is not None and session.machines != before.machines:
            now, then = ("; ".join(sorted(found)) or "unknown" for found in (session.machines, before.machines))
            session.notes.append(
                f"{session.day} ran on another libc or CPU than {before.day} ({now}; before: {then}): replay the "
                "recorded calls there, exuvia replay"
            )
        before = session


def _every_day(first: str, last: str) -> list[str]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [(start + timedelta(days=at)).isoformat() for at in range((end - start).days + 1)]


def _back(last: str) -> str:
    return date.fromordinal(max(1, date.fromisoformat(last).toordinal() - LOOK_BACK)).isoformat()


def _midnight(day: str) -> int:
    return (date.fromisoformat(day) - EPOCH).days * DAY


def _belonging(calendar: Calendar, day: str) -> tuple[int, int]:
    """The stretch whose hours belong to a day: no two overlap, and together they leave nothing out."""
    start, end = _midnight(day), _midnight(day) + DAY
    found, following = calendar.session(day), calendar.session(_next(day))
    if found is not None and found.open < start:
        start = found.open
    if following is not None and following.open < end:
        end = following.open
    return start, end


def _whole(here: Session, group: GroupConfig) -> None:
    """Whether the calendar has the whole day, and the day is over."""
    whole = WHOLE.get(group.calendar, 24.0)
    if here.close - here.open < whole * HOUR:
        hours = (here.close - here.open) / HOUR
        here.unsure(f"a half day: {group.calendar} closes early, after {hours:g} of {whole:g} h")
    if here.close > time_ns():
        here.unsure("the session is not over")


def _judge(here: Session, config: Config, group: GroupConfig, seen: activity.Activity, *, written: bool) -> None:
    if group.units and not seen.segments:
        here.unsure("open but silent: no process left evidence of this day")
    elif group.units:
        _units(here, config, group, seen)
    for gate in group.gates.values():
        here.gates[gate.name] = daily.on_day(gate, config.path.parent, _span(here, group.calendar))
    if not group.units:
        here.compared = sum(gate.compared for gate in here.gates.values())
    _judge_gates(here, written=written, units=bool(group.units))
    if not group.units or seen.segments:
        covering.by_activity(here, config, group, seen)


def _span(here: Session, calendar: str) -> daily.Span:
    """The day with its hours, and when its neighbours close and open."""
    found, day = Calendar(calendar), date.fromisoformat(here.day)
    ends: list[int] = []
    for step in (-1, 1):
        for days in range(1, NEIGHBOURS):
            with contextlib.suppress(CalendarError, OverflowError):
                other = found.session((day + timedelta(days=step * days)).isoformat())
                if other is not None:
                    ends.append(other.close if step < 0 else other.open)
                    break
        else:
            ends.append(0)
    return daily.Span(here.day, here.open, here.close, *ends)


def _closed_day(here: Session, calendar: Calendar, seen: activity.Activity, *, written: bool) -> bool:
    """Whether a day without a session has more than a little activity, or something that differs."""
    outside = len(seen.minutes)
    here.compared, here.differed = seen.total("compared"), seen.total("differed")
    if here.differed:
        here.dirty(f"{here.differed:,} of {here.compared:,} compared calls differ, on a day without a session")
    for name in ("panics", "timeouts"):
        if seen.total(name):
            here.dirty(f"{seen.total(name):,} {name} of the candidate, on a day without a session")
    for why in seen.quarantined:
        here.dirty(why)
    if written or outside > CLOSED * WHOLE.get(calendar.name, 24.0) * 60:
        what = f"{outside} minutes were active" if outside else "there are artefacts"
        here.unsure(f"calendar and activity disagree: {calendar.name} is closed on this day and {what}")
    return here.state != "clean"


def _next(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def _units(here: Session, config: Config, group: GroupConfig, of_day: activity.Activity) -> None:
    """What the units' evidence says of the day."""
    here.compared, here.differed = of_day.total("compared"), of_day.total("differed")
    here.modes = tuple(sorted(of_day.modes))
    if here.differed:
        here.dirty(f"{here.differed:,} of {here.compared:,} compared calls differ without a rule")
    for name in ("panics", "timeouts"):
        if of_day.total(name):
            here.dirty(f"{of_day.total(name):,} {name} of the candidate")
    for why in of_day.quarantined:
        here.dirty(why)
    _one_fleet(here, of_day)
    for unit in group.units:
        if not of_day.counts[unit]["compared"]:
            here.unsure(f"nothing was compared of {unit}")
    _served(here, config, group, of_day)
    for unit in group.units:
        missed, compared = of_day.counts[unit]["missed"], of_day.counts[unit]["compared"]
        if missed > DROPS * (missed + compared):
            whose = f" of {unit}" if len(group.units) > 1 else ""
            of = f"{missed:,} of {missed + compared:,} calls{whose} that were to be compared"
            here.unsure(f"{of} were missed: more than {DROPS:.1%}")
    if of_day.total("errors"):
        here.unsure(f"{of_day.total('errors'):,} calls could not be compared")
    for trouble in of_day.trouble[:3]:
        here.unsure(f"its evidence is not whole: {trouble}")


def _served(here: Session, config: Config, group: GroupConfig, of_day: activity.Activity) -> None:
    """Whether the candidate served where the mode says that it does: without that nothing of the mode was tried."""
    for unit in group.units:
        served, calls = of_day.counts[unit]["served"], of_day.counts[unit]["calls"]
        if "canary" in of_day.modes:
            keys = of_day.keys[unit].bit_count()
            # An object keeps its side, and its key was looked at when it was made: perhaps days ago.
            if served >= group.served and (keys >= group.served_keys or unit in of_day.classes):
                continue
            share = config.units[unit].share
            do = "raise share" if share < 1.0 else "wait for more calls"
            here.unsure(
                f"in canary the candidate served {served:,} of {calls:,} calls of {unit}, of {_many(keys, 'key')}; "
                f"{_many(group.served, 'call')} of {_many(group.served_keys, 'key')} are needed: "
                f"{do} (it is {share:.12g}), or lower the group's served and served_keys if a session has no more"
            )
        elif "rust" in of_day.modes and not served:
            here.unsure(f"in rust the candidate served none of {calls:,} calls of {unit}: exuvia status says who did")


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _one_fleet(here: Session, of_day: activity.Activity) -> None:
    """Whether all processes ran the same, in earnest."""
    for unit, seen in of_day.prints.items():
        if len(seen) > 1:
            here.unsure(f"mixed F: {unit} ran as {', '.join(sorted(seen))} on one day")
    if len(of_day.builds) > 1:
        here.unsure(f"two builds in one fleet: {', '.join(sorted(of_day.builds))}")
    if of_day.rehearsal:
        here.unsure("a rehearsal's evidence does not count")
    if len(of_day.hosts) > 1:
        here.notes.append(f"{len(of_day.hosts)} hosts: {'; '.join(sorted(of_day.hosts))}")


def _judge_gates(here: Session, *, written: bool, units: bool) -> None:
    missing = [gate.reasons[0].endswith("is missing") for gate in here.gates.values() if gate.reasons]
    if here.gates and not written and not units and len(missing) == len(here.gates) and all(missing):
        here.unsure("open but silent: neither process left artefacts of this day")
        return
    for gate in here.gates.values():
        if gate.verdict == "FAIL":
            here.dirty(f"gate {gate.gate}: {gate.reasons[0]}")
        elif gate.verdict == "INCONCLUSIVE":
            here.unsure(f"gate {gate.gate}: {gate.reasons[0]}")
