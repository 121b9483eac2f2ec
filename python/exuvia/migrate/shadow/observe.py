"""The observer of a spliced function: serves legacy, then runs the candidate on copies and compares.

The caller gets legacy's own result or exception, the same object, whatever the candidate does.
"""

from __future__ import annotations

import contextlib
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import detached_copy
from exuvia.errors import CompareError
from exuvia.migrate.shadow.containment import (
    HERE,
    Outcome,
    give_back,
    is_exit,
    leaves_random_alone,
    run_contained,
    served,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from exuvia._exuvia import Comparator, Verdict
    from exuvia.migrate.evidence.record import Record

__all__ = ["compare_call", "copy_arguments", "numbered", "observer"]


def copy_arguments(record: Record, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, bool] | None:
    """Copy a call's arguments before legacy can change them.

    Args:
        record: The unit's record: a copy that fails is a sample lost, and counted.
        args: Positional arguments.
        kwargs: Keyword arguments.

    Returns:
        The copies and whether anything in them could change, or `None` if they cannot be copied.
    """
    if not record.sampling():
        record.lost("evidence cannot be written")
        return None
    try:
        copied, mutable = detached_copy(args)
        if kwargs:
            named, _ = detached_copy(kwargs)
            return copied, named, True
    except Exception as error:
        record.lost(f"arguments cannot be copied: {type(error).__name__}: {error}")
        return None
    return copied, {}, mutable


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


def observer(
    legacy: Callable[..., Any], candidate: Callable[..., Any], comparator: Comparator, record: Record
) -> Callable[..., Any]:
    """Make the callable that serves a unit in shadow mode.

    Args:
        legacy: Legacy's side.
        candidate: The candidate's side.
        comparator: The unit's comparator.
        record: Where calls, times and differences go.
    """
    guard_random = not leaves_random_alone(candidate)

    def observed(*args: Any, **kwargs: Any) -> Any:
        if HERE.contained:
            return legacy(*args, **kwargs)
        entered, before = perf_counter_ns(), HERE.overhead
        copies = copy_arguments(record, args, kwargs)
        outcome, legacy_ns = served(legacy, args, kwargs)
        interrupt: KeyboardInterrupt | None = None
        if copies is not None and not is_exit(outcome):
            copied, named, mutable = copies
            other, candidate_ns, interrupt = run_contained(candidate, copied, named, guard_random)
            if interrupt is None:
                try:
                    after = (numbered(args, kwargs), numbered(copied, named)) if mutable else None
                    verdicts = compare_call(comparator, (outcome, other), after)
                    record.observed(verdicts, (legacy_ns, candidate_ns), copies[:2])
                except Exception as error:
                    # A comparator that fails must not reach the caller.
                    record.failed(f"{type(error).__name__}: {error}")
        HERE.overhead = before + (perf_counter_ns() - entered - legacy_ns)
        if interrupt is not None:
            raise interrupt
        return give_back(outcome)

    return observed


def numbered(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[int | str, Any]:
    """Return arguments as one mapping, so that paths read `$args[0]` and `$args.name`.

    Args:
        args: Positional arguments.
        kwargs: Keyword arguments.
    """
    numbered: dict[int | str, Any] = dict(enumerate(args))
    numbered.update(kwargs)
    return numbered
