"""The report's second screen, for engineers: sessions, bounds, thin strata, times of both sides, what shadow cost."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from exuvia.migrate.face import plots
from exuvia.migrate.face.durations import duration
from exuvia.migrate.face.html import badge, bullets, cell, code, heads, legend, number, section, table, unit
from exuvia.migrate.face.latency import FEWEST, enough, quantile
from exuvia.migrate.gates import bounds

if TYPE_CHECKING:
    from exuvia.migrate.gates.judge import GroupVerdict
    from exuvia.migrate.gates.verdict import UnitStatus

__all__ = ["gates", "latency", "overhead", "sessions", "shadow", "strata"]

SHOWN = 30
STRATA = 40
QUANTILES = (("p50", 0.50), ("p99", 0.99))
COST = (
    ("left out", "left out"),
    ("left alone", "left alone"),
    ("skipped", "missed"),
    ("dropped", "dropped"),
    ("errors", "not comparable"),
    ("timeouts", "too slow"),
    ("panics", "panicked"),
    ("canary_calls", "served as canary"),
    ("fallbacks", "answered by legacy"),
    ("unanswered", "raised, not answered"),
)

WORDS = (
    "Left out: beyond the share that is compared, or made by a call that is. Left alone: in quiet moments, which time "
    "the program by itself. Neither was to be compared, and no verdict counts them. Missed: was to be compared and was "
    "not; dropped ones among them, for want of room or time; above 0.1 % the verdict is INCONCLUSIVE. Not comparable: "
    "was taken, and comparing failed."
)
"""What the columns of calls that were not compared mean, as docs/gates.md says it."""


def sessions(verdicts: list[GroupVerdict]) -> str:
    """Return the sessions of each group as a strip of days, and the bound that they leave.

    Args:
        verdicts: The verdict on each group.
    """
    body = ""
    for found in verdicts:
        days = found.bounds.get("days", {})
        marks = [(session.day, session.state, "; ".join(session.reasons)) for session in found.sessions[-SHOWN:]]
        why = bullets(escape(reason) for reason in [*found.reasons, *found.notes])
        said = ""
        if days:
            stricter = days["stricter"]
            said = (
                f"{days['clean']} of {found.needed} clean sessions: up to {days['bound']:.0%} of days could still "
                f"differ. To get that under {stricter['share']:.0%} takes {stricter['sessions']} clean or replayed "
                f"sessions, {stricter['more']} more."
            )
            if days.get("dirty"):
                said = f"{bounds.in_words(days, found.needed)}."
        body += (
            f"<h3><code>{escape(found.group)}</code> {badge(found.verdict)}</h3>{plots.days(marks)}"
            f'<p class="soft">{escape(said)}</p>{why}'
        )
    if body:
        key = legend(("equal", "clean"), ("differs", "dirty: the count starts again"), ("waiting", "does not count"))
        body = key + body
    return section("Sessions and what they prove", body)


def gates(verdicts: list[GroupVerdict]) -> str:
    """Return the business gates of all groups.

    Args:
        verdicts: The verdict on each group.
    """
    rows = ""
    for found in verdicts:
        for gate in found.gates:
            estimates = "; ".join(
                f"{name} {interval['estimate']:.4g}, limit {interval['limit']}"
                for name, interval in list(gate.intervals.items())[:3]
            )
            said = "; ".join(gate.reasons[:2]) or estimates
            rows += (
                f"<tr>{unit(found.group)}{code(gate.gate)}{cell(gate.kind)}<td>{badge(gate.verdict)}</td>"
                f"{number(gate.days)}{cell(said)}</tr>"
            )
    return section(
        "Business gates", table(heads("group", "gate", "kind", "verdict", "#days", ""), rows) if rows else ""
    )


def strata(verdicts: list[GroupVerdict]) -> str:
    """Return the bound of each stratum, the thinnest first.

    Args:
        verdicts: The verdict on each group.
    """
    found = [each for verdict in verdicts for each in verdict.bounds.get("strata", [])]
    found.sort(key=lambda each: -each["bound"])
    rows = "".join(
        f"<tr>{unit(each['unit'])}{code(each['stratum'] or 'all calls')}{number(each['compared'])}"
        f"{number(each['differed'])}{number(format(each['bound'], '.3%'))}"
        f"{cell('thin' if each['thin'] else '', 'gone' if each['thin'] else '')}</tr>"
        for each in found[:STRATA]
    )
    if not rows:
        return ""
    note = "How many of the calls of a kind could still differ, at 95 %: no mismatch in n calls leaves 1 − 0.05^(1/n)."
    more = f" {len(found) - STRATA} further ones are known better than these." if len(found) > STRATA else ""
    head = heads("unit", "stratum", "#compared", "#differ", "#up to", "")
    return section("Bounds by kind of call", f'{table(head, rows)}<p class="soft">{escape(note + more)}</p>')


def latency(states: list[UnitStatus]) -> str:
    """Return the times of both sides as distributions.

    Args:
        states: The units.
    """
    rows, shapes, few = "", [], False
    for state in states:
        legacy, candidate = state.latency.get("legacy", []), state.latency.get("candidate", [])
        if not sum(legacy) or not sum(candidate):
            continue
        cells = ""
        for _, share in QUANTILES:
            for side in (legacy, candidate):
                time = quantile(side, share) if enough(side, share) else None
                cells += number("–" if time is None else duration(time))
                few = few or time is None
        rows += f"<tr>{unit(state.unit)}{cells}</tr>"
        shapes.append((state.unit, legacy, candidate))
    if not rows:
        return ""
    names = [f"#{side} {name}" for name, _ in QUANTILES for side in ("legacy", "candidate")]
    note = (
        "From buckets of powers of two. The two sides ran in different processes, one in the program and the other in "
        "its worker: the note below the units says what may be read from that."
    )
    plot = plots.distributions(shapes, "Calls by time, both sides, by unit")
    if few:
        note += f" –: fewer than {FEWEST} calls (100 for p99), of which a percentile would say nothing."
    key = legend(("legacy shape", "legacy"), ("rust shape", "candidate"), ("both", "both"))
    return section(
        "How long a call takes", f'{key}{plot}{table(heads("unit", *names), rows)}<p class="soft">{note}</p>'
    )


def shadow(states: list[UnitStatus]) -> str:
    """Return what was not compared, and what the canary served.

    Args:
        states: The units.
    """
    counted = [{**state.counts, **{word: count for word, count, _ in state.apart}} for state in states]
    columns = [(key, name) for key, name in COST if any(counts.get(key) for counts in counted)]
    if not columns:
        return ""
    rows = "".join(
        f"<tr>{unit(state.unit)}{''.join(number(counts.get(key, 0)) for key, _ in columns)}</tr>"
        for state, counts in zip(states, counted, strict=True)
    )
    head = heads("unit", *(f"#{name}" for _, name in columns))
    found = f'{table(head, rows)}<p class="soft">{escape(WORDS)}</p>'
    return section("What was not compared, and what the canary served", found)


def overhead(states: list[UnitStatus]) -> str:
    """Return what observing cost the program itself, and how much was dropped so that it would not cost more.

    Args:
        states: The units.
    """
    rows, calls, spent = "", 0, 0
    for state in states:
        counts = state.counts
        taken = counts["compared"] + counts["errors"] + counts["skipped"]
        served = counts["legacy_calls"] + counts["candidate_calls"]
        if not taken and not counts["observed_calls"]:
            continue
        calls, spent = calls + counts["observed_calls"], spent + counts["observing_ns"]
        each = counts["observing_ns"] / counts["observed_calls"] if counts["observed_calls"] else None
        own = counts["legacy_ns"] / counts["compared"] if counts["compared"] else None
        dropped = f"{counts['dropped']:,} ({counts['dropped'] / taken:.2%})" if taken else "–"
        rows += (
            f"<tr>{unit(state.unit)}{number(served)}{number(counts['observed_calls'] or taken - counts['dropped'])}"
            f"{number('–' if each is None else duration(each))}{number('–' if own is None else duration(own))}"
            f"{number('–' if each is None else duration(counts['observing_ns']))}{number(dropped)}"
            f"{number(counts['unsampled'])}</tr>"
        )
    if not rows:
        return ""
    said = "What a sampled call costs its caller was measured nowhere here. "
    if calls:
        said = (
            f"Observing took {duration(spent)} of the program's own threads, {duration(spent / calls)} for each of "
            f"{calls:,} sampled calls, beside what the call itself takes: copying arguments and result, and with "
            'isolation = "thread" the other side too. '
        )
    note = (
        said
        + "The other side runs in a worker on another core. Dropped: samples that were let go because queue, budget or "
        "deadline were used up, of all that were to be taken. Left out, left alone: calls that were never to be taken, "
        "beyond the sample or in quiet moments; they cost some 30 ns. –: not measured (async functions and generators)."
    )
    head = heads(
        *("unit", "#calls", "#sampled", "#cost a sample", "#legacy's own", "#in all", "#dropped", "#left out, alone"),
    )
    return section(
        "Overhead: what observing cost the program", f'{table(head, rows)}<p class="soft">{escape(note)}</p>'
    )
