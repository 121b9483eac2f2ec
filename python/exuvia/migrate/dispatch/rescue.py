"""May legacy answer for a candidate that raised? Asked by the switch, and by what drives generators and coroutines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exuvia.migrate.dispatch.interrupts import by_signal
from exuvia.migrate.dispatch.untouched import why_not

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exuvia._exuvia import Switch
    from exuvia.migrate.dispatch.raised import Raised

__all__ = ["Rescue", "is_candidates", "judge"]


def judge(legacy: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], error: BaseException | None) -> bool | str:
    """Say whether legacy may answer, or why it may not; `False` if the error is none of the candidate's.

    >>> judge(max, (1, 2), {}, KeyError(1)), judge(max, ([1, 2],), {}, KeyError(1))
    (True, 'argument 0 is a list, which may have been changed')

    Args:
        legacy: Legacy's side.
        args: Positional arguments of the call.
        kwargs: Keyword arguments of the call.
        error: What it raised, with its traceback.

    Raises:
        Exception: Only what the handler of a signal raises meanwhile.
    """
    try:
        if error is not None and by_signal(error):
            return False
        why = why_not(legacy, args, kwargs)
    except RecursionError:
        # There is no room to look; a caller further up has it.
        return False
    except Exception as trouble:
        if by_signal(trouble):
            raise
        return f"the arguments cannot be looked at ({type(trouble).__name__})"
    return True if why is None else why


def is_candidates(error: BaseException) -> bool:
    """Say whether an exception is a failure, and not the caller's own affair (Ctrl-C, cancellation, a generator's end).

    >>> is_candidates(ValueError()), is_candidates(KeyboardInterrupt())
    (True, False)

    Args:
        error: The exception.
    """
    return isinstance(error, (Exception, SystemExit)) or _panicked(error)


def _panicked(error: BaseException) -> bool:
    # Every extension has a PanicException of its own.
    return type(error).__name__.startswith("Panic")


class Rescue:
    """Decides and counts, on a unit's switch, what becomes of the calls in which a body raised that runs later.

    Args:
        raised: Compares what both sides raised.
        observed: Whether these calls are observed.
    """

    def __init__(self, raised: Raised | None = None, *, observed: bool = False) -> None:
        self.switch: Switch | None = None
        self.raised, self.observed = raised, observed

    def allowed(self, legacy: Any, call: tuple[tuple[Any, ...], Mapping[str, Any]], error: BaseException) -> bool:
        """Say whether legacy may answer a call; if it may not, that is counted and the unit is legacy's from here on.

        Args:
            legacy: Legacy's side.
            call: Positional and keyword arguments.
            error: What the candidate raised.
        """
        if not is_candidates(error):
            return False
        found = judge(legacy, *call, error)
        if isinstance(found, str):
            self.refused(error, found)
        return found is True

    def refused(self, error: BaseException, why: str) -> None:
        """Count a call that legacy could not answer.

        Args:
            error: What the candidate raised.
            why: Why it could not.
        """
        if self.switch is not None:
            self.switch.refused(f"{_said(error)} ({why})", panicked=_panicked(error))

    def counting(self, error: BaseException, call: tuple[tuple[Any, ...], Mapping[str, Any]]) -> _Counting:
        """Count one call while legacy answers it.

        Args:
            error: What the candidate raised.
            call: Positional and keyword arguments.
        """
        return _Counting(self, error, call)


class _Counting:
    def __init__(self, rescue: Rescue, error: BaseException, call: tuple[tuple[Any, ...], Mapping[str, Any]]) -> None:
        self.rescue, self.error, self.call = rescue, error, call

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, own: BaseException | None, _: object) -> None:
        # Its traceback leads to the frame that holds this.
        error: Any = self.error
        del self.error
        switch, raised = self.rescue.switch, self.rescue.raised
        if switch is None:
            return
        # A generator that its caller left early had nothing to say against legacy's answer.
        answered = own is None or kind is GeneratorExit
        same: bool | None = None
        if own is not None and not answered:
            same = type(error) is kind or None
            if raised is not None:
                same = raised(own, error, *self.call, self.rescue.observed)
        said = _said(error) if same is None else None
        switch.rescued(said, answered=answered, same=same is True, panicked=_panicked(error))


def _said(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:300]
    except Exception:
        return type(error).__name__
