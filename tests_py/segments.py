"""Segments of evidence as the tests look at them: their lines, and segments with other lines."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from exuvia import _exuvia
from exuvia.migrate.evidence import reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["files", "framed", "lines", "of_kind", "rewrite"]


def files(folder: Path) -> list[Path]:
    """The segments of an evidence folder, oldest first."""
    return sorted(folder.glob("*.seg"))


def lines(path: Path) -> list[dict[str, Any]]:
    """Every line of a segment."""
    return reading.lines(path)


def of_kind(path: Path, kind: str) -> list[dict[str, Any]]:
    """The lines of one kind."""
    return [line for line in lines(path) if line["kind"] == kind]


def framed(*said: dict[str, Any]) -> bytes:
    """Lines as frames."""
    return _exuvia.evidence_frames([json.dumps(line, separators=(",", ":")).encode() for line in said])


def rewrite(path: Path, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
    """Write a segment with other lines, sealed as its own writer would have; `None` leaves a line out."""
    kept = [new for line in lines(path) if (new := change(line)) is not None]
    seal = kept.pop() if kept[-1]["kind"] == "seal" else None
    data = framed(*kept)
    if seal is not None:
        data += framed({**seal, "digest": hashlib.sha256(data).hexdigest(), "bytes": len(data)})
    path.write_bytes(data)
