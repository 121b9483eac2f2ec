"""What both sides raised of a call that the candidate served: compared like a result, and put on record like one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exuvia.migrate.comparator.ledger import comparator_of
from exuvia.migrate.dispatch.interrupts import by_signal, is_foreign
from exuvia.migrate.dispatch.rescue import is_candidates
from exuvia.migrate.shadow import strata
from exuvia.migrate.shadow.containment import HERE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.evidence.record import Record

__all__ = ["Raised"]

ROOM = (RecursionError, MemoryError)
"""What legacy raises for want of room, which depends on who calls and says nothing of the candidate."""


class Raised:
    """Compares, for a unit's switch, what both sides raised.

    Args:
        unit: The unit, with its rules.
        record: Where it goes.
        names: Legacy's positional parameters, for strata.
    """

    def __init__(self, unit: UnitConfig, record: Record, names: tuple[str, ...]) -> None:
        self.unit, self.record, self.names = unit, record, names
        self.comparator = comparator_of(unit)

    def __call__(
        self,
        legacy: BaseException,
        candidate: BaseException,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        observed: bool,
    ) -> bool | None:
        """Say whether both raised the same, or `None` if that cannot be told.

        Args:
            legacy: What legacy raised when it was asked to answer.
            candidate: What the candidate had raised.
            args: Positional arguments of the call, which neither side can have changed.
            kwargs: Keyword arguments of the call.
            observed: Whether the call is observed: then what observes it puts it on record.

        Raises:
            Exception: Only what the handler of a signal raises meanwhile.
        """
        outside = HERE.observing
        HERE.observing = True
        try:
            if isinstance(legacy, ROOM) or not is_candidates(legacy) or by_signal(legacy):
                return None
            verdict = self.comparator.compare_outcomes((None, legacy), (None, candidate))
            if outside:
                # exuvia is at work for another call: a difference is said in words, and put on no record.
                self.record.nested += not observed
                return True if not verdict.total else None
            if not observed:
                given = args, dict(kwargs)
                stratum = strata.stratum(self.unit.strata, self.names, *given) if self.unit.strata else ""
                self.record.observed([verdict], None, given, stratum=stratum)
        except Exception as error:
            if is_foreign(error):
                raise
            if not isinstance(error, RecursionError):
                self.record.failed(f"{type(error).__name__}: {error}")
            return None
        finally:
            HERE.observing = outside
        return not verdict.total
