"""Recorded outcomes, read back for the comparator's self-test; no class of the program is loaded for it in here.

An outcome is a pickle, and a pickle of the program's own classes imports its modules, which may open its log anew.
Outcomes of plain values are read where they are asked for. All others are read, and the self-test runs, in a process
of its own inside of the fence: this module is its program.

>>> import base64, pickle
>>> said = base64.b64encode(pickle.dumps(({"price": 1.5}, None))).decode()
>>> read([said], plain)
Read(samples=[{'price': 1.5}], calls=1, foreign='', why='')
"""

from __future__ import annotations

import base64
import builtins
import importlib
import io
import pickle
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exuvia.errors import ExuviaError
from exuvia.migrate.own import json
from exuvia.migrate.shadow import apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["INSTANCES", "SAMPLES", "TEST", "Foreign", "Read", "found_of", "plain", "read", "whole"]

TEST = "exuvia.migrate.comparator.selftest"
SAMPLES = 50
INSTANCES = 1000
PLAIN = {
    "builtins": frozenset(("set", "frozenset", "bytearray", "complex", "range", "slice")),
    "collections": frozenset(("OrderedDict", "defaultdict", "deque", "Counter")),
    "datetime": frozenset(("date", "datetime", "time", "timedelta", "timezone")),
    "decimal": frozenset(("Decimal",)),
}
"""Classes that are loaded in here."""


class Foreign(Exception):  # noqa: N818 - it says of a value what it is
    """A pickle needs a class that is not loaded in here."""


@dataclass(slots=True)
class Read:
    """What was read.

    Attributes:
        samples: Results, at most `SAMPLES`.
        calls: Calls that could be read, those among them that raised or returned nothing.
        foreign: The class that a call needs and that is not loaded in here: nothing was read after it.
        why: Why a call could not be read, where one could not.
    """

    samples: list[Any] = field(default_factory=list)
    calls: int = 0
    foreign: str = ""
    why: str = ""


class _Plain(pickle.Unpickler):
    """Reads plain values only."""

    def find_class(self, module: str, name: str) -> Any:
        if name in PLAIN.get(module, ()):
            return getattr(importlib.import_module(module), name)
        held = vars(builtins).get(name) if module == "builtins" else None
        if isinstance(held, type) and issubclass(held, BaseException):
            return held
        raise Foreign(f"{module}.{name}")


def plain(data: bytes) -> Any:
    """Read a pickle of plain values.

    Args:
        data: The pickle.

    Raises:
        Foreign: If it needs another class.
    """
    return _Plain(io.BytesIO(data)).load()


def whole(data: bytes) -> Any:
    """Read any pickle, which may run anything: for a process inside of the fence.

    Args:
        data: The pickle.
    """
    return pickle.loads(data)  # noqa: S301 - of the evidence folder, which nobody else may write, inside of the fence


def read(outcomes: Iterable[str], way: Callable[[bytes], Any]) -> Read:
    """Read recorded outcomes until there are samples enough; the first that needs another class ends it.

    Args:
        outcomes: As they are recorded, base64 of pickles, the newest first.
        way: `plain` or `whole`.
    """
    found = Read()
    for said in outcomes:
        try:
            result, raised, *_ = way(base64.b64decode(said))
        except Foreign as error:
            found.foreign = str(error)
            return found
        except Exception as error:
            found.why = found.why or f"{type(error).__name__}: {error}"
            continue
        found.calls += 1
        if raised is None and result is not None:
            found.samples.append(result)
        if len(found.samples) == SAMPLES:
            break
    return found


def found_of(rules: dict[str, str], held: Read) -> dict[str, Any]:
    """Run the self-test on what was read, and return what it found as plain values.

    Args:
        rules: The unit's rules.
        held: What was read.
    """
    said: dict[str, Any] = {"calls": held.calls, "why": held.why}
    if not held.calls:
        return said
    try:
        # What returns nothing is tested on values that look like a bot's.
        found = importlib.import_module(TEST).self_test(rules, samples=held.samples or None, instances=INSTANCES)
    except ExuviaError as error:
        return {**said, "error": str(error)}
    return {**said, "ok": found.ok, "text": str(found), "tolerated": found.tolerated}


def _main(folder: str) -> None:
    """Do both inside of the fence: rules and outcomes come in, what was found goes out."""
    asked = json.loads(sys.stdin.read())
    # What exuvia itself needs is loaded outside of the fence: it is no program's.
    importlib.import_module(TEST)
    apart.answer(folder, lambda: found_of(asked["rules"], read(asked["outcomes"], whole)))


if __name__ == "__main__":
    _main(sys.argv[1])
