"""A group's verdict as a table for the terminal, within 100 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

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
        out.print(Text(f"  {reason}"))
    if verdict.sessions:
        out.print(_sessions(verdict))
    if verdict.gates:
        out.print(_gates(verdict))
    out.print(Text(_days(days, verdict.needed)))
    for found in verdict.bounds.get("strata", []):
        out.print(Text(f"  {_stratum(found)}"))
    for note in verdict.notes:
        out.print(Text(f"note: {note}"))


def _sessions(verdict: GroupVerdict) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("day", "session", "active", "compared", "differed", "why"):
        table.add_column(name, justify="right" if name in ("active", "compared", "differed") else "left")
    for session in verdict.sessions[-LAST:]:
        active = "–" if session.activity is None else f"{session.activity:.1%}"
        reason = "; ".join(session.reasons) + ("" if session.current else " (another F)")
        table.add_row(
            session.day,
            Text(session.state, style=STATES[session.state]),
            active,
            f"{session.compared:,}",
            f"{session.differed:,}",
            Text(reason),
        )
    return table


def _gates(verdict: GroupVerdict) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("gate", "kind", "verdict", "days", "what"):
        table.add_column(name)
    for gate in verdict.gates:
        said = gate.reasons[:1] or [_interval(name, found) for name, found in _widest(gate.intervals)]
        table.add_row(
            gate.gate, gate.kind, Text(gate.verdict, style=COLOURS[gate.verdict]), str(gate.days), Text("; ".join(said))
        )
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


def _days(days: dict[str, Any], needed: int) -> str:
    stricter = days["stricter"]
    return (
        f"by days: {days['clean']} of {needed} clean sessions leave up to {days['bound']:.0%} of days; "
        f"the stricter bound, {stricter['share']:.0%}, takes {stricter['sessions']} clean (replayed) sessions, "
        f"{stricter['more']} more"
    )


def _stratum(found: dict[str, Any]) -> str:
    name = f"{found['unit']} {found['effect']} {found['stratum']}".strip()
    thin = ", thin" if found["thin"] else ""
    return f"by calls: {name}: {found['differed']:,} of {found['compared']:,} differ, up to {found['bound']:.2%}{thin}"
