"""The chain over sealed segments and its head: the digest that an approval names.

Each sealed segment adds one link, in order of its sealing: `head = SHA-256(head before, name, digest)`. A
segment that compaction found without a seal, its process being gone, is linked when it was compacted.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from exuvia.migrate.evidence import folder as folders
from exuvia.migrate.own import json

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["GENESIS", "HEAD_FILE", "compacted", "digest_of", "heads", "read_day"]

GENESIS = hashlib.sha256(b"exuvia evidence").hexdigest()
"""The head where nothing is sealed yet."""
HEAD_FILE = "head.json"
HEAD_FORMAT = 1


def heads(links: Iterable[tuple[int, str, str]]) -> list[str]:
    """Return the head after each link, the last being the one of now.

    >>> heads([]) == [GENESIS], len(heads([(2, "b", "00"), (1, "a", "ff")]))
    (True, 3)

    Args:
        links: Sealed when (UTC ns), name, digest.
    """
    found = [GENESIS]
    for _, name, digest in sorted(set(links)):
        found.append(hashlib.sha256(f"{found[-1]}\n{name}\n{digest}\n".encode()).hexdigest())
    return found


def digest_of(day: dict[str, Any]) -> str:
    """Return the digest of a day's head file over everything in it but itself.

    Args:
        day: What the file says.
    """
    plain = {name: value for name, value in day.items() if name != "digest"}
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read_day(folder: Path) -> tuple[dict[str, Any], str | None]:
    """Read the head file of a compacted day.

    Args:
        folder: The day's folder, `date=YYYY-MM-DD`.

    Returns:
        What it says and what is wrong with it, if anything; a day that cannot be trusted says nothing.
    """
    path = folder / HEAD_FILE
    try:
        day = json.loads(folders.read_file(path))
        if int(day["format"]) > HEAD_FORMAT:
            return {}, f"{path} was written by a newer exuvia (format {day['format']}): read it with that version"
        if day["digest"] != digest_of(day):
            return {}, f"{path} was changed after it was written: its digest does not hold"
        return day, None
    except FileNotFoundError:
        return {}, None
    except (OSError, ValueError, KeyError, TypeError) as error:
        return {}, f"{path} cannot be read: {type(error).__name__}: {error}"


def compacted(evidence: Path) -> list[dict[str, Any]]:
    """Return what is on record of every segment that was compacted.

    Args:
        evidence: The evidence folder.
    """
    return [entry for path in folders.day_folders(evidence) for entry in read_day(path)[0].get("segments", ())]
