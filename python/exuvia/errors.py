"""The errors of exuvia: one tree under `ExuviaError`, with builtin bases where people expect them.

Catch `ExuviaError` for anything that exuvia refuses, or the builtin (`ValueError`, `OSError`,
`TimeoutError`) that your code caught before the move.

>>> from exuvia.errors import DecodeError, ExuviaError
>>> issubclass(DecodeError, ExuviaError) and issubclass(DecodeError, ValueError)
True
"""

from __future__ import annotations

import errno

__all__ = [
    "BarError",
    "CalendarError",
    "CompareError",
    "ConfigError",
    "DecodeError",
    "ExuviaError",
    "FeedSpecError",
    "ForkError",
    "LakeError",
    "LakeHeldError",
    "LakeNotFoundError",
    "LakeOptionError",
    "LakePermissionError",
    "MigrateError",
    "OptionError",
    "OrderError",
    "PanicError",
    "ScanError",
    "SchemaError",
    "StateError",
    "StateMissingError",
    "TokenError",
    "TokenMissingError",
    "ValueRangeError",
    "VenueError",
]


class ExuviaError(Exception):
    """Anything that exuvia refuses or could not do."""


class ValueRangeError(ExuviaError, ValueError):
    """A price, quantity, money amount or time that the domain does not admit."""


class DecodeError(ExuviaError, ValueError):
    """Bytes of a feed that break the wire format; the message names offset and value."""


class FeedSpecError(ExuviaError, ValueError):
    """A declaration of a feed that cannot be followed; the message names the place and what to write there."""


class BarError(ExuviaError, ValueError):
    """A tick or bar that cannot go into a bar: NaN, out of order, a bad interval."""


class CalendarError(ExuviaError, ValueError):
    """An unknown calendar or time zone, or a date outside what the calendar covers."""


class LakeError(ExuviaError, OSError):
    """A file of the lake that could not be read or written: half-written, gone, disk full."""


class LakeNotFoundError(LakeError, FileNotFoundError):
    """A file or folder of the lake that is not there; `errno` is `ENOENT`."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.errno = errno.ENOENT


class LakePermissionError(LakeError, PermissionError):
    """A file or folder of the lake that may not be read or written; `errno` is `EACCES`."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.errno = errno.EACCES


class LakeHeldError(LakeError):
    """A dataset that another writer holds; the message says which."""


class LakeOptionError(LakeError, ValueError):
    """A compression, level, day, name or symbol that does not exist, or a declaration that contradicts itself."""


class SchemaError(ExuviaError, TypeError):
    """A column that is missing or has another type than the schema says."""


class ScanError(ExuviaError, ValueError):
    """Something that a scan cannot decide on: a price that is none, a scenario without a view, a bad parameter."""


class OptionError(ExuviaError, ValueError):
    """Option analytics of what cannot be: columns of different lengths, an unknown variant, a price out of range."""


class OrderError(ExuviaError, ValueError):
    """An order, or a step of an order, that is not allowed; the message names both states."""


class StateError(ExuviaError, ValueError):
    """A state file that cannot be read or was written by a newer format."""


class StateMissingError(StateError, FileNotFoundError):
    """There is no state file of that name."""


class TokenError(ExuviaError, RuntimeError):
    """A token that cannot be read or kept, or a lease in other hands; no message holds a secret."""


class TokenMissingError(TokenError, FileNotFoundError):
    """There is no token file of that name."""


class VenueError(ExuviaError, RuntimeError):
    """A simulated venue that could not start or was asked for something it has not."""


class ConfigError(ExuviaError, ValueError):
    """`exuvia.toml` names something unknown or forbidden; the message names the line."""


class MigrateError(ExuviaError, RuntimeError):
    """A splice, flip or replacement that would not be safe."""


class CompareError(ExuviaError, ValueError):
    """A value or rule that the comparator does not know."""


class PanicError(ExuviaError, RuntimeError):
    """The Rust side panicked; it is a defect of exuvia."""


class ForkError(ExuviaError, RuntimeError):
    """A forked child called in; start processes with the spawn method."""
