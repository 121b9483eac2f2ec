"""`exuvia report`: one HTML file that needs no network. Every value in it is escaped; it holds no script.

The first screen is for whoever decides, the second for engineers; what follows are details.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from exuvia.build import build_info
from exuvia.migrate.face import advice, details, first, second, whole
from exuvia.migrate.face.html import badge, say
from exuvia.migrate.gates.verdict import UnitStatus, overall
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.worth.compiled import is_compiled

if TYPE_CHECKING:
    from exuvia.migrate.config import Config, GroupConfig
    from exuvia.migrate.evidence.reading import SegmentText
    from exuvia.migrate.gates.judge import GroupVerdict

__all__ = ["Page", "page"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class Page(NamedTuple):
    """A page as it was made.

    Attributes:
        text: HTML.
        verdict: `PASS`, `FAIL` or `INCONCLUSIVE`, as it stands on the page.
        why: The first reason for that.
    """

    text: str
    verdict: str
    why: str


def page(
    title: str,
    config: Config,
    states: list[UnitStatus],
    segments: list[SegmentText],
    runs: dict[str, Any] | None,
) -> Page:
    """Write the whole page, and say the verdict that stands on it.

    Args:
        title: Its title.
        config: The configuration.
        states: The status of each unit.
        segments: The evidence that it stands on.
        runs: As `whole.read_runs` returned it.

    Returns:
        HTML, verdict, and why.
    """
    journal = modes.read(config.evidence)
    groups = _groups(config)
    verdicts = [] if config.rehearsal else _verdicts(config, groups, segments, journal)
    verdict = _overall(states, verdicts)
    stamp = '<span class="stamp">REHEARSAL</span>' if config.rehearsal else ""
    style = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    differing = sum(1 for row in (runs or {}).get("parity", []) if not row["equal"])
    also = f" In the whole-run comparison {differing} artefacts differ." if differing else ""
    known = {found.group: found for found in verdicts}
    todo = [
        advice.advise(
            config, group, [state for state in states if state.unit in group.units], journal, known.get(group.name)
        )
        for group in groups
    ]
    sections = [
        first.headline(states, verdicts, rehearsal=config.rehearsal, compiled=_compiled(config, states)),
        first.tiles(states, verdicts, runs),
        first.next_steps(todo, verdicts),
        details.differences(states) if verdict == "FAIL" and states else "",
        details.units(states) if config.rehearsal else "",
        whole.runs(runs) if runs else "",
        second.sessions(verdicts),
        second.gates(verdicts),
        "" if config.rehearsal else details.units(states),
        second.latency(states),
        second.overhead(states),
        second.strata(verdicts),
        details.calls(states),
        "" if verdict == "FAIL" or (verdicts and not states) else details.differences(states),
        second.shadow(states),
        details.remarks(states, segments),
    ]
    text = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="generator" content="exuvia report">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>"
        f"<header><h1>{escape(title)}</h1>{badge(verdict)}{stamp}</header>"
        f'<p class="soft">{now} · {say(len(states), "unit")}, {say(_processes(segments), "process", "processes")} '
        f"observed.{escape(also)}</p>"
        f"{''.join(sections)}{_footer(config, segments)}</main></body></html>\n"
    )
    return Page(text, verdict, _why(verdict, states, verdicts))


def _groups(config: Config) -> list[GroupConfig]:
    """The declared groups, then units that stand alone."""
    made = dict(config.groups)
    for unit in config.units:
        group = config.group_of(unit)
        made.setdefault(group.name, group)
    return list(made.values())


def _compiled(config: Config, states: list[UnitStatus]) -> set[str]:
    """The units whose candidate is compiled code or calls it, as their source says."""
    here = config.path.parent
    roots: list[Path | str] = [here, here / "src", *(path for path in sys.path if path)]
    known = [state.unit for state in states if state.unit in config.units]
    return {unit for unit in known if is_compiled(config.units[unit].candidate, roots)}


def _verdicts(
    config: Config, groups: list[GroupConfig], segments: list[SegmentText], journal: modes.Journal
) -> list[GroupVerdict]:
    from exuvia.migrate.gates.judge import group_verdict  # noqa: PLC0415 - calendars load only where days count

    return [group_verdict(config, group, segments, journal) for group in groups]


def _overall(states: list[UnitStatus], verdicts: list[GroupVerdict]) -> str:
    """The units' verdict; groups may only lower it."""
    words = {*([overall(states)] if states or not verdicts else []), *(found.verdict for found in verdicts)}
    return next((word for word in ("FAIL", "INCONCLUSIVE") if word in words), "PASS")


def _why(verdict: str, states: list[UnitStatus], verdicts: list[GroupVerdict]) -> str:
    """The first reason for the verdict over all: a unit's, else a group's."""
    if verdict == "PASS":
        compared = say(sum(state.counts["compared"] for state in states), "compared call")
        told = [f"{say(len(states), 'unit')} pass{'es' if len(states) == 1 else ''} in {compared}"] if states else []
        whole = [say(len(verdicts), "group")] if verdicts and not states else []
        return " ".join([*told, *whole])
    units = (f"{state.unit}: {state.reason}" for state in states if state.verdict == verdict)
    groups = (
        f"group {found.group}: {reason}" for found in verdicts if found.verdict == verdict for reason in found.reasons
    )
    return next(units, None) or next(groups, "no unit is declared")


def _processes(segments: list[SegmentText]) -> int:
    return len({segment.header.get("process", segment.path.name) for segment in segments})


def _footer(config: Config, segments: list[SegmentText]) -> str:
    info = build_info()
    pythons = sorted({str(segment.header.get("python", "?")) for segment in segments})
    hosts = sorted({str(segment.header.get("host", "?")) for segment in segments})
    facts = [
        f"exuvia {info['version']}, commit {info['commit']}, profile {info['profile']}, {info['abi']}, "
        f"{info['target']}",
        f"extension SHA-256 {info['sha256']}",
        f"Python {', '.join(pythons) or '–'} on {', '.join(hosts) or '–'}",
        f"configuration {config.path.name}, calendar {config.calendar}",
    ]
    return f"<footer>{'<br>'.join(escape(fact) for fact in facts)}</footer>"
