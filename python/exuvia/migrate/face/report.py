"""`exuvia report`: one HTML file that needs no network. Every value in it is escaped; it holds no script."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exuvia.build import build_info
from exuvia.errors import MigrateError
from exuvia.migrate.face import plots
from exuvia.migrate.face.durations import duration
from exuvia.migrate.gates.verdict import UnitStatus, overall

if TYPE_CHECKING:
    from exuvia.migrate.config import Config
    from exuvia.migrate.evidence.reading import SegmentText

__all__ = ["page", "read_runs"]

TIMES = ("wall_s", "compute_s", "waiting_s")
PARTS = (
    ("compute", "compute: what Rust can take away"),
    ("waiting", "waiting: sockets, disk, the venue"),
    ("start", "start: interpreter and imports"),
)
EXAMPLES = 12
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


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


def page(
    title: str,
    config: Config,
    states: list[UnitStatus],
    segments: list[SegmentText],
    runs: dict[str, Any] | None,
) -> str:
    """Write the whole page.

    Args:
        title: Its title.
        config: The configuration.
        states: The status of each unit.
        segments: The evidence that it stands on.
        runs: As `read_runs` returned it.

    Returns:
        HTML.
    """
    verdict = overall(states)
    stamp = '<span class="stamp">REHEARSAL</span>' if config.rehearsal else ""
    style = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    differing = sum(1 for row in (runs or {}).get("parity", []) if not row["equal"])
    sections = [
        _tiles(states, runs),
        _differences(states) if verdict == "FAIL" else "",
        _whole_runs(runs) if runs else "",
        _units(states),
        _speed(states),
        _calls(states),
        "" if verdict == "FAIL" else _differences(states),
        _remarks(states, segments),
    ]
    note = " Evidence of a rehearsal does not count towards a cutover." if config.rehearsal else ""
    also = f" In the whole-run comparison {differing} artefacts differ." if differing else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>"
        f'<header><h1>{escape(title)}</h1><span class="badge {verdict}">{verdict}</span>{stamp}</header>'
        f'<p class="soft">{now} · {_say(len(states), "unit")}, {_say(len(segments), "process", "processes")} '
        f"observed.{escape(also)}{note}</p>"
        f"{''.join(sections)}{_footer(config, segments)}</main></body></html>\n"
    )


def _tiles(states: list[UnitStatus], runs: dict[str, Any] | None) -> str:
    compared = sum(state.counts["compared"] for state in states)
    differed = sum(state.counts["differed"] for state in states)
    passing = [state for state in states if state.verdict == "PASS"]
    legacy = sum(state.counts["legacy_ns"] for state in passing)
    candidate = sum(state.counts["candidate_ns"] for state in passing)
    passed = len(passing)
    tiles = [
        (f"{passed} of {len(states)}", "units pass"),
        (f"{compared:,}", "calls compared"),
        (f"{differed:,}", "calls that differ"),
    ]
    if candidate:
        tiles.append(
            (
                f"{legacy / candidate:.1f}×",
                f"{duration(legacy)} of legacy became {duration(candidate)} for the same calls",
            )
        )
    sides = (runs or {}).get("runs", [])
    if len(sides) > 1 and sides[-1]["compute_s"] > 0:
        first, last = sides[0], sides[-1]
        saved = first["compute_s"] - last["compute_s"]
        tiles.append((f"{saved:,.2f} s", f"of {first['compute_s']:,.2f} s compute saved in the whole run"))
    cells = "".join(f'<div class="tile"><b>{escape(big)}</b><span>{escape(small)}</span></div>' for big, small in tiles)
    return f'<div class="tiles">{cells}</div>'


def _whole_runs(runs: dict[str, Any]) -> str:
    sides = runs.get("runs", [])
    parts = [(part, text) for part, text in PARTS if any(f"{part}_s" in run for run in sides)]
    bars = [(run["name"], tuple((part, run.get(f"{part}_s", 0.0)) for part, _ in parts)) for run in sides]
    plot = plots.stacked_bars(bars, "Whole runs: compute, waiting and start", "s")
    keys = list(dict.fromkeys(key for run in sides for key in run if key != "name"))
    head = "".join(f'<th class="n">{escape(run["name"])}</th>' for run in sides)
    rows = []
    for key in keys:
        cells = "".join(f'<td class="n">{_figure(key, run.get(key))}</td>' for run in sides)
        rows.append(f"<tr><td>{escape(_label(key))}</td>{cells}</tr>")
    table = f'<div class="scroll"><table><tr><th></th>{head}</tr>{"".join(rows)}</table></div>' if sides else ""
    parity = "".join(
        f"<tr><td>{escape(row['what'])}</td><td><code>{escape(str(row.get('legacy', '')))}</code></td>"
        f"<td><code>{escape(str(row.get('rust', '')))}</code></td>"
        f'<td class="{"same" if row["equal"] else "gone"}">{"equal" if row["equal"] else "differs"}</td></tr>'
        for row in runs.get("parity", [])
    )
    if parity:
        parity = _table(_heads("artefact", "legacy", "rust", ""), parity)
    notes = "".join(f"<li>{escape(str(note))}</li>" for note in runs.get("notes", []))
    legend = _legend(*parts)
    return _section(
        "Whole run, all Rust against all legacy",
        legend + plot + table + parity + (f"<ul>{notes}</ul>" if notes else ""),
    )


def _units(states: list[UnitStatus]) -> str:
    rows = []
    for state in states:
        counts = state.counts
        ceiling = state.file or state.mode
        moved = f" → {escape(state.effective)}" if state.effective not in (None, ceiling) else ""
        per_call = [
            duration(counts[side] / counts["compared"]) if counts["compared"] else "–"
            for side in ("legacy_ns", "candidate_ns")
        ]
        rows.append(
            f'<tr><td class="unit"><code>{escape(state.unit)}</code></td><td>{escape(ceiling)}{moved}</td>'
            + "".join(
                f'<td class="n">{_called(state, name)}</td>'
                for name in ("legacy_calls", "candidate_calls", "compared", "differed")
            )
            + "".join(f'<td class="n">{value}</td>' for value in per_call)
            + f'<td class="n">{f"{state.speedup:.1f}×" if state.speedup else "–"}</td>'
            f'<td><span class="badge {state.verdict}" title="{escape(state.reason, quote=True)}">'
            f"{state.verdict}</span></td></tr>"
        )
    heads = ("legacy calls", "rust calls", "compared", "differ", "legacy / call", "rust / call", "ratio")
    head = "<th>unit</th><th>mode</th>" + "".join(f'<th class="n">{name}</th>' for name in heads) + "<th>verdict</th>"
    return _section("Units", f'<div class="scroll"><table><tr>{head}</tr>{"".join(rows)}</table></div>')


def _called(state: UnitStatus, name: str) -> str:
    """Calls of one side; legacy mode runs the original code and counts none."""
    if name == "legacy_calls" and state.mode == "legacy" and not state.counts[name]:
        return '<span title="legacy mode runs the original code: not counted">–</span>'
    return f"{state.counts[name]:,}"


def _speed(states: list[UnitStatus]) -> str:
    rows = [
        (
            state.unit,
            state.counts["legacy_ns"] / state.counts["compared"],
            state.counts["candidate_ns"] / state.counts["compared"],
        )
        for state in states
        if state.counts["compared"] and state.counts["legacy_ns"] and state.counts["candidate_ns"]
    ]
    plot = plots.paired_bars(rows, "Time per call of both sides, by unit")
    if not plot:
        return ""
    legend = _legend(("legacy", "legacy"), ("rust", "Rust"))
    return _section(
        "Time per call, same calls on both sides",
        f'{legend}{plot}<p class="soft">Logarithmic scale; means over all compared calls, measured in shadow.</p>',
    )


def _calls(states: list[UnitStatus]) -> str:
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
    return _section("Calls compared", _legend(("equal", "equal"), ("differs", "differs")) + plot) if plot else ""


def _differences(states: list[UnitStatus]) -> str:
    rows = []
    for state in states:
        for (place, kind), count in state.places.most_common(EXAMPLES):
            example: dict[str, Any] = next(
                (e for e in state.examples if e.get("place") == place and e.get("difference") == kind), {}
            )
            cells = [_code(state.unit), _code(example.get("path", place)), f"<td>{escape(kind)}</td>"]
            cells.append(f'<td class="n">{count:,}</td>')
            apart = f" ({example['apart']})" if example.get("apart") else ""
            cells += [_code(example.get("legacy", "")), _code(f"{example.get('candidate', '')}{apart}")]
            cells.append(_code(example.get("rule", "")))
            rows.append(f"<tr>{''.join(cells)}</tr>")
    if not rows:
        text = (
            "None. Every compared call returned the same."
            if any(s.counts["compared"] for s in states)
            else "Nothing was compared."
        )
        return _section("Differences by path", f"<p>{text}</p>")
    head = _heads("unit", "path, first seen", "kind", "times", "legacy", "candidate", "rule")
    return _section("Differences by path", _table(head, "".join(rows)))


def _remarks(states: list[UnitStatus], segments: list[SegmentText]) -> str:
    items = [f"<code>{escape(s.unit)}</code>: {escape(s.reason)}" for s in states if s.verdict != "PASS"]
    for state in states:
        unit = f"<code>{escape(state.unit)}</code>"
        items += [
            f"{unit}: ignored {hits:,}× at <code>{escape(path)}</code> by {escape(rule)}"
            for (path, rule), hits in state.ignored.items()
        ]
        items += [f"{unit}: not compared {count:,}×: {escape(reason)}" for reason, count in state.reasons.items()]
        items += [f"{unit}: {escape(note)}" for note in state.notes]
        if state.counts["cascades"]:
            items.append(
                f"{unit}: {state.counts['cascades']:,} later differences of objects that had differed before (cascade)"
            )
    items += [escape(segment.trouble) for segment in segments if segment.trouble]
    return _section("To know", f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>") if items else ""


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


def _legend(*entries: tuple[str, str]) -> str:
    return (
        '<div class="legend">'
        + "".join(f'<span><i class="{css}"></i>{escape(text)}</span>' for css, text in entries)
        + "</div>"
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _table(head: str, rows: str) -> str:
    return f'<div class="scroll"><table><tr>{head}</tr>{rows}</table></div>'


def _heads(*names: str) -> str:
    return "".join(f"<th{' class=n' if name == 'times' else ''}>{escape(name)}</th>" for name in names)


def _code(value: object) -> str:
    return f"<td><code>{escape(str(value))}</code></td>"


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


def _say(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
