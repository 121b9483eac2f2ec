"""Whole lives of objects, in the worker: all calls of one from its making on, so that it can be made again elsewhere.

The first objects of a process and some spread over it are recorded call by call. Of every other one the calls are
held back for as long as they are few, and recorded together at its first difference: that is what `repro` needs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["RECORDED_FIRST", "Life", "Lives", "spread", "spread_calls"]

FIRST = 4
RECORDED_FIRST = 20
"""So many recorded calls `replay` and `aa` need of a unit (`workbench.recordings.LEAST`)."""
RECORDED = 16
LONGEST = 200
HELD_BYTES = 8 * 1024 * 1024

Lived = tuple[str, int, bytes, "bytes | None"]
"""Method, signature, the pickles of the arguments and of legacy's outcome."""


@dataclass(slots=True)
class Life:
    """What is known of one object's calls; of one that was made from a state, nothing.

    Attributes:
        recorded: Whether each call is recorded as it comes.
        kept: Whether its calls are held back.
        calls: How many there were.
        held: Those that are held back.
        size: Their bytes.
    """

    recorded: bool = False
    kept: bool = False
    calls: int = 0
    held: list[Lived] = field(default_factory=list)
    size: int = 0


class Lives:
    """The lives of one unit's objects.

    Args:
        record: The unit's `record`: with 0 nothing is.
    """

    def __init__(self, record: int) -> None:
        self.record = record
        self.made = self.recorded = self.size = 0

    def begun(self) -> Life:
        """Return the life of an object that is made now."""
        self.made += 1
        if not self.record:
            return Life()
        chosen = self.recorded < RECORDED and (self.made <= FIRST or spread(self.made))
        self.recorded += chosen
        return Life(recorded=chosen, kept=not chosen)

    def lived(self, life: Life, call: Lived) -> int | None:
        """Count one call, and hold it back if it may be told later.

        Args:
            life: The object's.
            call: It.

        Returns:
            Its place in a life that is recorded, else `None`.
        """
        number, life.calls = life.calls, life.calls + 1
        size = len(call[2]) + len(call[3] or b"")
        if number >= LONGEST or call[3] is None or (life.kept and self.size + size > HELD_BYTES):
            self.forget(life)
        if life.kept:
            life.held.append(call)
            life.size += size
            self.size += size
        return number if life.recorded else None

    def told(self, life: Life) -> list[Lived]:
        """Return all calls of an object that were held back, once.

        Args:
            life: The object's.
        """
        held = life.held
        self.forget(life)
        return held

    def forget(self, life: Life) -> None:
        """Hold nothing back any more, and record no further call.

        Args:
            life: The object's.
        """
        self.size -= life.size
        life.held, life.size, life.kept, life.recorded = [], 0, False, False


def spread_calls(number: int) -> bool:
    """Say whether the call of this number is recorded although its shape is known.

    The first twenty are, so that `replay` and `aa` have enough of a unit of one shape. Values at the start of a process
    are alike; so there are as many from each later doubling of its calls.

    >>> [number for number in range(1, 100) if spread_calls(number)][18:]
    [19, 20, 24, 32, 48, 64, 96]

    Args:
        number: Counted from 1.
    """
    return number <= RECORDED_FIRST or spread(number)


def spread(number: int) -> bool:
    """Say whether the object of this number is recorded: as many from each doubling of what a process made.

    >>> [number for number in range(1, 100) if spread(number)]
    [2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96]

    Args:
        number: Counted from 1.
    """
    rest = number.bit_length() - 2
    return rest >= 0 and number == number >> rest << rest
