"""The lines of the mode journal: what each may say, and the chain that shows an edit.

Every line of format 2 names the digest of the chained lines before it, so a line that was changed or taken out
is seen at the next one; `modes.head`, written after each entry, shows lines missing at the end. A line without
that digest is believed only where it lowers: a rollback that could not get the lock must count.

>>> text = parse(b'{"v": 1, "unit": "a", "mode": "rust"}' + bytes([10]))
>>> text.broken, text.entries[0]["mode"], len(text.heads)
(None, 'rust', 2)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from exuvia.migrate.own import json

__all__ = ["FORMAT", "MODES", "Text", "fold", "lowers", "parse"]

MODES = ("legacy", "shadow", "canary", "rust", "retired")
FORMAT = 2
START = hashlib.sha256(b"exuvia mode journal").hexdigest()
NEEDED: dict[str, tuple[str, ...]] = {
    "mode": ("unit", "mode"),
    "quarantine": ("unit", "cause"),
    "clear": ("unit", "cause"),
    "frozen": ("reason",),
    "thaw": ("reason",),
    "approval": ("unit", "step", "f", "evidence", "person", "identity", "expires_ns"),
    "revoke": ("unit", "reason"),
    "worth": ("unit", "verdict"),
    "drill": ("unit", "f", "outcome"),
    "expired": ("unit", "what", "of"),
}
"""Kinds of entries and what each must name."""


@dataclass(slots=True)
class Text:
    """A journal as it was read.

    Attributes:
        entries: What its lines say, in order.
        heads: Digest before the first chained line, then after each of them.
        broken: Line number, or 0 for the end, and why nothing of it can be trusted.
        torn: Whether the last line was torn by a kill.
        garbage: Whether it is broken by a line that no exuvia wrote.
    """

    entries: list[dict[str, Any]] = field(default_factory=list)
    heads: list[str] = field(default_factory=lambda: [START])
    broken: tuple[int, str] | None = None
    torn: bool = False
    garbage: bool = False


def fold(head: str, line: bytes) -> str:
    """Return the digest after one more line.

    Args:
        head: The digest before it.
        line: The line without its end.
    """
    return hashlib.sha256(head.encode() + b"\n" + line).hexdigest()


def lowers(entry: dict[str, Any]) -> bool:
    """Say whether an entry can only make things safer, and so is believed whoever wrote it.

    Args:
        entry: The entry.
    """
    kind = entry.get("kind", "mode")
    return (kind == "mode" and entry.get("mode") == MODES[0]) or kind in ("quarantine", "frozen", "revoke")


def parse(raw: bytes) -> Text:
    """Read the lines of a journal.

    A line that a kill tore says nothing; any other that cannot be read breaks the journal.

    Args:
        raw: The file's bytes.
    """
    text = Text()
    lines = raw.split(b"\n")
    chained = False
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        entry = _read(line)
        last = number == len(lines)
        if entry is None:
            if last or _was_torn(lines, number):
                text.torn = last
                continue
            text.broken = number, f"not an entry of the mode journal: {_described(line)}"
            text.garbage = True
            return text
        wrong = _wrong(entry)
        if wrong is None and "prev" in entry:
            chained = True
            if entry["prev"] != text.heads[-1]:
                wrong = "the lines before this one were edited, or one is missing"
        elif wrong is None and (chained or entry["v"] > 1) and not lowers(entry):
            wrong = "an entry outside of the chain may only lower: an older exuvia or an editor wrote it"
        if wrong is not None:
            text.broken = number, wrong
            return text
        if "prev" in entry or (entry["v"] == 1 and not chained):
            text.heads.append(fold(text.heads[-1], line))
        text.entries.append(entry)
    return text


def _described(line: bytes) -> str:
    """A line as it may be printed: its beginning, or how long it is where it is no text."""
    try:
        said = line.decode()
    except UnicodeDecodeError:
        return f"{len(line)} bytes that are no text"
    return repr(said[:80]) if said.isprintable() else f"{len(line)} bytes that are no text"


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    good = isinstance(entry, dict) and isinstance(entry.get("v"), int) and not isinstance(entry["v"], bool)
    return entry if good else None


def _wrong(entry: dict[str, Any]) -> str | None:
    version, kind, mode = entry["v"], entry.get("kind", "mode"), entry.get("mode")
    if not 1 <= version <= FORMAT or kind not in NEEDED or (kind == "mode" and "mode" in entry and mode not in MODES):
        return (
            f"written by a newer exuvia (format {version}, kind {kind!r}, mode {mode!r}), this one reads up to "
            f"format {FORMAT}: use that exuvia"
        )
    missing = [name for name in NEEDED[kind] if name not in entry]
    numbers = [name for name in ("ns", "until_ns", "expires_ns") if not isinstance(entry.get(name, 0), int)]
    if missing or numbers or not isinstance(entry.get("unit", ""), str):
        return f"an entry of kind {kind!r} without a good {', '.join(missing + numbers) or 'unit'}"
    return None


def _was_torn(lines: list[bytes], number: int) -> bool:
    """Whether a line is one that a kill tore and the next writer closed with an empty line."""
    line, after = lines[number - 1], lines[number]
    return line.startswith(b'{"v"') and not line.endswith(b"}") and after == b""
