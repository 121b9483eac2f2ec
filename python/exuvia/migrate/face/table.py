"""`exuvia status` as a table that fits 100 columns."""

from __future__ import annotations

import io
import os
import sys
import textwrap
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from exuvia.migrate.face.durations import duration
from exuvia.migrate.gates import mending
from exuvia.migrate.gates.pace import figure
from exuvia.migrate.gates.verdict import UnitStatus, overall

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from exuvia.migrate.gates.judge import GroupVerdict

__all__ = ["render"]

WIDTH = 100
COLOURS = {"PASS": "bold green", "FAIL": "bold red", "INCONCLUSIVE": "bold yellow"}
DIFFERENCES = 5
NAME = 26
LEAST = 18
RATIOS = 4
DROPPED = ("legacy t", "rust t", "legacy", "ratio")


def render(  # noqa: PLR0912 - a table and what stands below it
    states: list[UnitStatus],
    groups: Iterable[GroupVerdict] = (),
    verdict: str | None = None,
    out: TextIO | None = None,
    *,
    rehearsal: bool = False,
    unchecked: bool = False,
) -> None:
    """Print the table and, below it, what differs.

    Args:
        states: The units.
        groups: Verdicts on groups that have a line of their own.
        verdict: Over all of it, if that is not the units' alone.
        out: Where to; standard output otherwise.
        rehearsal: Whether to stamp it.
        unchecked: Whether that rehearsal names no endpoints.
    """
    stream = out or sys.stdout
    page = io.StringIO()
    terminal = stream.isatty()
    console = Console(file=page, width=None if terminal else _columns(), force_terminal=terminal, highlight=False)
    console.width = min(console.width, WIDTH)
    heads = ["mode", "legacy", "rust", "compared", "differ", "legacy t", "rust t", "ratio", "verdict"]
    short = False
    rows = [_row(state) for state in states]
    room = _room(console.width, heads, rows)
    wanted = min(NAME, max((len(line) for state in states for line in _lines(state.unit)), default=0))
    if room < wanted:
        short, rows = True, [_row(state, short=True) for state in states]
        room = _room(console.width, heads, rows)
    for name in DROPPED:
        if room >= min(wanted, LEAST):
            break
        at = heads.index(name)
        del heads[at]
        rows = [[*row[:at], *row[at + 1 :]] for row in rows]
        room = _room(console.width, heads, rows)
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left", padding=(0, 1, 0, 0))
    table.add_column("unit", no_wrap=True, ratio=1)
    for name in heads:
        table.add_column(name, justify="left" if name in ("mode", "verdict") else "right", no_wrap=True)
    for state, row in zip(states, rows, strict=True):
        name = state.unit
        if len(name) > room:
            name = "\n".join(_middle(line, room) for line in _lines(name, room))
        table.add_row(name, *row[:-1], Text(row[-1], style=COLOURS[state.verdict]))
    if rehearsal:
        said = "no endpoints are named, so nothing was checked;" if unchecked else "loopback only,"
        console.print(Text(f"REHEARSAL: {said} this evidence does not count", style="bold magenta"))
    if states:
        console.print(table)
    for state in states:
        for line in _remarks(state):
            for each in _folded(line, console.width):
                console.print(each, soft_wrap=True)
    for line in map(_group, groups):
        for each in _folded(line, console.width):
            console.print(each, soft_wrap=True)
    for line in _foot(states, ratio="ratio" in heads, short=short):
        for each in _folded(line, console.width):
            console.print(each, soft_wrap=True)
    total = verdict or overall(states)
    console.print(Text.assemble("overall: ", (total, COLOURS[total])))
    stream.write(page.getvalue())
    stream.flush()


def _group(found: GroupVerdict) -> Text:
    """A group's verdict in a line."""
    why = "; ".join(found.reasons[:2])
    head = Text.assemble((f"group {found.group}: ", "bold"), (found.verdict, COLOURS[found.verdict]))
    return head.append(f": {why}" if why else "")


def _row(state: UnitStatus, *, short: bool = False) -> list[str]:
    counts = state.counts
    ceiling = state.file or state.mode
    mode = ceiling if state.effective in (None, ceiling) else f"{ceiling}→{state.effective}"
    ns = [duration(counts[side], short=short) if counts[side] else "–" for side in ("legacy_ns", "candidate_ns")]
    legacy = "–" if _uncounted(state) else _count(counts["legacy_calls"], short=short)
    others = [_count(counts[name], short=short) for name in ("candidate_calls", "compared", "differed")]
    return [mode, legacy, *others, *ns, f"{figure(state.speedup)}×" if state.speedup else "–", state.verdict]


def _foot(states: list[UnitStatus], *, ratio: bool, short: bool) -> Iterable[Text]:
    """What the columns mean, where that is not plain."""
    if any(_uncounted(state) for state in states):
        yield Text("–: legacy mode runs the original code: not counted", style="dim")
    paces = _paces(states) if ratio else ""
    if paces:
        yield Text(paces, style="dim")
    if short:
        yield Text("k, M: thousands, millions", style="dim")


def _paces(states: list[UnitStatus]) -> str:
    """What the column of ratios says, and what it does not."""
    known = [(state, state.pace) for state in states]
    timed = [(state, found) for state, found in known if found is not None]
    if not timed:
        return ""
    shown = [(state, found) for state, found in timed if found.shown]
    figures = ", ".join(f"{state.unit.rpartition(':')[2]} {found}" for state, found in shown[:RATIOS])
    figures += f", and {len(shown) - RATIOS} more" if len(shown) > RATIOS else ""
    rest = "no difference shown" if len(shown) < len(timed) else ""
    said = "; of the others ".join(filter(None, (figures, rest)))
    return f"ratio of a call, 95 %: {said} (timed in the program and in its worker; exuvia bench times a whole run)"


def _uncounted(state: UnitStatus) -> bool:
    return state.mode == "legacy" and not state.counts["legacy_calls"]


def _columns() -> int:
    """The width that the environment asks for, where the output is no terminal."""
    said = os.environ.get("COLUMNS", "")
    return max(40, int(said)) if said.isdecimal() and said.isascii() else WIDTH


def _room(width: int, heads: list[str], rows: list[list[str]]) -> int:
    """What is left for the names of units."""
    taken = sum(max(map(len, column)) + 1 for column in zip(heads, *rows, strict=True))
    return max(8, width - taken - 1)


def _lines(unit: str, room: int = NAME) -> list[str]:
    """A name in the lines it takes if it is long: the module, and below it what is in it."""
    if len(unit) <= room:
        return [unit]
    module, _, name = unit.partition(":")
    return [f"{module}:", f"  {name}"]


def _middle(text: str, room: int) -> str:
    """Cut a name in its middle."""
    if len(text) <= room:
        return text
    end = (room - 1) // 2
    return f"{text[: room - 1 - end]}…{text[len(text) - end :]}"


def _remarks(state: UnitStatus) -> Iterable[Text]:
    slow = state.speedup is not None and state.speedup < 1.0
    more = state.notes or state.reasons or state.ignored or slow or _raised(state) or state.worth
    more = more or state.left_open
    if state.verdict != "PASS" or more or state.apart:
        yield Text.assemble((f"{state.unit}: ", "bold"), state.reason)
    for (place, kind), count in state.places.most_common(DIFFERENCES):
        example = next((e for e in state.examples if e.get("place") == place and e.get("difference") == kind), None)
        values = f": legacy {_cut(example['legacy'])}, candidate {_cut(example['candidate'])}" if example else ""
        if example and example.get("apart"):
            values += f" ({example['apart']})"
        yield Text(f"  {place}  {kind} ×{count:,}{values}")
    if len(state.places) > DIFFERENCES:
        yield Text(f"  … and {len(state.places) - DIFFERENCES} further places")
    for reason, count in state.reasons.most_common(3):
        yield Text(f"  {mending.what(reason)} ×{count:,}: {reason}", style="yellow")
    for word, count, why in state.apart:
        yield Text(f"  {word} ×{count:,}: {why}", style="dim")
    for way in state.nexts():
        yield Text(f"  next: {way}")
    yield from _raising(state)
    if state.speedup is not None and state.speedup < 1.0:
        yield Text(f"  slower than legacy: {state.pace} its speed, where it was compared", style="yellow")
    for (path, rule), hits in state.ignored.most_common(3):
        yield Text(f"  ignored ×{hits:,}: {path} by {rule}", style="dim")
    if state.worth:
        yield Text(f"  worth: {state.worth}", style="dim")
    for note in dict.fromkeys(state.notes):
        yield Text(f"  note: {note}", style="dim")


def _raising(state: UnitStatus) -> Iterable[Text]:
    counts = state.counts
    if counts["answered"]:
        yield Text(f"  legacy answered ×{counts['answered']:,} for a candidate that raised", style="bold red")
    if counts["same_errors"]:
        yield Text(f"  both sides raised the same ×{counts['same_errors']:,}", style="dim")
    if counts["unanswered"]:
        what = f"  the candidate raised ×{counts['unanswered']:,}, and legacy could not answer"
        yield Text(what, style="bold red")


def _raised(state: UnitStatus) -> bool:
    return bool(state.counts["answered"] or state.counts["unanswered"])


def _folded(line: Text, width: int) -> list[Text]:
    """A long remark in lines of its own, those after the first set in."""
    if len(line.plain) <= width:
        return [line]
    inside = len(line.plain) - len(line.plain.lstrip()) + 4
    first, *rest = textwrap.wrap(line.plain, width, subsequent_indent=" " * inside, break_on_hyphens=False)
    if not rest:
        return [line]
    # The first line keeps its own colours: the wrap only cut the text behind it.
    head = line[: len(first)]
    return [head, *(Text(text, style=line.style) for text in rest)]


def _count(number: int, *, short: bool = False) -> str:
    if number < (10_000 if short else 1_000_000):
        return f"{number:,}"
    if number < 1_000_000:
        return f"{number / 1e3:,.0f}k"
    return f"{number / 1e6:,.1f}M"


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"
