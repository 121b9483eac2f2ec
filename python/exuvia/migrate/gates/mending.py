"""What to change where calls were not compared: one line for each reason, with the settings that decide it.

Standard library only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["anew", "nexts"]

_QUEUE = (
    "in the unit's table compare a share of the calls (sample = 0.2), let more of them wait (queue = 100000), "
    'or in a rehearsal hold the program up (when_full = "wait")'
)
_WAYS = (
    (
        "or inside itself",
        "an object that meets itself (a parent that holds its child, which holds its parent) has no end: say what of "
        "its class is compared, exuvia.migrate.register(CLASS, lambda it: {...}), without the way back",
    ),
    ("the queue to the worker was full", _QUEUE),
    ("the queue is full", _QUEUE),
    (
        "twin is out of step",
        "give both classes export_state and import_state, so that a twin can be brought back into step; or keep calls "
        'from being dropped: a larger queue, or in a rehearsal when_full = "wait"',
    ),
    (
        "which would run in the program",
        "if what pickles these classes takes no lock and changes nothing, say so in the unit's table, pickling = "
        '"run"; else make the function of what the unit uses of them',
    ),
    (
        "the program ended before it was compared",
        'let less wait as it ends: sample = 0.2 in the unit\'s table, or in a rehearsal when_full = "wait"',
    ),
    (
        "of a core is used up",
        "in the unit's table compare a share of the calls (sample = 0.2), or allow more of a core (budget)",
    ),
    (
        "evidence cannot be written",
        "exuvia doctor says what is wrong with the evidence folder",
    ),
)


UNRECORDED = "a call could not be recorded: "
"""How the reason of a call begins that was compared and of which nothing is kept for repro and replay."""

TOO_BIG = "a call was too big to be recorded"
"""The same of one that takes more than a recording may."""


def what(reason: str) -> str:
    """Return what a reason is one for: a call was not compared, or only not recorded.

    >>> what("the queue to the worker was full"), what(UNRECORDED + "it is too big")
    ('not compared', 'compared, not recorded')

    Args:
        reason: As it was counted.
    """
    return "compared, not recorded" if reason.startswith((UNRECORDED, TOO_BIG)) else "not compared"


def nexts(reasons: Iterable[str]) -> list[str]:
    """Return what to change, once each, for reasons why calls were not compared.

    >>> nexts(["the queue to the worker was full", "its arguments cannot be copied"])[0].partition(" (")[0]
    "in the unit's table compare a share of the calls"

    Args:
        reasons: As they were counted.
    """
    found = (way for reason in reasons for said, way in _WAYS if said in reason)
    return list(dict.fromkeys(found))


def anew(unit: str, counts: Mapping[str, int]) -> list[str]:
    """Return how to leave calls behind that were never compared, once what kept them from it is mended.

    Args:
        unit: The unit.
        counts: Its counters.
    """
    if counts["differed"] or not (counts["skipped"] or counts["errors"]):
        return []
    return [f'then count anew, differences excepted: exuvia gate {unit} --restart "what was changed"']
