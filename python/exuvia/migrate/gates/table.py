"""A group's verdict for the terminal: tables that fit 80 columns, and each reason once, below the day it is of."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from exuvia.migrate.gates import bounds

if TYPE_CHECKING:
    from exuvia.migrate.gates.judge import GroupVerdict

__all__ = ["render"]

COLOURS = {"PASS": "green", "FAIL": "bold red", "INCONCLUSIVE": "yellow"}
STATES = {"clean": "green", "dirty": "bold red", "inconclusive": "yellow"}
LAST = 12


def render(verdict: GroupVerdict, console: Console | None = None) -> None:
    """Print a verdict.

    Args:
        verdict: The verdict.
        console: Where to; standard output if it is not given.
    """
    out = console or Console(highlight=False)
    days = verdict.bounds.get("days", {})
    head = Text(verdict.verdict, style=COLOURS[verdict.verdict])
    head.append(f"  {verdict.group}, as of {verdict.day or 'no day'}", style="default not bold")
    out.print(head)
    for reason in verdict.reasons:
        _line(out, reason)
    if verdict.sessions:
        out.print(_sessions(verdict))
        for line in _why(verdict):
            _line(out, line)
    if verdict.gates:
        out.print(_gates(verdict))
        for gate in verdict.gates:
            shown = [_interval(name, found) for name, found in _widest(gate.intervals)]
            told = "; ".join(gate.reasons[:1] or shown)
            if told and f"gate {gate.gate}: {told}" not in verdict.reasons:
                _line(out, f"{gate.gate}: {told}")
    _line(out, f"by days: {bounds.in_words(days, verdict.needed)}", indent="")
    for found in verdict.bounds.get("strata", []):
        _line(out, _stratum(found))
    for note in verdict.notes:
        _line(out, f"note: {note}", indent="")


def _line(out: Console, text: str, indent: str = "  ") -> None:
    """Print a sentence; what does not fit goes on below, further in."""
    wrapped = textwrap.wrap(
        text, max(40, out.width), initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False
    )
    out.print(Text("\n".join(wrapped)))


def _sessions(verdict: GroupVerdict) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("day", "session", "active", "compared", "differed"):
        table.add_column(name, justify="left" if name in ("day", "session") else "right", no_wrap=True)
    for session in verdict.sessions[-LAST:]:
        active = "–" if session.activity is None else f"{session.activity:.1%}"
        table.add_row(
            session.day,
            Text(session.state, style=STATES[session.state]),
            active,
            f"{session.compared:,}",
            f"{session.differed:,}",
        )
    return table


def _why(verdict: GroupVerdict) -> list[str]:
    """Why sessions do not count, where the verdict's own reasons do not say so; days in a row share a line."""
    said = [reason for reason in verdict.reasons if reason[:4].isdigit()]
    found: list[tuple[list[str], str]] = []
    before = ""
    for session in verdict.sessions[-LAST:]:
        above = " ".join(reason for reason in said if reason.startswith(session.day))
        reasons = [reason for reason in session.reasons if reason not in above]
        # A day without evidence has no F: it is not another one.
        reasons += ["another F"] if not session.current and session.f is not None else []
        why = "; ".join(reasons)
        if why and why == before:
            found[-1][0].append(session.day)
        elif why:
            found.append(([session.day], why))
        before = why
    return [f"{days[0]}{f' to {days[-1]}' if len(days) > 1 else ''}: {why}" for days, why in found]


def _gates(verdict: GroupVerdict) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("gate", "kind", "verdict", "days"):
        table.add_column(name, no_wrap=True)
    for gate in verdict.gates:
        table.add_row(gate.gate, gate.kind, Text(gate.verdict, style=COLOURS[gate.verdict]), str(gate.days))
    return table


def _widest(intervals: dict[str, dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """The two intervals whose ends are furthest out."""

    def reach(item: tuple[str, dict[str, Any]]) -> float:
        ends = [item[1][end] for end in ("low", "high")]
        return -max(float("inf") if end is None else abs(end) for end in ends)

    return sorted(intervals.items(), key=reach)[:2]


def _interval(name: str, found: dict[str, Any]) -> str:
    ends = ["…" if found[end] is None else f"{found[end]:.4g}" for end in ("low", "high")]
    return f"{name} {found['estimate']:.4g} ({ends[0]} to {ends[1]}), limit {found['limit']}"


def _stratum(found: dict[str, Any]) -> str:
    name = f"{found['unit']} {found['effect']} {found['stratum']}".strip()
    thin = ", thin" if found["thin"] else ""
    return f"by calls: {name}: {found['differed']:,} of {found['compared']:,} differ, up to {found['bound']:.2%}{thin}"
