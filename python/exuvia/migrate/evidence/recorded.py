"""Recorded calls of compacted days whose segments have made room: their tables have them still."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from exuvia.errors import LakeError
from exuvia.migrate.evidence import chain, folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["outcomes_of"]


def outcomes_of(evidence: Path, unit: str, most: int) -> tuple[list[str], str]:
    """Return recorded outcomes of a unit, base64 of pickles, of the newest days first, and why some are left out.

    Args:
        evidence: The evidence folder.
        unit: The unit's name.
        most: How many at most.
    """
    from exuvia import lake  # noqa: PLC0415 - only where segments have made room

    found: list[str] = []
    why = ""
    for place in reversed(folder.day_folders(evidence)):
        day, wrong = chain.read_day(place)
        why = wrong or why
        parts = day.get("parts", ()) if wrong is None else ()
        for part in reversed([each for each in parts if str(each["file"]).startswith("calls-") and each["rows"]]):
            path = place / str(part["file"])
            try:
                data = folder.read_file(path)
                if hashlib.sha256(data).hexdigest() != part["sha256"]:
                    why = f"{path} is not what {chain.HEAD_FILE} beside it names"
                    continue
                table = lake.decode_parquet(data, ["unit", "outcome"])
            except (OSError, LakeError) as error:
                why = f"{path}: {error}"
                continue
            rows = zip(table.column("unit").to_pylist(), table.column("outcome").to_pylist(), strict=True)
            found += [base64.b64encode(held).decode() for name, held in rows if name == unit and held is not None]
            if len(found) >= most:
                return found[:most], why
    return found, why
