"""`exuvia drill`: a real rollback of a group, measured until every process serves legacy, then put back."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from exuvia.errors import MigrateError
from exuvia.migrate.evidence import reading
from exuvia.migrate.modes import frozen, hooks, overlays, standing
from exuvia.migrate.modes import judging as gate
from exuvia.migrate.modes.entries import MODES
from exuvia.migrate.modes.names import group_named
from exuvia.migrate.modes.steps import trusted
from exuvia.migrate.modes.writing import open_journal
from exuvia.migrate.own import time

if TYPE_CHECKING:
    from exuvia.migrate.config import Config, GroupConfig
    from exuvia.migrate.evidence.reading import SegmentText
    from exuvia.migrate.modes.judging import Judge
    from exuvia.migrate.modes.said import Journal

__all__ = ["Drilled", "drill"]

STEP_S = 0.02
TOLD_S = 2.5
"""Each process writes its counters every second: so long a call may stay untold."""
HEARD_S = 12.5
"""Each process writes something every ten seconds, whatever it does."""
SERVED = ("canary", "rust")


@dataclass(slots=True)
class Drilled:
    """What a drill measured.

    Attributes:
        name: The group.
        stood: Where it stood before, and stands again unless the drill failed.
        verdict: `PASS`, `FAIL` if a process did not follow in time, `INCONCLUSIVE` if there was nothing to measure.
        why: In words.
        processes: Seconds until each process served legacy, by host and pid; `None` never did.
        longest_s: The longest of them.
        put_back: Whether the group stands where it stood.
    """

    name: str
    stood: str
    verdict: str = "INCONCLUSIVE"
    why: str = ""
    processes: dict[str, float | None] = field(default_factory=dict)
    longest_s: float | None = None
    put_back: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for `--json`."""
        return {"overall": self.verdict, **asdict(self)}


def drill(config: Config, name: str, *, timeout_s: float = 30.0, judge: Judge = gate.judge) -> Drilled:
    """Roll a group back, wait until every process that runs it serves legacy, and put it back.

    Args:
        config: The configuration.
        name: A unit or a group.
        timeout_s: How long a process may take; then the drill fails and the group stays in legacy.
        judge: What knows F of the units.

    Returns:
        What was measured; `INCONCLUSIVE`, and nothing rolled back, where no process runs the group or the candidate
        served nothing that a rollback could take from it.

    Raises:
        ConfigError: For a name that is not declared.
        MigrateError: If the group stands in legacy, or the journal cannot be trusted.
    """
    group = group_named(config, name)
    journal = trusted(config)
    judged = judge(config, group, journal, "rust")
    found = Drilled(group.name, standing.of_group(config, journal, group, f=judged.f).mode)
    if found.stood in (MODES[0], MODES[-1]):
        raise MigrateError(f"{group.name} stands in {found.stood}: there is nothing to roll back")
    stops = frozen.reasons(config, group, journal, glass=False, now_ns=journal.now())
    if stops:
        found.why = f"what is rolled back now could not be put back: {'; '.join(stops)}"
        return found
    live = _modes_by_process(config, group)
    if not live:
        found.why = f"no process runs {group.name}: start the program, then drill"
        return found
    idle = _idle(config, group, found.stood)
    if idle is not None:
        found.why = idle
        return found
    start = _lower(config, group, journal)
    _measure(config, group, found, set(live), start=start, timeout_s=timeout_s)
    if found.verdict == "PASS":
        _put_back(config, group, found, journal)
    else:
        hooks.call(config, {"event": "fail", "unit": group.name, "cause": f"drill: {found.why}"})
    with open_journal(config.evidence) as pen:
        pen.append(
            {
                "kind": "drill",
                "unit": group.name,
                "from": found.stood,
                "f": judged.f,
                "outcome": found.verdict,
                "longest_s": found.longest_s,
                "processes": len(found.processes),
            }
        )
    return found


def _idle(config: Config, group: GroupConfig, stood: str) -> str | None:
    """Why a rollback would show nothing: the candidate serves in no living process. `None` if it does."""
    if stood not in SERVED:
        return f"{group.name} stands in {stood}, where legacy serves every call: drill in canary or rust"
    end = time.monotonic() + TOLD_S
    while not (calls := _calls(config, group))["candidate_calls"] and time.monotonic() < end:
        time.sleep(10 * STEP_S)
    legacy = calls["legacy_calls"]
    if calls["candidate_calls"]:
        return None
    if not legacy:
        return (
            f"no call came since {group.name} stands in {stood}: a rollback of that shows nothing; let the program work"
        )
    do = "see exuvia status for who did"
    if stood == "canary":
        shares = ", ".join(sorted({f"{config.units[unit].share:.12g}" for unit in group.units}))
        do = f"raise share ({shares} now) or wait for a key that it covers"
    return (
        f"the candidate served none of {legacy:,} calls since {group.name} stands in {stood}, so a rollback takes "
        f"nothing from it: {do}, then drill again"
    )


def _calls(config: Config, group: GroupConfig) -> Counter[str]:
    """Calls that each side served in the living processes since the group stands where it stands."""
    calls: Counter[str] = Counter()
    for segment in reading.read_folder(config.evidence):
        for unit in () if segment.ended else group.units:
            calls.update(segment.counters.get(unit, {}).get("since_flip", {}))
    return calls


def _lower(config: Config, group: GroupConfig, journal: Journal) -> int:
    """Write legacy as a rollback does; returns when, in UTC nanoseconds."""
    start = time.time_ns()
    with open_journal(config.evidence, lowers=True) as pen:
        if pen.read().head != journal.head:
            raise MigrateError("someone else wrote the mode journal meanwhile: look, and drill again")
        pen.append({"unit": group.name, **_units(group), "mode": MODES[0], "reason": "drill", "drill": True})
    overlays.publish(config)
    return start


def _units(group: GroupConfig) -> dict[str, Any]:
    return {"units": list(group.units)} if group.units and group.units != (group.name,) else {}


def _measure(
    config: Config, group: GroupConfig, found: Drilled, waiting: set[str], *, start: int, timeout_s: float
) -> None:
    end = time.monotonic() + timeout_s
    heard_by = time.monotonic() + max(timeout_s, HEARD_S)
    left = set(waiting)
    untaken: dict[str, list[str]] = {}
    while left:
        now = _modes_by_process(config, group)
        for process in sorted(left):
            # A process that has ended serves nothing any more.
            seen = now.get(process, _Process(time.time_ns(), [], 0))
            if seen.since is None or (seen.untaken and seen.heard <= start):
                # What it has taken up before this is written for sure only once it has written something after.
                continue
            found.processes[process] = max(0.0, (seen.since - start) / 1e9)
            left.discard(process)
            if seen.untaken:
                untaken[process] = seen.untaken
        unheard = all(process in now and now[process].since is not None for process in left)
        if time.monotonic() > (heard_by if unheard else end):
            break
        if left:
            time.sleep(STEP_S)
    found.processes.update(dict.fromkeys(left))
    measured = [took for took in found.processes.values() if took is not None]
    found.longest_s = max(measured, default=None)
    if left:
        found.verdict = "FAIL"
        found.why = f"{', '.join(sorted(left))} did not serve legacy within {timeout_s:g} s: the group stays in legacy"
        return
    found.verdict = "PASS"
    found.why = f"{len(measured)} processes served legacy, the last after {found.longest_s:.3f} s"
    for process, units in sorted(untaken.items()):
        found.why += f"; {process} has not taken up {', '.join(units)}: legacy serves that there in any case"


@dataclass(slots=True)
class _Process:
    """What a living process says of a group: since when legacy serves all of it, `None` if it does not."""

    since: int | None
    untaken: list[str]
    heard: int


def _modes_by_process(config: Config, group: GroupConfig) -> dict[str, _Process]:
    """Look at the living processes of a group.

    A unit whose module a process has not imported, or that was not taken up there, has no mode on record, and legacy
    serves it: there is no candidate that could.
    """
    files: dict[str, list[SegmentText]] = {}
    for segment in reading.read_folder(config.evidence):
        if not segment.ended and any(unit in segment.header.get("fingerprints", {}) for unit in group.units):
            files.setdefault(f"{segment.header.get('host')}:{segment.header.get('pid')}", []).append(segment)
    found = {}
    for process, mine in files.items():
        known = {unit for segment in mine for unit in segment.header.get("fingerprints", {})}
        last = {entry["unit"]: entry for segment in mine for entry in segment.modes}
        stand = [last[unit] for unit in group.units if unit in last]
        legacy = all(entry.get("mode") == MODES[0] for entry in stand)
        since = max((int(entry["at"]) for entry in stand), default=0) if legacy else None
        untaken = [unit for unit in group.units if unit in known and unit not in last]
        found[process] = _Process(since, untaken, max(segment.last_at for segment in mine))
    return found


def _put_back(config: Config, group: GroupConfig, found: Drilled, before: Journal) -> None:
    """Raise the group to where it stood, unless someone lowered it meanwhile for a reason of their own."""
    name = group.units[0] if group.units else group.name
    was = before.entries.get(name) or before.entries.get("*", {})
    words = ("f", "was", "break_glass", "until_ns", "worth", "rehearsal")
    kept: dict[str, Any] = {word: was[word] for word in words if word in was}
    if before.under_glass(name):
        kept["was"] = before.unbroken[name]
    with open_journal(config.evidence) as pen:
        now = pen.read()
        mine = {group.name, *group.units, "*"}
        since = [entry for entry in now.lines[len(before.lines) :] if entry.get("unit", "*") in mine]
        lowered = [entry for entry in since if entry.get("kind") in ("mode", "quarantine", "frozen")]
        if now.broken is not None or len(lowered) != 1 or standing.killed(config):
            found.why += "; it stays in legacy: someone rolled it back meanwhile, or froze promotions"
            return
        again = {"unit": group.name, **_units(group), "mode": found.stood, "reason": "drill over", "drill": True}
        pen.append({**again, **kept})
    overlays.publish(config)
    found.put_back = True
