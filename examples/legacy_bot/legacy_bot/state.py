"""Files that a reader sees old or new, also after a crash; the state file: JSON of one version, keys sorted."""

import json
import os
from pathlib import Path
from typing import Any

VERSION = 1


class StateError(ValueError):
    """A state cannot be written, or a state file cannot be used."""


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` to `path` by way of a temporary file in the same folder; folders are made as needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def save_state(path: Path | str, state: dict[str, Any]) -> None:
    """Write `state` atomically; StateError if its version is not ours, or it holds another type, such as a float."""
    _check_version(str(path), state)
    _check_values("state", state)
    write_atomic(Path(path), (json.dumps(state, sort_keys=True, indent=2) + "\n").encode())


def load_state(path: Path | str) -> dict[str, Any]:
    """Read a state file; StateError if it is not JSON, not an object or of another version."""
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
