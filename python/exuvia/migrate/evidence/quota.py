"""Room for evidence: what is sealed and compacted may go, oldest first, when the quota is reached.

Standard library only, so that the writer of any process may call it. Nothing that is not in a compacted day
by name, size and digest is ever removed.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

from exuvia.migrate.evidence import chain, folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["make_room"]


def make_room(evidence: Path, quota: int) -> int:
    """Remove compacted segments until the folder keeps its quota.

    Args:
        evidence: The evidence folder.
        quota: Bytes that it may take.

    Returns:
        Bytes that are left; negative if nothing more may go.
    """
    left = quota - folder.used(evidence)
    if left >= 0:
        return left
    known = {entry["name"]: entry for entry in chain.compacted(evidence)}
    for path in folder.segments(evidence):
        entry = known.get(path.name)
        if left >= 0:
            break
        if entry is None:
            continue
        with contextlib.suppress(OSError):
            data = folder.read_file(path)
            if hashlib.sha256(data).hexdigest() == entry["sha256"]:
                path.unlink()
                left += len(data)
    return left
