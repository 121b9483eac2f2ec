"""The report's details: every unit, calls compared, differences by path, and what else should be known."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from exuvia.migrate.face import plots
from exuvia.migrate.face.durations import duration
from exuvia.migrate.face.html import badge, code, heads, legend, section, table, unit, value
from exuvia.migrate.gates import mending
from exuvia.migrate.gates.pace import PLACE, figure

if TYPE_CHECKING:
    from exuvia.migrate.evidence.reading import SegmentText
    from exuvia.migrate.gates.verdict import UnitStatus

__all__ = ["PLACES", "calls", "differences", "remarks", "units"]

EXAMPLES = 12
PLACES = (
    "ratio: how many times as fast the candidate is in a call (geometric mean), shown only where its 95 % interval "
    "excludes 1. The two sides ran in different processes, one in the program and the other in its worker. Caches and "
    f"load differ between those, so a microsecond a call and a factor of {PLACE:g} either way are counted as theirs. "
    "What a whole run gains is measured by exuvia bench, which runs it before and after in turns, alike on both sides."
)


def units(states: list[UnitStatus]) -> str:
    """Return every unit with its calls, times and verdict.

    Args:
        states: The units.
    """
    rows = []
    for state in states:
        counts = state.counts
        ceiling = state.file or state.mode
        moved = f" → {escape(state.effective)}" if state.effective not in (None, ceiling) else ""
        per_call = [
            duration(counts[side] / counts["compared"]) if counts[side] and counts["compared"] else "–"
            for side in ("legacy_ns", "candidate_ns")
        ]
        rows.append(
            f"<tr>{unit(state.unit)}<td>{badge(state.verdict, state.reason)}</td>"
            f"<td>{escape(ceiling)}{moved}</td>"
            + "".join(
                f'<td class="n">{_called(state, side)}</td>'
                for side in ("legacy_calls", "candidate_calls", "compared", "differed")
            )
            + "".join(f'<td class="n">{each}</td>' for each in per_call)
            + f"{_ratio(state)}</tr>"
        )
    heads = ("legacy calls", "candidate calls", "compared", "differ", "legacy / call", "candidate / call", "ratio")
    head = "<th>unit</th><th>verdict</th><th>mode</th>" + "".join(f'<th class="n">{each}</th>' for each in heads)
    note = f'<p class="soft">{escape(PLACES)}</p>' if any(state.pace is not None for state in states) else ""
    return section("Units", f'<div class="scroll"><table><tr>{head}</tr>{"".join(rows)}</table></div>{note}')


def _ratio(state: UnitStatus) -> str:
    """The ratio of both sides' times, if there is one to show."""
    found = state.pace
    if found is None:
        return '<td class="n">–</td>'
    if not found.shown:
        return '<td class="n soft fold">no difference shown</td>'
    return f'<td class="n" title="{escape(str(found), quote=True)}">{figure(found.ratio)}×</td>'


def _called(state: UnitStatus, name: str) -> str:
    """Calls of one side; legacy mode runs the original code and counts none."""
    if name == "legacy_calls" and state.mode == "legacy" and not state.counts[name]:
        return '<span title="legacy mode runs the original code: not counted">–</span>'
    return f"{state.counts[name]:,}"


def calls(states: list[UnitStatus]) -> str:
    """Return how many calls were compared.

    Args:
        states: The units.
    """
    rows = [
        (
            state.unit,
            (
                ("equal", float(state.counts["compared"] - state.counts["differed"])),
                ("differs", float(state.counts["differed"])),
            ),
        )
        for state in states
    ]
    plot = plots.stacked_bars(rows, "Compared calls by unit", "calls")
    return section("Calls compared", legend(("equal", "equal"), ("differs", "differs")) + plot) if plot else ""


def differences(states: list[UnitStatus]) -> str:
    """Return the differences by path, each with its first example.

    Args:
        states: The units.
    """
    rows = []
    for state in states:
        for (place, kind), count in state.places.most_common(EXAMPLES):
            example: dict[str, Any] = next(
                (e for e in state.examples if e.get("place") == place and e.get("difference") == kind), {}
            )
            cells = [unit(state.unit), code(example.get("path", place)), f"<td>{escape(kind)}</td>"]
            cells.append(f'<td class="n">{count:,}</td>')
            apart = f" ({example['apart']})" if example.get("apart") else ""
            cells += [value(example.get("legacy", "")), value(f"{example.get('candidate', '')}{apart}")]
            cells.append(code(example.get("rule", "")))
            rows.append(f"<tr>{''.join(cells)}</tr>")
    if not rows:
        text = (
            "None. Every compared call returned the same."
            if any(s.counts["compared"] for s in states)
            else "Nothing was compared."
        )
        return section("Differences by path", f"<p>{text}</p>")
    head = heads("unit", "path, first seen", "kind", "#times", "legacy", "candidate", "rule")
    return section("Differences by path", table(head, "".join(rows)))


def remarks(states: list[UnitStatus], segments: list[SegmentText]) -> str:
    """Return what else should be known.

    Args:
        states: The units.
        segments: The evidence.
    """
    items = [f"<code>{escape(s.unit)}</code>: {escape(s.reason)}" for s in states if s.verdict != "PASS"]
    for state in states:
        which = f"<code>{escape(state.unit)}</code>"
        items += [
            f"{which}: ignored {hits:,}× at <code>{escape(path)}</code> by {escape(rule)}"
            for (path, rule), hits in state.ignored.items()
        ]
        items += [
            f"{which}: {mending.what(reason)} {count:,}×: {escape(reason)}" for reason, count in state.reasons.items()
        ]
        items += [f"{which}: next: {escape(way, quote=False)}" for way in state.nexts()]
        items += [f"{which}: {escape(note)}" for note in state.notes]
        if state.worth:
            items.append(f"{which}: worth: {escape(state.worth)}")
        if state.counts["cascades"]:
            items.append(
                f"{which}: {state.counts['cascades']:,} later differences of objects that had differed before (cascade)"
            )
    items += [escape(segment.trouble) for segment in segments if segment.trouble]
    return section("To know", f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>") if items else ""
