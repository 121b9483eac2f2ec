"""Where a run of `exuvia bench` writes its evidence: aside, in a folder that ends with it and that no gate reads.

Standard library only.
"""

from __future__ import annotations

from pathlib import Path

from exuvia.migrate.own import os

__all__ = ["VARIABLE", "written_to"]

VARIABLE = "EXUVIA_BENCH_EVIDENCE"
"""Names the folder to the processes of an arm, and to those that they start."""


def written_to(evidence: Path) -> Path:
    """Return the folder into which this process writes what it sees.

    Modes, journal and what is on record are of the evidence folder all the same: an arm runs as the program would.

    >>> written_to(Path("evidence")).name
    'evidence'

    Args:
        evidence: The evidence folder; it is the one, unless this is a run of `exuvia bench` that still lasts.
    """
    named = os.environ.get(VARIABLE)
    return Path(named) if named and Path(named).is_dir() else evidence
