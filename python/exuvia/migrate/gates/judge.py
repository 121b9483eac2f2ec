"""The verdict on a group: sessions, bounds, business gates and self-test brought to one word.

PASS needs all of it at once: as many clean sessions as the group asks for, all of the F that would run now; no session
of that F that differs; every business gate; a self-test that caught everything. One session that differs ends the count
for its F: only then may the bounds be looked at every day. The count starts again with the next F (the code is changed,
or the difference is declared), or for a group of artefacts when somebody says so, with a cause (`restarts`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from exuvia.errors import CalendarError, MigrateError
from exuvia.migrate.comparator import ledger
from exuvia.migrate.gates import bounds, drills, latency, restarts, runs, selftest, settled, stays, unread
from exuvia.migrate.gates.prints import current_f
from exuvia.migrate.gates.sessions import Session, sessions_of
from exuvia.migrate.gates.verdict import EXIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exuvia.migrate.config import Config, GroupConfig
    from exuvia.migrate.evidence.reading import SegmentText
    from exuvia.migrate.modes.journal import Journal

__all__ = ["GroupVerdict", "group_verdict"]

STEPS = {"canary": "shadow", "rust": "canary", "retired": "rust"}
"""For each step, the mode in which its sessions must have been seen."""


@dataclass(slots=True)
class GroupVerdict:
    """What is known of a group on a day.

    Attributes:
        group: Its name.
        verdict: `PASS`, `FAIL` or `INCONCLUSIVE`.
        reasons: Why not PASS.
        bounds: By days, and by calls for each stratum.
        sessions: Its sessions in order.
        gates: Its business gates over the sessions that count.
        f: The F that would run now.
        day: The day that was asked for, or the last one.
        to: The step, if one was named.
        notes: What else should be known: thin strata, what was left out.
        needed: Clean sessions that the group asks for.
        ahead: Why the next step would be FAIL, where none was named: what more sessions do not mend.
    """

    group: str
    verdict: str = "PASS"
    reasons: list[str] = field(default_factory=list)
    bounds: dict[str, Any] = field(default_factory=dict)
    sessions: list[Session] = field(default_factory=list)
    gates: list[runs.GateRun] = field(default_factory=list)
    f: str | None = None
    day: str | None = None
    to: str | None = None
    notes: list[str] = field(default_factory=list)
    needed: int = 0
    ahead: list[str] = field(default_factory=list)

    def fails(self, reason: str) -> None:
        """Note what was seen and must not be."""
        self.verdict = "FAIL"
        self.reasons.insert(0, reason)

    def unknown(self, reason: str) -> None:
        """Note what is missing; it never mends a FAIL."""
        if self.verdict != "FAIL":
            self.verdict = "INCONCLUSIVE"
        if reason not in self.reasons:
            self.reasons.append(reason)

    @property
    def exit_code(self) -> int:
        """The exit code of the command line."""
        return EXIT[self.verdict]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for `--json`."""
        today = next((session for session in self.sessions if session.day == self.day), None)
        return {
            "overall": self.verdict,
            "group": self.group,
            "day": self.day,
            "day_alone": today.verdict if today else "INCONCLUSIVE",
            "to": self.to,
            "f": self.f,
            "reasons": self.reasons,
            "notes": self.notes,
            "ahead": self.ahead,
            "sessions_needed": self.needed,
            "sessions_clean": self.bounds.get("days", {}).get("clean", 0),
            "bounds": self.bounds,
            "gates": [gate.as_dict() for gate in self.gates],
            "sessions": [session.as_dict() for session in self.sessions],
        }


def group_verdict(
    config: Config,
    group: GroupConfig,
    segments: Sequence[SegmentText],
    journal: Journal,
    *,
    to: str | None = None,
    day: str | None = None,
) -> GroupVerdict:
    """Judge a group.

    Args:
        config: The configuration.
        group: The group.
        segments: As `read_folder` returns them.
        journal: The mode journal.
        to: The step that is asked for: `canary`, `rust` or `retired`; sessions of the mode before it count.
        day: The day that is looked at: what came after it is left out, and its own session must be clean.
    """
    made = GroupVerdict(group.name, to=to, day=day, needed=group.sessions)
    if journal.broken is not None:
        made.unknown(f"the mode journal cannot be trusted: {journal.broken}")
    made.f = current_f(config, group, segments)
    try:
        if not group.units and made.f is not None:
            settled.note(config.evidence, group.name, made.f)
        made.sessions = sessions_of(config, group, segments, until=day, drills=drills.spans(journal, group))
    except CalendarError as error:
        made.unknown(f"calendar: {error}")
    except MigrateError as error:
        made.unknown(str(error))
    made.day = day or (made.sessions[-1].day if made.sessions else None)
    counted = _counted(made, config, group, journal)
    clean = [session for session in counted if session.state == "clean"]
    dirty = [session for session in counted if session.state == "dirty"]
    _judge_sessions(made, clean, dirty)
    for reason in unread.reasons(made, config, group, segments, day):
        made.unknown(reason)
    _judge_gates(made, group, counted, len(clean))
    made.notes += dict.fromkeys(note for session in counted for note in session.notes)
    if not group.units and not group.gates:
        made.unknown("the group has neither units nor gates: nothing is compared")
    _bound(made, config, group, segments, clean, dirty)
    _judge_ledger(made, config, group, segments, day)
    for unit in group.units:
        caught = selftest.trouble(config.units[unit], segments, made.notes, config.path.parent)
        if caught:
            made.unknown(caught)
    if to == "canary" or (to is None and _leads_to_canary(made)):
        slower, measured = latency.judged(config, group, _of_now(group, config, segments, made.day))
        if to is None:
            made.ahead = [reason for verdict, reason in slower if verdict == "FAIL"]
            made.notes[:0] = [f"the step to canary would be FAIL, however many sessions: {why}" for why in made.ahead]
            return made
        made.notes += measured
        for verdict, reason in slower:
            (made.fails if verdict == "FAIL" else made.unknown)(reason)
    return made


def _counted(made: GroupVerdict, config: Config, group: GroupConfig, journal: Journal) -> list[Session]:
    """The sessions of the F of now, in the mode before the step, after the last restart."""
    restarted = [] if group.units else restarts.read(config.evidence, group.name)
    since = max((at for at, _ in restarted), default=0)
    counted, other, modes = [], 0, 0
    before = STEPS.get(str(made.to), "")
    # Side by side is what shadow is, whoever said so and when; what comes after it is told by the journal alone.
    stood = None if group.units or before in ("", "shadow") else stays.stays(journal, group, before)
    for session in made.sessions:
        if session.open and session.open < since:
            continue
        if session.state == "dirty" and session.against:
            # Whatever mode it was in, and whatever else ran that day: a difference of this F ends its count.
            counted.append(session)
        elif not session.current and (session.f is not None or session.state == "dirty"):
            other += 1
        elif (before and session.modes and "?" not in session.modes and session.modes != (before,)) or (
            stood is not None and not stays.within(stood, session.open, session.close)
        ):
            modes += 1
        else:
            counted.append(session)
    if not group.units:
        counted = _last_build(made, counted)
    if other:
        made.notes.append(f"{other} sessions of another F are not counted: the count started again with the new one")
    if modes:
        which = "" if stood is None else f": those count that open after the promotion to {before}"
        made.notes.append(f"{modes} sessions were not in mode {before} and are not counted{which}")
    if restarted:
        times = "once" if len(restarted) == 1 else f"{len(restarted)} times"
        chance = f"{(len(restarted) + 1) * bounds.ALPHA:.0%}"
        made.notes.append(
            f"the count was started again {times}, last because of: {restarted[-1][1]}; over all of them "
            f"what is forbidden passes with a chance of up to {chance}"
        )
    return counted


def _last_build(made: GroupVerdict, sessions: list[Session]) -> list[Session]:
    """Of processes that name their build, the sessions of the last one: a new build is a new count."""
    builds = [
        {
            (name, side, one)
            for name, gate in session.gates.items()
            for side, all_ in gate.builds.items()
            for one in all_
        }
        for session in sessions
    ]
    last = next((found for found in reversed(builds) if found), set())
    kept = []
    for session, found in zip(sessions, builds, strict=True):
        if found and found != last and session.state == "dirty" and _candidates(found) & _candidates(last):
            # The last build ran on a part of it, and what fails does not say which of them wrote it.
            session.reasons[0] += (
                f" (the last build ran on a part of {session.day}; if another one did this, say so: "
                f'exuvia gate {made.group} --restart "WHY")'
            )
            kept.append(session)
        elif not found or found == last:
            kept.append(session)
    if len(kept) < len(sessions):
        made.notes.append(f"{len(sessions) - len(kept)} sessions of another build are not counted")
    return kept


def _judge_gates(made: GroupVerdict, group: GroupConfig, counted: list[Session], clean: int) -> None:
    for gate in group.gates.values():
        seen = [session.gates[gate.name] for session in counted if session.state != "inconclusive"]
        run = runs.over_days(gate, seen, group.sessions)
        made.gates.append(run)
        if run.verdict == "FAIL":
            made.fails(f"gate {gate.name}: {run.reasons[0]}")
        elif run.verdict != "PASS" and clean >= group.sessions:
            made.unknown(f"gate {gate.name}: {run.reasons[0]}")
        if run.thin:
            made.notes.append(f"gate {gate.name}: too few days to stand alone: {', '.join(run.thin)}")
        made.notes += run.notes


def _leads_to_canary(made: GroupVerdict) -> bool:
    """Whether the next step is the one into a canary: what that asks is asked from the first day on."""
    return bool(made.sessions) and made.sessions[-1].modes == ("shadow",)


def _judge_ledger(
    made: GroupVerdict, config: Config, group: GroupConfig, segments: Sequence[SegmentText], day: str | None
) -> None:
    """What is declared holds over all processes and days of the F of now, or it is a difference again."""
    on = None if day is None else date.fromisoformat(day)
    for unit, counters in _of_now(group, config, segments, day).items():
        hits: Counter[tuple[str, str]] = Counter()
        for counted in counters:
            for path, rule, count in counted.get("ignored", ()):
                hits[path, rule] += count
        for line in ledger.of_unit(config.units[unit], hits, on):
            if line.fails:
                made.fails(f"{unit}: {line.fails}")


def _candidates(builds: set[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    return {one for one in builds if one[1] == "candidate"}


def _judge_sessions(made: GroupVerdict, clean: list[Session], dirty: list[Session]) -> None:
    for session in dirty[:3]:
        made.fails(f"{session.day} is dirty: {session.reasons[0]}; the count starts again with the next F")
    if not made.sessions:
        made.unknown("nothing is on record, so nothing was compared: no evidence of its units and no artefacts")
    today = next((session for session in made.sessions if session.day == made.day), None)
    if today is None:
        if made.day is not None:
            made.unknown(f"{made.day} is not a session of its calendar, or nothing is on record of it")
    elif today.state == "inconclusive":
        made.unknown(f"{today.day}: {'; '.join(today.reasons)}")
    if len(clean) < made.needed:
        made.unknown(f"{len(clean)} of {made.needed} clean sessions")
        for session in [found for found in made.sessions if found.state == "inconclusive"][-3:]:
            if session is not today:
                made.reasons.append(f"{session.day} does not count: {session.reasons[0]}")


def _bound(  # noqa: PLR0917 - all that a bound needs
    made: GroupVerdict,
    config: Config,
    group: GroupConfig,
    segments: Sequence[SegmentText],
    clean: list[Session],
    dirty: list[Session],
) -> None:
    strata: list[dict[str, Any]] = []
    counters = _of_now(group, config, segments, made.day)
    for unit in group.units:
        strata += bounds.strata_of(unit, config.units[unit].effect, counters.get(unit, []))
    made.bounds = {"alpha": bounds.ALPHA, "days": bounds.by_days(len(clean), len(dirty)), "strata": strata}
    if strata:
        whole = [sum(found[name] for found in strata) for name in ("compared", "differed")]
        made.bounds["calls"] = bounds.by_calls(*whole)
    thin = [found for found in strata if found["thin"]]
    if thin:
        names = ", ".join(f"{found['unit']} {found['stratum']}".strip() for found in thin[:5])
        made.notes.append(f"{len(thin)} thin strata, more than {bounds.THIN:.0%} of their calls may differ: {names}")
    for found in strata:
        if not found["compared"]:
            made.unknown(f"stratum {found['stratum']!r} of {found['unit']}: nothing was compared")


def _of_now(
    group: GroupConfig, config: Config, segments: Sequence[SegmentText], day: str | None
) -> dict[str, list[dict[str, Any]]]:
    """Counters of the processes that ran what would run now, by unit; of those that began after the day, none."""
    from exuvia.migrate import fingerprint  # noqa: PLC0415 - only where evidence is judged

    found: dict[str, list[dict[str, Any]]] = {}
    for segment in segments:
        days = [str(entry.get("day")) for entry in getattr(segment, "sessions", ())]
        if day is not None and days and min(days) > day:
            continue
        for unit in group.units:
            recorded = segment.header.get("fingerprints", {}).get(unit)
            if recorded is None or unit not in segment.counters or segment.header.get("rehearsal"):
                continue
            if fingerprint.current(config, config.units[unit], segment.header) == recorded:
                found.setdefault(unit, []).append(segment.counters[unit])
    return found
