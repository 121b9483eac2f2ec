"""Where a table or key stands in a TOML text: `tomllib` gives values without lines, an error needs both.

>>> import os
>>> line_of(os.linesep.join(["[exuvia]", "", '[unit."a:b"]', "mode = 3"]), ("unit", "a:b"), "mode")
4
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

__all__ = ["line_of"]

_HEADER = re.compile(r"^\s*\[(?!\[)(.+)\]\s*(?:#.*)?$")
_KEY = re.compile(
    r"""^\s*((?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)


def line_of(text: str, table: tuple[str, ...], key: str | None = None) -> int:
    """Return the line, from 1, of a key in a table, else of the table's header, else 1.

    Args:
        text: The TOML text.
        table: The table's dotted name, in parts.
        key: A key in it, or a subtable's name.
    """
    here: tuple[str, ...] = ()
    header_line: int | None = None
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header and (parts := _parts(f"[{header.group(1)}]")) is not None:
            here = parts
            if here == table and header_line is None:
                header_line = number
            if key is not None and here[: len(table) + 1] == (*table, key):
                return number
            continue
        found = _KEY.match(line)
        if found and (parts := _parts(f"{found.group(1)} = 0")) is not None:
            name = (*here, *parts)
            if key is not None and name[: len(table) + 1] == (*table, key):
                return number
            if name[: len(table)] == table and header_line is None:
                header_line = number
    return header_line or 1


def _parts(snippet: str) -> tuple[str, ...] | None:
    try:
        value: Any = tomllib.loads(snippet)
    except tomllib.TOMLDecodeError:
        return None
    parts: list[str] = []
    while isinstance(value, dict) and value:
        name = next(iter(value))
        parts.append(name)
        value = value[name]
    return tuple(parts)
