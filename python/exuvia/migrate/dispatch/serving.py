"""What status says of calls that were not served, or not compared, as one would think."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.gates.verdict import UnitStatus

__all__ = ["notes"]


def notes(unit: UnitConfig, state: UnitStatus) -> list[str]:
    """Return what should be known of who served a unit.

    >>> from exuvia.migrate.config import UnitConfig
    >>> from exuvia.migrate.gates.verdict import UnitStatus
    >>> unit = UnitConfig("bot:send", "fast:send", key="$args.account", share=0.05)
    >>> state = UnitStatus("bot:send")
    >>> state.add({"mode": "canary", "since_flip": {"legacy_calls": 1200}})
    >>> notes(unit, state)
    ['canary: the share of 5 % covers no key seen yet: legacy served all 1,200 calls; raise share or wait']

    Args:
        unit: The unit.
        state: What was counted.
    """
    counts, found = state.counts, []
    if counts.get("answered"):
        found.append(f"the candidate raised and legacy answered: {_calls(counts['answered'])}")
    if counts.get("unanswered"):
        found.append(
            "the candidate raised and legacy could not answer, which put the unit back: "
            f"{_calls(counts['unanswered'])}; if its errors are what legacy raises too, declare fallback = false"
        )
    if state.objects is not None and state.mode in ("canary", "rust"):
        found += _objects(unit, state.mode, state.objects)
    if state.mode == "canary":
        unkeyed, capped = counts["unkeyed"], counts["capped"]
        if unkeyed and unit.key is None:
            found.append(f'canary: it declares no key, as "$args.account", so legacy served {_calls(unkeyed)}')
        elif unkeyed:
            found.append(f"canary: the key {unit.key} could not be read: {_calls(unkeyed)} legacy's")
        if capped:
            found.append(f"canary: its caps are reached: {_calls(capped)} legacy's")
        served = state.since_flip["legacy_calls"]
        if served and not counts["canary_calls"] and not capped and unkeyed < served:
            found.append(
                f"canary: the share of {unit.share * 100:.12g} % covers no key seen yet: legacy served all "
                f"{_calls(served)}; raise share or wait"
            )
    return found


def _objects(unit: UnitConfig, mode: str, objects: Mapping[str, int | None]) -> list[str]:
    """Say of a class how many of the objects that the candidate serves are compared."""
    made, twinned, let_go = (objects.get(name) or 0 for name in ("candidate", "twinned", "let_go"))
    if twinned or not made:
        share = [f"{twinned:,} of {made:,} rust objects have a legacy twin, and are compared"] if made > twinned else []
        what = "1 rust object" if let_go == 1 else f"{let_go:,} rust objects"
        gone = f"{what}: called more than 20 times a second, compared 10,000 times, then let go to run alone"
        return [*share, f"{gone}; the next new object is compared in its stead"] if let_go else share
    if unit.isolation != "process":
        why = "that needs isolation = 'process'"
    else:
        why = "its objects have no weak references (#[pyclass(weakref)]) or its class takes no patch"
    return [f"none of {made:,} rust objects is compared in {mode}: {why}"]


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count:,} calls"
