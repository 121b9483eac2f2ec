"""`exuvia status` as a table that fits 100 columns."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from exuvia.migrate.durations import duration
from exuvia.migrate.gate import UnitStatus, overall

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

__all__ = ["render"]

WIDTH = 100
COLOURS = {"PASS": "bold green", "FAIL": "bold red", "INCONCLUSIVE": "bold yellow"}
DIFFERENCES = 5
NAME = 26


def render(states: list[UnitStatus], out: TextIO | None = None, *, rehearsal: bool = False) -> None:
    """Print the table and, below it, what differs.

    Args:
        states: The units.
        out: Where to; standard output otherwise.
        rehearsal: Whether to stamp it.
    """
    stream = out or sys.stdout
    console = Console(file=stream, width=None if stream.isatty() else WIDTH, highlight=False)
    console.width = min(console.width, WIDTH)
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left", padding=(0, 1, 0, 0))
    table.add_column("unit", overflow="fold", ratio=1)
    table.add_column("mode", no_wrap=True)
    for name in ("legacy", "rust", "compared", "differ", "legacy t", "rust t", "ratio"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for state in states:
        counts, verdict = state.counts, state.verdict
        mode = state.mode
        if state.effective is not None and state.effective != state.mode:
            mode = f"{mode}→{state.effective}"
        table.add_row(
            state.unit if len(state.unit) <= NAME else state.unit.replace(":", ":\n  "),
            mode,
            *(_count(counts[name]) for name in ("legacy_calls", "candidate_calls", "compared", "differed")),
            duration(counts["legacy_ns"]) if counts["compared"] else "–",
            duration(counts["candidate_ns"]) if counts["compared"] else "–",
            f"{state.speedup:.1f}×" if state.speedup else "–",
            Text(verdict, style=COLOURS[verdict]),
        )
    if rehearsal:
        console.print(Text("REHEARSAL: loopback only, this evidence does not count", style="bold magenta"))
    console.print(table)
    for state in states:
        for line in _remarks(state):
            console.print(line, soft_wrap=False)
    total = overall(states)
    console.print(Text.assemble("overall: ", (total, COLOURS[total])))


def _remarks(state: UnitStatus) -> Iterable[Text]:
    if state.verdict != "PASS":
        yield Text.assemble((f"{state.unit}: ", "bold"), state.reason)
    for (place, kind), count in state.places.most_common(DIFFERENCES):
        example = next((e for e in state.examples if e.get("place") == place and e.get("difference") == kind), None)
        values = f": legacy {_cut(example['legacy'])}, candidate {_cut(example['candidate'])}" if example else ""
        yield Text(f"  {place}  {kind} ×{count:,}{values}")
    if len(state.places) > DIFFERENCES:
        yield Text(f"  … and {len(state.places) - DIFFERENCES} further places")
    for reason, count in state.reasons.most_common(3):
        yield Text(f"  not compared ×{count:,}: {reason}", style="yellow")
    for (path, rule), hits in state.ignored.most_common(3):
        yield Text(f"  ignored ×{hits:,}: {path} by {rule}", style="dim")
    for note in state.notes[:3]:
        yield Text(f"  note: {note}", style="dim")


def _count(number: int) -> str:
    if number < 1_000_000:
        return f"{number:,}"
    return f"{number / 1e6:,.1f}M"


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"
