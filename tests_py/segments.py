"""Segments of evidence as the tests write and look at them: their lines, both clocks, segments with other lines."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from exuvia import _exuvia
from exuvia.migrate import own
from exuvia.migrate.evidence import reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = [
    "DAY_NS",
    "HEADER",
    "UNIT",
    "Clock",
    "clock",
    "files",
    "framed",
    "lines",
    "mismatch",
    "of_kind",
    "rewrite",
    "units",
    "whats",
]

UNIT = "bot:price"
HEADER = {"fingerprints": {UNIT: "f1"}, "sources": {UNIT: {}}, "rehearsal": True}
DAY_NS = 86_400_000_000_000


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


def units(calls: int, **more: Any) -> dict[str, Any]:
    return {UNIT: {"mode": "shadow", "compared": calls, **more}}


def mismatch(n: int) -> dict[str, Any]:
    return {"kind": "mismatch", "unit": UNIT, "path": f"$[{n}]", "place": "$[*]", "legacy": str(n), "candidate": "0"}


def whats(found: list[reading.SegmentText]) -> set[str]:
    return {trouble.what for segment in found for trouble in segment.troubles}


class Clock:
    """Both clocks, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.steady = time.time_ns(), time.monotonic_ns()
        for name, call in (
            ("time_ns", lambda: self.wall),
            ("monotonic_ns", lambda: self.steady),
            ("monotonic", lambda: self.steady / 1e9),
        ):
            monkeypatch.setattr(own.time, name, call)

    def pass_by(self, seconds: float, jump: float = 0.0) -> None:
        self.steady += int(seconds * 1e9)
        self.wall += int((seconds + jump) * 1e9)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)
