"""What is packed of a sampled call: arguments before and after it, its result or exception.

The arguments are pickled before the side that serves can change them, and again after it only if they could
have changed; the result at once. What cannot be pickled, is too large, or has code of the program's own for it is
counted with its reason. Pickling is one call of C that returns what it raises: what a signal's handler raises goes on
to the caller. Where `pickling = "run"` is declared, the program's pickling hooks run here, in the caller's process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exuvia._exuvia import attempt
from exuvia.migrate.dispatch.interrupts import by_signal, is_foreign
from exuvia.migrate.shadow import surroundings
from exuvia.migrate.shadow.containment import HERE
from exuvia.migrate.shadow.lane import LARGE
from exuvia.migrate.shadow.packing import ATOMS, PROTOCOL, context_key, pack, pack_raised, reason
from exuvia.migrate.shadow.pickling import guarded_attempt
from exuvia.migrate.shadow.protocol import CALL
from exuvia.migrate.shadow.weighing import LARGEST, looked_at

if TYPE_CHECKING:
    from exuvia.migrate.shadow.lane import Lane

__all__ = ["begun", "changed", "ended", "packed", "packed_raised", "raised", "returned"]

Begun = tuple[bytes, "tuple[Any, ...] | None"]
"""The arguments before the call, the decimal context."""

DEEP = "it reached the recursion limit, whose depth depends on who calls"
ENDED = "a signal's handler ended the call"
GONE = pack((("(cannot be pickled after the call)",), {}), PROTOCOL)


def begun(lane: Lane, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Begun | None:
    """Pack what a call is given, or return `None` if it is not observed.

    Args:
        lane: The unit's lane.
        args: Positional arguments.
        kwargs: Keyword arguments.
    """
    before = packed(lane, (args, kwargs), "arguments", (*args, *kwargs.values()))
    return None if before is None else (before, context_key())


def returned(lane: Lane, call: Begun, given: tuple[Any, Any], result: object, took: int) -> None:
    """Put a call that returned on its way.

    Args:
        lane: The unit's lane.
        call: What `begun` returned.
        given: Its arguments.
        result: What it returned.
        took: Nanoseconds.
    """
    outcome = packed(lane, result, "the result")
    if outcome is not None:
        _put(lane, call, changed(lane, call[0], *given), (outcome, False, took))


def raised(lane: Lane, call: Begun, given: tuple[Any, Any], error: BaseException, took: int) -> None:
    """Put a call that raised on its way.

    Args:
        lane: The unit's lane.
        call: What `begun` returned.
        given: Its arguments.
        error: What it raised.
        took: Nanoseconds.
    """
    outcome = packed_raised(lane, error)
    if outcome is not None:
        _put(lane, call, changed(lane, call[0], *given), (outcome, True, took))


def ended(error: BaseException | None) -> str:
    """Say why an exception is not to be compared: no call of the other side could raise it, or not there.

    Args:
        error: What the side that serves raised.
    """
    if isinstance(error, RecursionError):
        return DEEP
    return ENDED if error is not None and by_signal(error) else ""


def changed(lane: Lane, before: bytes, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes | None:
    """Return the arguments' bytes after a call, or `None` if they are what they were.

    Args:
        lane: The unit's lane.
        before: Their bytes before it.
        args: Positional arguments.
        kwargs: Keyword arguments.
    """
    if not kwargs:
        for value in args:
            if type(value) not in ATOMS:
                break
        else:
            return None
    given = (args, kwargs)
    plain = looked_at((*args, *kwargs.values()))[1]
    after = attempt(pack, given, PROTOCOL) if plain else _watched(lane, given)
    if type(after) is bytes:
        return None if after == before else after
    if isinstance(after, BaseException):
        _own(after)
    # What cannot be pickled any more has changed; how, the pickle of nothing tells as well as any.
    return GONE


def packed(lane: Lane, value: object, what: str, parts: tuple[Any, ...] = ()) -> bytes | None:
    """Pickle a value, or count why not.

    Args:
        lane: The unit's lane.
        value: Anything.
        what: What it is, for the reason.
        parts: What it consists of, if that is known.
    """
    size, plain = looked_at(parts or (value,))
    if size > LARGEST:
        lane.record.lost(f"{what}: above {LARGEST >> 20} MiB, which is not copied")
        return None
    found = attempt(pack, value, PROTOCOL) if plain else _watched(lane, value)
    if type(found) is bytes and len(found) <= LARGEST:
        return found
    if isinstance(found, bytes):
        lane.record.lost(f"{what}: above {LARGEST >> 20} MiB, which is not copied")
    else:
        lane.record.lost(found if isinstance(found, str) else reason(f"{what} cannot be pickled", _own(found)))
    return None


def _watched(lane: Lane, value: object) -> Any:
    """The pickle of what may run code of the program, or the exception, or a text that says why there is none."""
    if lane.unit.pickling != "run":
        return guarded_attempt(value)
    held = surroundings.now()
    try:
        HERE.asking = True
        found = attempt(pack, value, PROTOCOL)
    finally:
        HERE.asking = False
    if surroundings.put_back(held) and not (isinstance(found, BaseException) and is_foreign(found)):
        return surroundings.CHANGED
    return found


def _own(error: BaseException) -> BaseException:
    """An exception that is the observer's affair; the program's goes on to it."""
    if is_foreign(error):
        raise error
    return error


def packed_raised(lane: Lane, error: BaseException) -> bytes | None:
    """Pickle what was raised, or count why not; on the way out of the program nothing is sampled.

    Args:
        lane: The unit's lane.
        error: The exception.
    """
    if not isinstance(error, Exception):
        return None
    why = ended(error)
    if why:
        lane.record.lost(why)
        return None
    found = attempt(pack_raised, error, lane.packs)
    if type(found) is bytes:
        return found
    lane.record.lost(reason("the exception cannot be pickled", _own(found)))
    return None


def _put(lane: Lane, call: Begun, after: bytes | None, came: tuple[bytes, bool, int]) -> None:
    before, context = call
    size = len(before) + len(came[0])
    if size > LARGE:
        lane.weigh(size)
    lane.put((CALL, lane.index, 0, "", before, after, *came, context, None))
