"""Verdicts on one call: its result or exception, its arguments after it, and verdicts as plain values."""

from __future__ import annotations

import io
import types
from typing import TYPE_CHECKING, Any

from exuvia.errors import CompareError
from exuvia.migrate.dispatch.interrupts import is_foreign
from exuvia.migrate.own import pickle
from exuvia.migrate.shadow.packing import PROTOCOL, reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exuvia._exuvia import Comparator, Verdict
    from exuvia.migrate.shadow.containment import Outcome

__all__ = ["compare_arguments", "compare_call", "numbered", "plain", "self_named"]

CODE = (type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType)


def compare_call(
    comparator: Comparator,
    outcomes: tuple[Outcome, Outcome],
    arguments: tuple[Any, Any] | None,
) -> tuple[list[Verdict], str]:
    """Compare what both sides returned or raised, and what they did to their arguments.

    Args:
        comparator: The unit's comparator.
        outcomes: Legacy's and the candidate's.
        arguments: Legacy's arguments after the call and the candidate's, if they could change.

    Returns:
        The verdicts, and why what became of the arguments is unknown, if it is.

    Raises:
        CompareError: For a result that cannot be read.
    """
    verdicts = [comparator.compare_outcomes(*outcomes)]
    if arguments is None:
        return verdicts, ""
    found, unread = compare_arguments(comparator, *arguments)
    return verdicts + found, unread


def compare_arguments(comparator: Comparator, legacy: Any, candidate: Any) -> tuple[list[Verdict], str]:
    """Compare arguments after the call, which need not be readable values: a queue, a connection, a callback.

    Args:
        comparator: The unit's comparator.
        legacy: Its arguments after the call.
        candidate: The candidate's.

    Returns:
        The verdict, and why there is none: where they cannot be read and were not left the same on both sides.
    """
    try:
        return [comparator.compare(legacy, candidate, "$args")], ""
    except CompareError as error:
        if _left_the_same(legacy, candidate):
            return [], ""
        return [], reason("what both sides did to the arguments cannot be compared", error)


class _State(pickle.Pickler):
    """Pickles; code, which no call changes, by identity."""

    def persistent_id(self, value: Any) -> int | None:
        return id(value) if isinstance(value, CODE) else None


def _left_the_same(one: object, other: object) -> bool:
    try:
        return _state(one) == _state(other)
    except Exception as error:
        if is_foreign(error):
            raise
        return False


def _state(value: object) -> bytes:
    buffer = io.BytesIO()
    _State(buffer, PROTOCOL).dump(value)
    return buffer.getvalue()


def numbered(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[int | str, Any]:
    """Return arguments as one mapping, so that paths read `$args[0]` and `$args.name`.

    Args:
        args: Positional arguments.
        kwargs: Keyword arguments.
    """
    numbered: dict[int | str, Any] = dict(enumerate(args))
    numbered.update(kwargs)
    return numbered


def self_named(outcome: Outcome, owner: object) -> Outcome:
    """Name an object that returns itself: that is "the same object" on both sides.

    Args:
        outcome: What one side returned or raised.
        owner: That side's object.
    """
    result, raised = outcome
    return ("(the object itself)", raised) if owner is not None and result is owner else outcome


def plain(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return verdicts as plain values, for a pipe: their differences, how many in all, what was ignored.

    Args:
        verdicts: Of one call.
    """
    names = ("path", "place", "kind", "legacy", "candidate", "rule")
    return {
        "lines": [{name: getattr(found, name) for name in names} for one in verdicts for found in one.differences],
        "total": sum(one.total for one in verdicts),
        "ignored": [list(row) for one in verdicts for row in one.ignored],
    }
