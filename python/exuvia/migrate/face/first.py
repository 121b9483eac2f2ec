"""The report's first screen: for whoever decides. A sentence, four figures, and what to do next."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from exuvia.migrate.face.html import badge, heads, say, section, table
from exuvia.migrate.gates.pace import figure

if TYPE_CHECKING:
    from collections.abc import Collection

    from exuvia.migrate.face.advice import Advice
    from exuvia.migrate.gates.judge import GroupVerdict
    from exuvia.migrate.gates.verdict import UnitStatus

__all__ = ["headline", "next_steps", "tiles"]


def headline(
    states: list[UnitStatus], verdicts: list[GroupVerdict], *, rehearsal: bool, compiled: Collection[str] = ()
) -> str:
    """Say in a sentence or two what is known and whether it is safe to go on.

    Args:
        states: The units.
        verdicts: The verdict on each group; none in a rehearsal.
        rehearsal: Whether the evidence does not count.
        compiled: Units whose candidate is compiled code or calls it: only those may be called Rust.
    """
    compared = sum(state.counts["compared"] for state in states)
    differed = sum(state.counts["differed"] for state in states)
    failing = [state for state in states if state.verdict == "FAIL"]
    served = [state for state in states if (state.effective or state.mode) == "rust"]
    broken = [found for found in verdicts if found.verdict == "FAIL"]
    if not states:
        text = f"{say(len(verdicts), 'group')} compared by artefacts alone." if verdicts else "No unit is declared."
    elif not compared and all((state.effective or state.mode) == "legacy" for state in states):
        text = "Nothing was compared yet: every unit stands in legacy. Promote one to shadow, then run the program."
    elif not compared and not served:
        text = "Nothing was compared yet: run the program in shadow first."
    elif failing:
        text = f"Do not go on: {_failing(failing, compared, differed)}"
    else:
        seen = [state for state in states if state.counts["compared"]]
        who = "Rust answered" if _all(seen, compiled) else f"The {_candidates(seen)} answered"
        what = "the Python code" if _all(seen, compiled) else "legacy"
        where = "the one call that was compared" if compared == 1 else f"all of {compared:,} compared calls"
        text = f"{who} exactly as {what} in {where}."
        if not compared:
            text = "Nothing was compared yet."
        open_ones = [state for state in states if state.verdict == "INCONCLUSIVE"]
        if open_ones:
            text += (
                f" Of {say(len(open_ones), 'unit')} too little is known: {open_ones[0].unit}, {open_ones[0].reason}."
            )
        if served:
            text += f" {say(len(served), 'unit')} of {len(states)} {'runs' if len(served) == 1 else 'run'} on "
            text += "Rust." if _all(served, compiled) else f"the {_candidates(served)}{_which(served, compiled)}."
    if broken and not failing:
        text = f"Do not go on: group {broken[0].group}: {broken[0].reasons[0]}. {text}"
    if verdicts and not failing:
        ready = [found for found in verdicts if found.verdict == "PASS"]
        text += f" {len(ready)} of {say(len(verdicts), 'group')} may take the next step."
    if rehearsal:
        text += " This is a rehearsal: none of it counts towards a cutover."
    return f'<p class="lead">{escape(text)}</p>'


def _all(states: list[UnitStatus], compiled: Collection[str]) -> bool:
    return bool(states) and all(state.unit in compiled for state in states)


def _candidates(states: list[UnitStatus]) -> str:
    return "candidate" if len(states) == 1 else "candidates"


def _which(served: list[UnitStatus], compiled: Collection[str]) -> str:
    """How many of them are compiled, where some are."""
    rust = sum(state.unit in compiled for state in served)
    return f", {rust} of them Rust" if rust else ""


def _failing(failing: list[UnitStatus], compared: int, differed: int) -> str:
    """What is wrong, and who served meanwhile."""
    names = ", ".join(state.unit for state in failing[:3])
    if not differed:
        return f"{failing[0].unit}: {failing[0].reason}."
    text = f"{differed:,} of {compared:,} compared calls differ, in {names}."
    if any(state.counts["candidate_calls"] for state in failing):
        return f"{text} The {_candidates(failing)} served calls of the program."
    return f"{text} Legacy served every one of them; nothing reached the market from the {_candidates(failing)}."


def tiles(states: list[UnitStatus], verdicts: list[GroupVerdict], runs: dict[str, Any] | None) -> str:
    """Return the figures.

    Args:
        states: The units.
        verdicts: The verdict on each group; none in a rehearsal.
        runs: Whole runs, as `read_runs` returned them.
    """
    compared = sum(state.counts["compared"] for state in states)
    differed = sum(state.counts["differed"] for state in states)
    passing = [state for state in states if state.verdict == "PASS"]
    made = [
        (f"{len(passing)} of {len(states)}", "units pass"),
        (f"{compared:,}", "calls compared"),
        (f"{differed:,}", "calls that differ"),
    ]
    broken = [found for found in verdicts if found.verdict == "FAIL"]
    if broken:
        made.insert(0, (f"{len(broken)} of {len(verdicts)}", "groups fail"))
    made += _pace(states)
    sides = (runs or {}).get("runs", [])
    if len(sides) > 1 and sides[-1]["compute_s"] > 0:
        saved = sides[0]["compute_s"] - sides[-1]["compute_s"]
        said = f"of {sides[0]['compute_s']:,.2f} s compute saved in the whole run; waiting and start are not counted"
        made.append((f"{saved:,.2f} s", said))
    cells = "".join(f'<div class="tile"><b>{escape(big)}</b><span>{escape(small)}</span></div>' for big, small in made)
    return f'<div class="tiles">{cells}</div>'


def _names(same: list[Advice]) -> str:
    """The first of those about which the same is to be done, and the others, folded."""
    first = f'<code class="value">{escape(same[0].group)}</code>'
    if len(same) == 1:
        return f"<td>{first}</td>"
    others = "<br>".join(f'<code class="value">{escape(each.group)}</code>' for each in same[1:])
    return f"<td>{first}<details><summary>and {len(same) - 1} more, each by its name</summary>{others}</details></td>"


def _command(text: str) -> str:
    """A command in a line of its own, so that it can be copied as it stands."""
    return f'<br><code class="command">{escape(text)}</code>' if text else ""


def _pace(states: list[UnitStatus]) -> list[tuple[str, str]]:
    """How fast the candidates are, as far as it was shown: a figure and what it is."""
    timed = [(state.unit, state.pace) for state in states]
    known = [(unit, found) for unit, found in timed if found is not None]
    shown = [(unit, found) for unit, found in known if found.shown]
    if not known:
        return []
    places = "timed in different processes, see below"
    if not shown:
        return [("no difference shown", f"in the time of a call; {places}")]
    if len(known) == 1:
        ((_, found),) = shown
        low, high = figure(found.low), figure(found.high)
        means = "timed in different processes: exuvia bench times a whole run"
        return [(f"{figure(found.ratio)}×", f"as fast a call, {low} to {high} with 95 %; {means}")]
    faster = sorted((each for each in shown if each[1].ratio > 1.0), key=lambda each: -each[1].ratio)
    slower = [unit for unit, found in shown if found.ratio < 1.0]
    said = "; ".join(f"{unit.rpartition(':')[2]} {found}" for unit, found in faster[:3])
    said += f"; {len(faster) - 3} more" if len(faster) > 3 else ""
    said += f"{'; ' if said else ''}slower: {', '.join(slower[:3])}" if slower else ""
    return [(f"{len(faster)} of {len(known)}", f"units are shown to be faster a call: {said}; {places}")]


def next_steps(advice: list[Advice], verdicts: list[GroupVerdict]) -> str:
    """Return what to do about each group.

    Args:
        advice: What was found.
        verdicts: The verdict on each group; none in a rehearsal.
    """
    known = {found.group: found.verdict for found in verdicts}
    alike: dict[tuple[str, str, str], list[Advice]] = {}
    for each in sorted(advice, key=lambda each: not each.urgent):
        # Where the same is to be done about many, it is said once.
        kind = known.get(each.group, ""), each.text.replace(each.group, ""), each.command.replace(each.group, "")
        alike.setdefault(kind, []).append(each)
    rows = "".join(
        f"<tr>{_names(same)}<td>{badge(verdict) if verdict else ''}</td>"
        f"<td>{escape(same[0].text)}{_command(same[0].command)}</td></tr>"
        for (verdict, _, _), same in alike.items()
    )
    made = table(heads("group or unit", "", "what, and the command"), rows)
    return section("What to do next", f'<div class="next">{made}</div>' if rows else "")
