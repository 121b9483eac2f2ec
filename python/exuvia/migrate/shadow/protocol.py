"""What courier and worker say to one another: frames over two pipes, and a page that both see.

A frame is its length (u64, little endian) and a body. The first frame is the pickled `Hello`; after it a
frame to the worker is a marshalled list of samples, and one back is a marshalled list of answers, one for
each sample and in their order. Marshal carries only plain values: what came from the program is pickled
bytes inside.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exuvia.migrate.config import Divergence

__all__ = [
    "CALL", "DELETE", "DROP", "GET", "IDLE", "LENGTH", "LOADING", "MADE", "METHOD", "PAGE", "PAGE_BYTES", "RUNNING",
    "SET", "SIDE", "SILENT", "STATE", "TAPE", "Answer", "Event", "Hello", "Side", "step_name",
]  # fmt: skip

LENGTH = struct.Struct("<Q")

# What a sample is.
CALL, TAPE, MADE, METHOD, GET, SET, STATE, DROP, SIDE, DELETE = range(10)
SILENT = frozenset((STATE, DROP, SIDE))
"""Kinds that are no call of the program: nothing is counted of them."""

# What the worker is doing, as its page says.
IDLE, LOADING, RUNNING = range(3)

PAGE = struct.Struct("<QQQQ")
"""Number of the sample that runs (counted from 0 in the life of the worker), since when in monotonic ns, what
the worker is doing, and the bytes it had resident when its candidates were loaded."""
PAGE_BYTES = 4096

Sample = tuple[int, int, int, str, bytes, bytes | None, Any, bool, int, tuple[Any, ...] | None, bytes | None]
"""Kind, unit, twin, method, arguments before, arguments after (`None`: unchanged), result or tape, whether
legacy raised, legacy's ns, decimal context (`None`: the default one), attributes."""

Event = tuple[str, "bytes | None", str, "bytes | None"]
"""A step of a generator's tape: what the caller did and gave, what the generator said and with what; values pickled."""

Answer = tuple[int, int, str, int | None, bytes | None, int | None] | dict[str, Any]
"""Of an equal call: the other side's ns, ns in all, stratum, signature if novel, the pickle of legacy's result and
exception if it is to be recorded, the call's place in its object's life if all of that is; else a dictionary that
says more. Where something was refused or led elsewhere, one with `acts` and the `answer`."""


def step_name(kind: int) -> str:
    """Say what a kind of sample is called.

    >>> step_name(MADE)
    'constructor'

    Args:
        kind: One of this module's kinds.
    """
    names = (
        "call",
        "generator",
        "constructor",
        "method",
        "property",
        "property",
        "state",
        "end of life",
        "further unit",
        "property",
    )
    return names[kind]


@dataclass(slots=True)
class Side:
    """What the worker runs for one unit.

    Attributes:
        unit: The unit's name.
        runs: `package.module:name` of what runs in the worker.
        reverse: Whether that is legacy, as the candidate has served.
        is_class: Whether it is a class, with twins.
        compare: Rules by path, a class may put `method:` before the path.
        divergences: Differences that are meant.
        strata: Name and path of what splits the calls.
        names: Names of legacy's positional parameters, by method (`""` for a function).
        memory: Bytes above what the worker has when its candidates are loaded.
        record: Calls to be kept for each novel signature; unless it is 0, calls spread over the process are too.
        attributes: Attributes that are compared after each call.
    """

    unit: str
    runs: str
    reverse: bool = False
    is_class: bool = False
    compare: tuple[tuple[str, str], ...] = ()
    divergences: tuple[Divergence, ...] = ()
    strata: tuple[tuple[str, str], ...] = ()
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    memory: int = 0
    record: int = 0
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hello:
    """How the worker becomes the like of its parent.

    Attributes:
        path: The parent's `sys.path`.
        argv: The parent's `sys.argv`.
        main: How `__main__` was started: `("name", module)`, `("path", file)` or nothing.
        sides: What it shall run.
        limit: Whether memory is limited by the system (not under sanitizers, which map terabytes).
    """

    path: Sequence[str]
    argv: Sequence[str]
    main: tuple[str, str] | None
    sides: tuple[Side, ...]
    limit: bool = True
