"""Verdicts on one call: its result or exception, its arguments after it, and verdicts as plain values."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from exuvia.errors import CompareError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exuvia._exuvia import Comparator, Verdict
    from exuvia.migrate.shadow.containment import Outcome

__all__ = ["compare_call", "numbered", "plain", "self_named"]


def compare_call(
    comparator: Comparator,
    outcomes: tuple[Outcome, Outcome],
    arguments: tuple[Any, Any] | None,
) -> list[Verdict]:
    """Compare what both sides returned or raised, and what they did to their arguments.

    Args:
        comparator: The unit's comparator.
        outcomes: Legacy's and the candidate's.
        arguments: Legacy's arguments after the call and the candidate's, if they could change.

    Raises:
        CompareError: For a result that cannot be read.
    """
    verdicts = [comparator.compare_outcomes(*outcomes)]
    if arguments is not None:
        # Arguments need not be readable values (a connection, a callback): then the result decides.
        with contextlib.suppress(CompareError):
            verdicts.append(comparator.compare(*arguments, "$args"))
    return verdicts


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
