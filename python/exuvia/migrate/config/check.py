"""Checks of single values; every refusal names file and line, the value, and the nearest known word."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, TypeVar

from exuvia.errors import ConfigError
from exuvia.migrate.config.place import line_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Checker", "nearest"]

_T = TypeVar("_T")
_SECONDS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
_BYTES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "KB": 1000, "MB": 1000**2, "GB": 1000**3}
_AMOUNT = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([A-Za-z%]*)\s*$")


MOST = 2**63 - 1


class Checker:
    """Reads values out of tables of one file.

    Args:
        path: The file, for the message.
        text: Its text, for the line.
    """

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text = path, text

    def refuse(self, table: tuple[str, ...], key: str | None, text: str) -> ConfigError:
        """Make the error for a key of a table."""
        return ConfigError(f"{self.path}:{line_of(self.text, table, key)}: {text}")

    def known(self, table: tuple[str, ...], name: str, words: Iterable[str], what: str) -> None:
        """Refuse a name that is not among `words`."""
        words = tuple(words)
        if name not in words:
            where = f"[{'.'.join(table)}]" if table else "the file"
            raise self.refuse(table, name, f"unknown {what} {name!r} in {where}{nearest(name, words)}")

    def word(
        self, table: tuple[str, ...], data: dict[str, Any], key: str, words: tuple[str, ...], default: str | None
    ) -> str:
        """Return a word of a list; without a default it must be there."""
        if key not in data:
            if default is None:
                raise self.refuse(table, None, f"{table[0]} {table[-1]!r} declares no {key}: one of {', '.join(words)}")
            return default
        value = data[key]
        if value not in words:
            raise self.refuse(table, key, f"unknown {key} {value!r}{nearest(str(value), words)}")
        return str(value)

    def typed(self, table: tuple[str, ...], data: dict[str, Any], key: str, kind: type[_T], default: _T) -> _T:
        """Return a value of one type; `True` is no int."""
        value = data.get(key, default)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.refuse(table, key, f"{key} = {value!r} must be a {kind.__name__}")
        self._refuse_nul(table, key, value)
        return value

    def whole(
        self, table: tuple[str, ...], data: dict[str, Any], key: str, default: int, least: int = 0, *, most: int = MOST
    ) -> int:
        """Return a whole number of at least `least` and at most `most`."""
        value = self.typed(table, data, key, int, default)
        if value < least:
            raise self.refuse(table, key, f"{key} = {value} must be at least {least}")
        if value > most:
            raise self.refuse(table, key, f"{key} = {value} must be at most {most}")
        return value

    def texts(self, table: tuple[str, ...], data: dict[str, Any], key: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.refuse(table, key, f"{key} = {value!r} must be a list of texts")
        for item in value:
            self._refuse_nul(table, key, item)
        return tuple(value)

    def share(self, table: tuple[str, ...], data: dict[str, Any], key: str, default: float) -> float:
        """Return a share above 0 and at most 1: a number, or text as `"5 %"`."""
        value = data.get(key, default)
        read: float | None = None
        if isinstance(value, str):
            found = _AMOUNT.match(value)
            read = float(found[1]) / 100.0 if found and found[2] == "%" else None
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            read = float(value)
        if read is None or not 0.0 < read <= 1.0:
            raise self.refuse(table, key, f'{key} = {value!r} must be a share above 0 and at most 1, or "5 %"')
        return read

    def seconds(self, table: tuple[str, ...], data: dict[str, Any], key: str, default: float) -> float:
        """Return a time in seconds: a number, or text as `"250 ms"`."""
        return self._amount(table, data, key, default, _SECONDS, '"250 ms", "1 s", "15 min"')

    def size(self, table: tuple[str, ...], data: dict[str, Any], key: str, default: int) -> int:
        """Return a size in bytes: a number, or text as `"512 MiB"`."""
        return int(self._amount(table, data, key, default, _BYTES, '"512 MiB", "2 GiB"'))

    def _refuse_nul(self, table: tuple[str, ...], key: str, value: object) -> None:
        if isinstance(value, str) and "\0" in value:
            raise self.refuse(table, key, f"{key} = {value!r} holds a NUL character: no path and no name may")

    def _amount(  # noqa: PLR0917 - one reader for times and sizes
        self, table: tuple[str, ...], data: dict[str, Any], key: str, default: float, units: dict[str, Any], like: str
    ) -> float:
        value = data.get(key, default)
        read: float | None = None
        if isinstance(value, str):
            found = _AMOUNT.match(value)
            read = float(found[1]) * units[found[2]] if found and found[2] in units else None
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            read = float(value)
        if read is None or read <= 0:
            raise self.refuse(table, key, f"{key} = {value!r} must be above zero, written as {like}")
        return read


def nearest(name: str, words: tuple[str, ...]) -> str:
    """Return what to write instead of an unknown word.

    >>> nearest("shadw", ("legacy", "shadow"))
    ": did you mean 'shadow'?"

    Args:
        name: The unknown word.
        words: The known ones.
    """
    close = difflib.get_close_matches(name, words, n=1)
    return f": did you mean {close[0]!r}?" if close else f": one of {', '.join(words)}"
