"""What one file of evidence says, as it was read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exuvia.migrate.evidence.linking import Trouble
from exuvia.migrate.own import json

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SegmentText"]


@dataclass(slots=True)
class SegmentText:
    """One process's evidence, or one file of it.

    Attributes:
        path: The file; it may be gone if its day was compacted.
        header: Its first line.
        counters: The last counters of each unit, of the whole process; empty if a later file of it has newer ones.
        mismatches: Recorded differences.
        sessions: Activity by unit and day, of the whole process.
        novel: Signatures of inputs as they were first seen.
        modes: Flips of units.
        troubles: What is wrong with the file or happened to the process, in order.
        remarks: What is to be known and no trouble.
        ended: Whether its process has ended.
        farewell: Whether the process said so itself, in this file.
        sealed: Whether the file is complete, as its own last frame says.
        sealed_at: When, in UTC nanoseconds.
        digest: SHA-256 of what the seal covers, else of the whole file.
        length: Bytes.
        frames: Whole frames.
        last_at: When its process was last heard of, in UTC nanoseconds.
        written_at: When the file was last written, by its file system, in UTC nanoseconds.
        muted: Whether its process could not write its last lines, and marked it.
        day: The folder of its compacted day, if the file itself made room.
        recorded: Recorded calls as they stand in the file.
        unknown: From when to when something may have been seen that cannot be read any more, UTC nanoseconds, and why.
    """

    path: Path
    header: dict[str, Any] = field(default_factory=dict)
    counters: dict[str, Any] = field(default_factory=dict)
    mismatches: list[dict[str, Any]] = field(default_factory=list)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    novel: list[dict[str, Any]] = field(default_factory=list)
    modes: list[dict[str, Any]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    remarks: list[dict[str, Any]] = field(default_factory=list)
    ended: bool = False
    farewell: bool = False
    sealed: bool = False
    sealed_at: int = 0
    digest: str = ""
    length: int = 0
    frames: int = 0
    last_at: int = 0
    written_at: int = 0
    muted: bool = False
    day: Path | None = None
    recorded: list[bytes] = field(default_factory=list)
    unknown: list[tuple[int, int, str]] = field(default_factory=list)

    @property
    def trouble(self) -> str | None:
        """What is wrong, in one sentence, if anything is."""
        return self.troubles[0].text if self.troubles else None

    @property
    def whole(self) -> bool:
        """Whether nothing of this file is missing and nothing happened while it was written."""
        return self.sealed and not self.troubles

    @property
    def process(self) -> str:
        """The process that wrote it, `<started>-<host>-<pid>`, by its header or else by its name."""
        return str(self.header.get("process") or self.path.stem.rpartition("-")[0])

    @property
    def number(self) -> int:
        """Which of the files of its process it is, from 0."""
        last = self.path.stem.rpartition("-")[2]
        return int(self.header.get("number", last if last.isdigit() else 0))

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Recorded calls: `arguments` and `outcome` are base64 of pickles, without secrets."""
        return [json.loads(line) for line in self.recorded]

    def add_trouble(self, what: str, text: str, at: int | None = None, unit: str = "") -> None:
        """Put on record that something is wrong.

        Args:
            what: A word for it.
            text: A sentence.
            at: When, in UTC nanoseconds, if that is known.
            unit: The only unit that it concerns, if it concerns one alone.
        """
        self.troubles.append(Trouble(what, text, at, unit))
