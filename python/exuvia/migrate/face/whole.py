"""Whole runs, all Rust against all legacy: their times and what they left behind."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

from exuvia.errors import MigrateError
from exuvia.migrate.face import plots
from exuvia.migrate.face.html import heads, legend, say, section, table

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_runs", "runs"]

TIMES = ("wall_s", "compute_s", "waiting_s")
PARTS = (
    ("compute", "compute: what Rust can take away"),
    ("waiting", "waiting: sockets, disk, the venue"),
    ("start", "start: interpreter and imports"),
)


def read_runs(path: Path) -> dict[str, Any]:
    """Read the figures of whole runs.

    The file holds `{"runs": [{"name": "legacy", "wall_s": 61.2, "compute_s": 9.1, "waiting_s": 52.1, …}, …],
    "parity": [{"what": "trades.jsonl", "legacy": "…", "rust": "…", "equal": true}, …]}`; further scalars
    of a run (trades, equity, digest) become rows of their own.

    Args:
        path: The JSON file.

    Raises:
        MigrateError: If it is something else.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise TypeError(f"a {type(data).__name__}")
        for run in data.get("runs", []):
            run["name"] = str(run["name"])
            for name in TIMES:
                run[name] = float(run.get(name, 0.0))
            if "start_s" in run:
                run["start_s"] = float(run["start_s"])
        for row in data.get("parity", []):
            row["what"], row["equal"] = str(row["what"]), row["equal"] is True
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MigrateError(
            f'{path}: not figures of runs ({error}); write {{"runs": [{{"name": …, "wall_s": …}}]}}'
        ) from None
    return data


def runs(figures: dict[str, Any]) -> str:
    """Return the section.

    Args:
        figures: As `read_runs` returned them.
    """
    sides = figures.get("runs", [])
    parts = [(part, text) for part, text in PARTS if any(f"{part}_s" in run for run in sides)]
    bars = [(run["name"], tuple((part, run.get(f"{part}_s", 0.0)) for part, _ in parts)) for run in sides]
    plot = plots.stacked_bars(bars, "Whole runs: compute, waiting and start", "s")
    keys = list(dict.fromkeys(key for run in sides for key in run if key != "name"))
    head = "".join(f'<th class="n">{escape(run["name"])}</th>' for run in sides)
    rows = []
    for key in keys:
        cells = "".join(f'<td class="n">{_figure(key, run.get(key))}</td>' for run in sides)
        rows.append(f"<tr><td>{escape(_label(key))}</td>{cells}</tr>")
    made = table(f"<th></th>{head}", "".join(rows)) if sides else ""
    parity = "".join(
        f"<tr><td>{escape(row['what'])}</td><td><code>{escape(str(row.get('legacy', '')))}</code></td>"
        f"<td><code>{escape(str(row.get('rust', '')))}</code></td>"
        f'<td class="{"same" if row["equal"] else "gone"}">{"equal" if row["equal"] else "differs"}</td></tr>'
        for row in figures.get("parity", [])
    )
    if parity:
        parity = table(heads("artefact", "legacy", "rust", ""), parity)
    notes = "".join(f"<li>{escape(str(note))}</li>" for note in figures.get("notes", []))
    more = made + parity + (f"<ul>{notes}</ul>" if notes else "")
    if more:
        more = f"<details><summary>All figures{' and artefacts' if parity else ''}</summary>{more}</details>"
    title = "Whole run, all Rust against all legacy" if len(sides) != 1 else f"Whole run: {sides[0]['name']} alone"
    return section(title, legend(*parts) + plot + _saved(sides) + _equal(figures.get("parity", [])) + more)


def _saved(sides: list[dict[str, Any]]) -> str:
    """What of the difference between the bars is counted as saved, which is not their length."""
    if len(sides) < 2 or not sides[0]["compute_s"]:
        return ""
    before, after = sides[0]["compute_s"], sides[-1]["compute_s"]
    said = (
        f"Saved is counted of compute only: {before:,.2f} s became {after:,.2f} s. Rust shortens neither waiting nor "
        "start; by how much those differ is the machine's mood, one run of each side, and is not counted, so the bar "
        f"of {sides[-1]['name']} may even be the longer one."
    )
    return f'<p class="soft">{escape(said)}</p>'


def _equal(parity: list[dict[str, Any]]) -> str:
    """In a line whether what the runs left behind is equal; the digests are among the figures."""
    if not parity:
        return ""
    apart = [str(row["what"]) for row in parity if not row["equal"]]
    if apart:
        return (
            f'<p class="gone">{len(apart)} of {say(len(parity), "artefact")} differ: {escape(", ".join(apart[:5]))}</p>'
        )
    return f'<p class="same">What both runs left behind is equal: {say(len(parity), "artefact")}.</p>'


def _label(key: str) -> str:
    return key.removesuffix("_s").removesuffix("_mb").replace("_", " ")


def _figure(key: str, value: Any) -> str:
    if value is None:
        return "–"
    if key.endswith("_s") and isinstance(value, (int, float)):
        return f"{value:,.2f} s"
    if key.endswith("_mb") and isinstance(value, (int, float)):
        return f"{value:,.0f} MB"
    if isinstance(value, dict):
        return "<br>".join(f"{escape(str(name))} {escape(str(inner))}" for name, inner in value.items())
    text = f"{value:,}" if isinstance(value, (int, float)) else str(value)
    return f"<code>{escape(text)}</code>"
