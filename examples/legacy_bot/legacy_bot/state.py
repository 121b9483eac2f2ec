"""The state file: JSON with sorted keys, written atomically, read back with its version checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .files import write_atomic

VERSION = 1


class StateError(ValueError):
    """A state cannot be written, or a state file cannot be used."""


def save_state(path: Path | str, state: dict[str, Any]) -> None:
    """Write `state` (strings, integers, booleans, None, lists and objects) atomically.

    Raises:
        StateError: if its version is not the current one, or it holds another type, such as a float.
    """
    _check_version(str(path), state)
    _check_values("state", state)
    text = json.dumps(state, sort_keys=True, indent=2) + "\n"
    write_atomic(Path(path), text.encode())


def load_state(path: Path | str) -> dict[str, Any]:
    """Read a state file.

    Raises:
        FileNotFoundError: if there is none.
        StateError: if it is not JSON, not an object or of another version.
    """
    try:
        state = json.loads(Path(path).read_bytes())
    except ValueError as error:
        raise StateError(f"{path}: not a state file: {error}") from error
    if not isinstance(state, dict):
        raise StateError(f"{path}: not a state file: holds a {type(state).__name__}, expected an object")
    _check_version(str(path), state)
    return state


def _check_version(path: str, state: dict[str, Any]) -> None:
    if state.get("version") != VERSION:
        raise StateError(f"{path}: version is {state.get('version')!r}, this bot reads and writes {VERSION}")


def _check_values(path: str, value: object) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _check_values(f"{path}.{key}", item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_values(f"{path}[{index}]", item)
    elif value is not None and not isinstance(value, str | int):
        raise StateError(f"{path}: {value!r} is a {type(value).__name__}, expected str, int, bool or None")
