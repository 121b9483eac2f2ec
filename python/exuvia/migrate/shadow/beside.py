"""`isolation = "thread"`: the candidate runs in the caller's thread, on copies, after the side that serves.

Its exceptions stop here; a hang, an abort or exhausted memory do not, and status says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exuvia._exuvia import detached_copy
from exuvia.migrate.dispatch.interrupts import is_foreign
from exuvia.migrate.shadow import strata
from exuvia.migrate.shadow.compared import compare_call, numbered
from exuvia.migrate.shadow.containment import HERE, is_exit, leaves_random_alone, passed_by, run_contained
from exuvia.migrate.shadow.packing import Hooked, reason
from exuvia.migrate.shadow.pickling import guarded_attempt
from exuvia.migrate.shadow.replay import replay
from exuvia.migrate.shadow.sampling import ended
from exuvia.migrate.shadow.tape import Tape, named_like
from exuvia.migrate.shadow.unseen_importlib_bootstrap import beside, drive
from exuvia.migrate.shadow.weighing import looked_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from exuvia._exuvia import Comparator
    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.evidence.record import Record
    from exuvia.migrate.shadow.containment import Outcome

__all__ = ["Beside", "copy_arguments"]


def copy_arguments(record: Record, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, bool] | None:
    """Copy a call's arguments before they can change.

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
    if record.apart:
        record.lost(record.apart)
        return None
    if record.pickling != "run" and not looked_at((*args, *kwargs.values()))[1]:
        # Copying runs what pickling does.
        found = guarded_attempt((args, kwargs))
        if isinstance(found, BaseException) and is_foreign(found):
            raise found
        if isinstance(found, Hooked):
            record.lost(reason("arguments cannot be copied", found))
            return None
    try:
        copied, mutable = detached_copy(args)
        if kwargs:
            named, _ = detached_copy(kwargs)
            return copied, named, True
    except BaseException as error:
        if is_foreign(error):
            raise
        record.lost(f"arguments cannot be copied: {type(error).__name__}: {error}")
        return None
    return copied, {}, mutable


class Beside:
    """Observers of one unit in the caller's thread.

    Args:
        other: The side that runs after the one that serves.
        comparator: The unit's comparator.
        unit: The unit.
        record: Where calls, times and differences go.
        names: Legacy's positional parameters, for strata.
        reverse: Whether the candidate serves and legacy runs after it.
    """

    def __init__(
        self,
        other: Callable[..., Any],
        comparator: Comparator,
        unit: UnitConfig,
        record: Record,
        names: tuple[str, ...],
        *,
        reverse: bool,
    ) -> None:
        self.other, self.comparator, self.record = other, comparator, record
        self.unit, self.names, self.reverse = unit, names, reverse
        self.guard_random = not leaves_random_alone(other)

    def observer(self, serving: Callable[..., Any]) -> Callable[..., Any]:
        """Make the callable of a plain function.

        Args:
            serving: The side that serves.
        """
        return beside(serving, self.record, lambda *given: copy_arguments(self.record, *given), self._run)

    def _run(
        self, outcome: Outcome, took: int, copies: tuple[Any, Any, bool] | None, given: tuple[Any, Any]
    ) -> BaseException | None:
        """Run the other side on the copies and compare; what is returned is the program's, to be raised there."""
        if copies is None:
            return None
        if is_exit(outcome):
            why = ended(outcome[1])
            if why:
                self.record.lost(why)
            return None
        copied, named, mutable = copies
        other, other_ns, interrupt = run_contained(self.other, copied, named, self.guard_random, self.record)
        if interrupt is None:
            after = (numbered(*given), numbered(copied, named)) if mutable else None
            self._judge((outcome, other), after, (took, other_ns), copies[:2])
        return interrupt

    def _judge(
        self,
        outcomes: tuple[Outcome, Outcome],
        after: tuple[Any, Any] | None,
        times: tuple[int, int],
        given: tuple[Any, Any],
    ) -> None:
        try:
            if self.reverse:
                outcomes = outcomes[::-1]
                after = after[::-1] if after is not None else None
            verdicts, unread = compare_call(self.comparator, outcomes, after)
            if unread and not any(verdict.total for verdict in verdicts):
                self.record.lost(unread)
            else:
                self._observed(verdicts, times, given)
        except Exception as error:
            # A comparator that fails must not reach the caller; what a signal's handler raises must.
            if is_foreign(error):
                raise
            self.record.failed(f"{type(error).__name__}: {error}")

    def _observed(self, verdicts: list[Any], times: tuple[int, int], given: tuple[Any, Any]) -> None:
        unit = self.unit
        stratum = strata.stratum(unit.strata, self.names, *given) if unit.strata else ""
        self.record.observed(verdicts, times[::-1] if self.reverse else times, given, stratum=stratum)

    def generator(self, serving: Callable[..., Any]) -> Callable[..., Any]:
        """Make the callable of a generator function: when its tape ends, the other side replays it.

        Args:
            serving: The side that serves.
        """

        def observed(*args: Any, **kwargs: Any) -> Any:
            def begin() -> tuple[Any, Tape, Callable[[], None]]:
                copies = self._copied(args, kwargs)
                tape = Tape(lambda value: detached_copy(value)[0], lambda error: error)
                tape.full = copies is None
                return serving(*args, **kwargs), tape, lambda: self._ended(tape, copies)

            return named_like(drive(begin), serving)

        return observed

    def _copied(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, bool] | None:
        """Copies of a generator's arguments, or `None` if its call is not observed."""
        if HERE.contained or passed_by(self.record):
            return None
        HERE.observing = True
        try:
            return copy_arguments(self.record, args, kwargs)
        finally:
            HERE.observing = False

    def _ended(self, tape: Tape, copies: tuple[Any, Any, bool] | None) -> None:
        outside = HERE.observing
        HERE.observing = True
        try:
            self._replayed(tape, copies)
        finally:
            HERE.observing = outside

    def _replayed(self, tape: Tape, copies: tuple[Any, Any, bool] | None) -> None:
        if copies is None or not tape.steps:
            return
        if tape.trouble:
            self.record.lost(tape.trouble)
            return
        clock = [0]
        (told, raised), _, interrupt = run_contained(
            lambda *args, **kwargs: replay(self.other, args, kwargs, tape.steps, clock),
            copies[0],
            copies[1],
            self.guard_random,
            self.record,
        )
        if interrupt is not None:
            raise interrupt
        try:
            if raised is not None:
                raise raised
            items, other, theirs, end = told
            one, two = (items, theirs) if self.reverse else (theirs, items)
            verdicts = [self.comparator.compare(one, two)]
            if other is not None:
                pair = (other, end) if self.reverse else (end, other)
                verdicts.append(self.comparator.compare_outcomes(*pair))
            self._observed(verdicts, (tape.took, clock[0]), copies[:2])
        except Exception as error:
            if is_foreign(error):
                raise
            self.record.failed(f"{type(error).__name__}: {error}")
