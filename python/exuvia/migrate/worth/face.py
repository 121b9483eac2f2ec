"""The worth-it report as a table that fits 100 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exuvia.migrate.worth.judge import UnitWorth
    from exuvia.migrate.worth.stacks import Profile

__all__ = ["lines"]

_MOST = 100


def lines(units: list[UnitWorth], profile: Profile) -> list[str]:
    """Return the report, worst offenders first.

    Args:
        units: The judged units.
        profile: What was measured.
    """
    shown = [_head(profile), ""]
    heads = ("unit", "verdict", "compute", "wait", "sleep", "calls", "B/call", "users", "tests", "gain")
    rows = [_row(unit) for unit in sorted(units, key=lambda unit: -unit.compute_s)]
    widths = [max(len(row[at]) for row in [heads, *rows]) for at in range(len(heads))]
    spare = _MOST - sum(widths[1:]) - 2 * (len(heads) - 1)
    widths[0] = max(min(widths[0], spare), 12)
    for row in [heads, *rows]:
        cells = [_cut(cell, width) for cell, width in zip(row, widths, strict=True)]
        shown.append(
            "  ".join(
                [cells[0].ljust(widths[0]), cells[1].ljust(widths[1])]
                + [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
            ).rstrip()
        )
    shown.append("")
    for unit in units:
        shown.append(f"{unit.unit}: {unit.verdict}: {unit.why}")
        if unit.calls != 0:
            shown.append(f"  {unit.measured}")
        shown += [f"  {note}" for note in unit.notes]
    return [*shown, *(f"note: {note}" for note in profile.notes)]


def _head(profile: Profile) -> str:
    amounts = [f"{kind} {_time(profile, profile.total(kind))}" for kind in ("compute", "wait", "sleep")]
    whole = f"{profile.source}: {_time(profile, profile.wall)} from beginning to end"
    own = "" if profile.overhead is None else f"; the sampler took {profile.overhead:.2f} s"
    return f"{whole}; {', '.join(amounts)} over all threads{own}"


def _time(profile: Profile, amount: float) -> str:
    return f"{amount:,.0f} samples" if profile.weights else f"{amount:.2f} s"


def _row(unit: UnitWorth) -> tuple[str, ...]:
    whole = unit.compute_s + unit.wait_s + unit.sleep_s
    parts = [f"{part / whole:.0%}" if whole else "-" for part in (unit.compute_s, unit.wait_s, unit.sleep_s)]
    tests = f"{unit.cover:.0%}" if unit.cover is not None else str(len(unit.tests))
    sure = "" if unit.speedup is not None else "≤ "
    return (
        unit.unit,
        unit.verdict,
        *parts,
        "-" if unit.calls is None else f"{unit.calls:,}",
        "-" if unit.bytes is None else _size(unit.bytes),
        str(len(unit.importers)),
        tests,
        f"{sure}{round(unit.gain, 3) + 0.0:.1%}",  # never a minus zero
    )


def _size(amount: float) -> str:
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}"
        amount /= 1000
    return f"{amount:.0f} GB"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"…{text[-(width - 1) :]}"
