"""One business gate on one day: both artefacts read, joined, and what is wrong named.

A day FAILs for what it shows, is INCONCLUSIVE where there is nothing to compare or an artefact cannot be read, and
PASSes otherwise. What several days prove together is `exuvia.migrate.gates.runs`.
"""

from __future__ import annotations

import bisect
import math
import re
from typing import TYPE_CHECKING, Any

from exuvia import _exuvia
from exuvia.errors import LakeError, SchemaError
from exuvia.migrate.gates.alive import EVERY
from exuvia.migrate.gates.artefacts import ArtefactError, at_ns, column_of, files_of, shown, text_of
from exuvia.migrate.gates.sides import BETWEEN, GateDay, Sides, Span

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from exuvia.migrate.config import GateConfig

__all__ = ["GateDay", "Span", "on_day"]

SHOWN = 5
SECOND = 1_000_000_000
MINUTE = 60 * SECOND


def on_day(gate: GateConfig, folder: Path, span: Span) -> GateDay:
    """Judge one gate on one day.

    Args:
        gate: The gate.
        folder: What the paths of its artefacts start from.
        span: The day and its hours.
    """
    every = gate.params.get("activity", max(EVERY, gate.params.get("per", EVERY)))
    found = GateDay(gate.name, gate.kind, span.day, every=every)
    try:
        _BY_KIND[gate.kind](Sides(gate, folder, span), found)
    except ArtefactError as error:
        found.unknown(str(error))
    if found.verdict == "PASS" and not found.compared:
        found.unknown("nothing was compared: an empty comparison proves nothing")
    return found


def _paired(sides: Sides, found: GateDay) -> None:
    settings = sides.settings
    legacy, candidate = (_values_by_key(sides, side, found) for side in ("legacy", "candidate"))
    pairs, only_legacy, only_candidate = _exuvia.gate_join(legacy, candidate, settings["abs"])
    found.compared = len(pairs) + len(only_legacy) + len(only_candidate)
    beyond = [pair for pair in pairs if not pair[4]]
    for key, one, other, apart, _ in beyond[:SHOWN]:
        found.fails(f"{_name(key)}: legacy {one}, candidate {other}: {apart:+.2f} is beyond ±{settings['abs']}")
    _more(found, beyond, "pairs beyond the amount")
    _only(found, "legacy", only_legacy)
    _only(found, "candidate", only_candidate)
    at = [settings["key"].index(name) for name in settings.get("by", ())]
    sums: dict[str, list[float]] = {}
    for key, _, _, apart, _ in pairs:
        parts = key.split(BETWEEN)
        sums.setdefault(BETWEEN.join(parts[i] for i in at), []).append(apart)
    found.series = {name: sum(values) / len(values) for name, values in sums.items()}
    finite = [abs(pair[3]) for pair in pairs if pair[3] == pair[3]]
    found.numbers |= {
        "pairs": len(pairs),
        "only_legacy": len(only_legacy),
        "only_candidate": len(only_candidate),
        "beyond": len(beyond),
        "furthest": max(finite, default=None),
    }


def _values_by_key(sides: Sides, side: str, found: GateDay) -> list[tuple[str, str]]:
    rows = sides.rows(side, found)
    keys = sides.keyed(side, rows, sides.settings["key"])
    return list(zip(keys, sides.values(side, rows, sides.settings["value"]), strict=True))


def _count(sides: Sides, found: GateDay) -> None:
    settings, rows = sides.settings, {side: sides.rows(side, found) for side in ("legacy", "candidate")}
    keys = {side: sides.keyed(side, rows[side], settings.get("key", [])) for side in rows}
    found.compared = max(len(keys["legacy"]), len(keys["candidate"]))
    apart = _exuvia.gate_counts(keys["legacy"], keys["candidate"])
    beyond = [item for item in apart if abs(item[1] - item[2]) > settings["abs"]]
    for key, one, other in beyond[:SHOWN]:
        found.fails(f"{_name(key) or 'rows'}: legacy {one}, candidate {other}, ±{settings['abs']} is allowed")
    _more(found, beyond, "keys whose counts are apart")
    found.numbers |= {side: len(keys[side]) for side in keys} | {"apart": len(apart), "beyond": len(beyond)}


def _rate(sides: Sides, found: GateDay) -> None:
    settings, span = sides.settings, sides.span
    step = max(1, round(settings["per"] * SECOND))
    edges = list(range(span.open, span.close, step))
    counts = [[0, 0] for _ in edges]
    outside = 0
    for at, side in enumerate(("legacy", "candidate")):
        for time in sides.times(side, sides.rows(side, found)):
            if span.open <= time < span.close:
                counts[bisect.bisect_right(edges, time) - 1][at] += 1
            else:
                outside += 1
    legacy, candidate = (sum(row[at] for row in counts) for at in (0, 1))
    found.compared, found.series = min(legacy, candidate), counts
    found.numbers |= {"legacy": legacy, "candidate": candidate, "outside_the_session": outside}
    if not (legacy and candidate):
        found.unknown(f"legacy made {legacy} calls, candidate {candidate}: there is no ratio")
        return
    _, calls, _ = _exuvia.gate_rate([counts], settings["within"], _exuvia.gate_level(1, 0.05))
    found.numbers |= {"ratio": calls[1], "interval": list(calls[2:])}
    if calls[0] == "FAIL":
        low, high = calls[2:]
        found.fails(
            f"the ratio of calls is {calls[1]:.3f} ({low:.3f} … {high:.3f}), not within ±{settings['within']:.0%}"
        )


def _overlap(sides: Sides, found: GateDay) -> None:
    settings = sides.settings
    fields = [*settings.get("key", ()), settings["value"]]
    members = [sides.keyed(side, sides.rows(side, found), fields) for side in ("legacy", "candidate")]
    both, only_legacy, only_candidate = _exuvia.gate_overlap(*members)
    found.compared = both + len(only_legacy) + len(only_candidate)
    found.series = [both, found.compared]
    share = both / found.compared if found.compared else None
    found.numbers |= {"both": both, "union": found.compared, "overlap": share}
    if share is not None and share < settings["at_least"]:
        names = ", ".join(map(_name, [*only_legacy, *only_candidate][:SHOWN]))
        found.fails(f"overlap {share:.1%} is below {settings['at_least']:.0%}: {names} are on one side only")


def _histogram(sides: Sides, found: GateDay) -> None:
    settings = sides.settings
    rows = []
    for side in ("legacy", "candidate"):
        here = sides.rows(side, found)
        bins = [_bin(value, settings, sides.path(side)) for value in sides.values(side, here, settings["value"])]
        rows.append(list(zip(sides.keyed(side, here, settings.get("key", [])), bins, strict=True)))
    found.compared = max(map(len, rows))
    moved = _exuvia.gate_moved(*rows)
    beyond = [item for item in moved if max(item[1:]) > settings["abs"]]
    for name, left, came in beyond[:SHOWN]:
        found.fails(
            f"bin {name}: {left} of legacy's rows are not there, {came} others are: ±{settings['abs']} is allowed"
        )
    found.numbers |= {
        "legacy": len(rows[0]),
        "candidate": len(rows[1]),
        "bins_apart": len(moved),
        "beyond": len(beyond),
    }


def _bin(value: str, settings: Any, path: Path) -> str:
    if "bins" not in settings:
        return value
    try:
        number = float(value)
    except ValueError:
        raise ArtefactError(f"{path}: {value!r} is no number and falls into no bin") from None
    if math.isnan(number):
        return "NaN"
    at = bisect.bisect_right(settings["bins"], number)
    edges = ["-inf", *map(str, settings["bins"]), "inf"]
    return f"[{edges[at]}, {edges[at + 1]})"


def _freshness(sides: Sides, found: GateDay) -> None:
    settings, span = sides.settings, sides.span
    most = round(settings["every"] * SECOND * (1.0 + settings["grace"]))
    for side in sides.named:
        times = sides.times(side, sides.rows(side, found))
        signs, longest, beyond = _exuvia.gate_gaps(times, (span.open, span.close), most)
        found.alive[side] = _covered(times, most, span)
        found.numbers[side] = {"signs": signs, "longest_gap_s": longest / SECOND, "gaps": len(beyond)}
        if side == "candidate":
            found.compared = signs
            if signs:
                for start, end in beyond[:SHOWN]:
                    due = f"due every {settings['every']:g} s"
                    found.fails(f"nothing for {(end - start) / SECOND:,.0f} s from {_clock(start)}, {due}")
                _more(found, beyond, "gaps")


def _covered(times: list[int], most: int, span: Span) -> set[int]:
    """Minutes of the session that follow a sign of life closely enough."""
    covered: set[int] = set()
    for time in times:
        start, end = max(time, span.open), min(time + most, span.close)
        if start < end:
            covered.update(range(start // MINUTE, (end - 1) // MINUTE + 1))
    return covered


_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def _absent(sides: Sides, found: GateDay) -> None:
    settings = sides.settings
    for side in sides.named:
        if "value" in settings or "where" in settings or "{day}" not in settings[side]:
            rows = sides.rows(side, found)
            values = (
                sides.values(side, rows, settings["value"]) if "value" in settings else [shown(row) for row in rows]
            )
            lines = [value.replace("\n", " ") for value in values]
        else:
            lines = text_of(sides.path(side)).splitlines()
        # A log in colours has its words between the codes of terminals, whose last letter is none of the word.
        lines = [_COLOURS.sub("", line) for line in lines]
        hits = _exuvia.gate_mentions("\n".join(lines), settings["text"])
        found.numbers[side] = {"lines": len(lines), "hits": len(hits)}
        if side == "candidate":
            found.compared = len(lines)
            for number in hits[:SHOWN]:
                found.fails(f"{sides.path(side).name}:{number} has {settings['text']!r}: {lines[number - 1][:80]}")
            _more(found, hits, "lines")


def _parquet(sides: Sides, found: GateDay) -> None:
    settings = sides.settings
    legacy, candidate = (files_of(sides.path(side)) for side in ("legacy", "candidate"))
    if sides.path("legacy").is_file() and sides.path("candidate").is_file():
        # Two files are one pair, whatever each side calls its own.
        legacy, candidate = ({"file": path} for path in (*legacy.values(), *candidate.values()))
    for side, files in (("legacy", legacy), ("candidate", candidate)):
        _dates(sides, found, side, list(files.values()))
    alone = sorted(legacy.keys() ^ candidate.keys())
    if len(alone) > settings["files"]:
        found.fails(
            f"{len(alone)} files are on one side only, ±{settings['files']} is allowed: {', '.join(alone[:SHOWN])}"
        )
    rows = [0, 0]
    apart = changed = 0
    for name in alone:
        at = 0 if name in legacy else 1
        own = (legacy, candidate)[at][name]
        count = _tables(own, own, settings["key"])[0]
        rows[at], apart = rows[at] + count, apart + count
        found.compared += count
    for name in sorted(legacy.keys() & candidate.keys()):
        one, other, keys, values, schema = _tables(legacy[name], candidate[name], settings["key"])
        rows = [rows[0] + one, rows[1] + other]
        found.compared += one + other
        missing, extra = sum(n for _, n in keys[1]), sum(n for _, n in keys[2])
        apart, changed = apart + missing + extra, changed + values
        if settings["schema"] and schema:
            where, left, right = schema[0]
            found.fails(f"{name}: {where.removeprefix('$.')} is {left} in legacy's file and {right} in the candidate's")
        if abs(one - other) > settings["rows"]:
            found.fails(f"{name}: legacy has {one} rows, candidate {other}, ±{settings['rows']} is allowed")
        if missing + extra > settings["differences"]:
            names = ", ".join(_name(key) for key, _ in [*keys[1], *keys[2]][:SHOWN])
            found.fails(
                f"{name}: {missing} rows only in legacy's file and {extra} only in the candidate's, by key; "
                f"{settings['differences']} are allowed: {names}"
            )
    if abs(rows[0] - rows[1]) > settings["rows"]:
        found.fails(f"legacy has {rows[0]} rows in all files, candidate {rows[1]}, ±{settings['rows']} is allowed")
    if apart > settings["differences"]:
        found.fails(
            f"{apart} rows of all files are on one side only, by file and key; {settings['differences']} are allowed"
        )
    if "values" in settings and changed > settings["values"]:
        found.fails(f"{changed} rows of the same key have other values, {settings['values']} are allowed")
    found.numbers |= {
        "files": {"legacy": len(legacy), "candidate": len(candidate), "one_side_only": len(alone)},
        "rows": {"legacy": rows[0], "candidate": rows[1], "key_difference": apart, "other_values": changed},
    }


def _dates(sides: Sides, found: GateDay, side: str, files: list[Path]) -> None:
    """When the rows of a side's files say that something happened, where the gate names the field."""
    name = sides.settings.get("when")
    if name is None:
        return
    values = [value for path in files for value in column_of(path, name)]
    sides.dated(side, [at_ns(value) for value in values], [], found)


def _tables(legacy: Path, candidate: Path, key: list[str]) -> Any:
    try:
        return _exuvia.gate_parquet(legacy, candidate, key)
    except (LakeError, SchemaError) as error:
        raise ArtefactError(str(error)) from None


def _only(found: GateDay, side: str, keys: list[str]) -> None:
    if keys:
        names = ", ".join(map(_name, keys[:SHOWN]))
        found.fails(f"{len(keys):,} rows only {side} has: {names}{', …' if len(keys) > SHOWN else ''}")


def _more(found: GateDay, items: list[Any], what: str) -> None:
    if len(items) > SHOWN:
        found.reasons.append(f"… {len(items):,} {what} in all")


def _name(key: str) -> str:
    return key.replace(BETWEEN, " · ")


def _clock(ns: int) -> str:
    return f"{ns // (3600 * SECOND) % 24:02d}:{ns // MINUTE % 60:02d}:{ns // SECOND % 60:02d} UTC"


_BY_KIND: dict[str, Callable[[Sides, GateDay], None]] = {
    "paired": _paired,
    "count": _count,
    "rate": _rate,
    "overlap": _overlap,
    "parquet": _parquet,
    "histogram": _histogram,
    "freshness": _freshness,
    "absent": _absent,
}
