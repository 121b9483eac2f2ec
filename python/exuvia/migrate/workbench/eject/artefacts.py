"""What exuvia itself wrote: the configuration, what was put aside for it, the evidence, reports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from exuvia.migrate.config import Config
    from exuvia.migrate.workbench.eject.ejection import Ejection

__all__ = ["EVIDENCE", "reports", "settings"]

EVIDENCE = re.compile(
    r".+\.seg|\d+-.+\.jsonl|modes\.(?:jsonl|head|head\.new|page|room)|hooks\.log|(?:restarts|gates)\.jsonl|(?:segments|children)\.list|compact\.lock"
    r"|date=\d{4}-\d\d-\d\d/(?:head\.json|\w+-\d+\.parquet|\.[^/]+\.\d+\.tmp)"
)
"""What exuvia writes into an evidence folder, by the path in it."""


def reports(ejection: Ejection) -> None:
    """Remove the pages of `exuvia report` in the project's folder.

    Args:
        ejection: Takes them.
    """
    for path in filter(_is_report, ejection.root.glob("*.html")):
        ejection.remove(path, "exuvia report wrote it: copy it elsewhere to keep it")


def settings(ejection: Ejection, config: Config) -> None:
    """Remove the configuration, what was put aside for it, and the evidence.

    Args:
        ejection: Takes them.
        config: The configuration.
    """
    ejection.remove(config.path, "the configuration")
    aside = re.compile(re.escape(config.path.name) + r"\.bak(?:\.\d+)?")
    for path in sorted(config.path.parent.iterdir()):
        if aside.fullmatch(path.name) and path.is_file():
            ejection.remove(path, "exuvia init put it aside")
    _evidence(ejection, config.evidence.resolve())


def _evidence(ejection: Ejection, folder: Path) -> None:
    """The evidence folder, if it lies in the project and holds nothing else."""
    if not folder.is_dir():
        return
    if folder == ejection.root or ejection.root not in folder.parents:
        ejection.notes.append(f"{folder} lies outside of the project: the evidence stays")
        return
    inside = [
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()
    ]
    others = [name for name in inside if EVIDENCE.fullmatch(name) is None]
    if others:
        ejection.notes.append(f"{folder} holds more than evidence ({', '.join(sorted(others)[:3])}): it stays")
    else:
        ejection.remove(folder, "the evidence, and nothing else is in it")


def _is_report(path: Path) -> bool:
    """Whether `exuvia report` wrote a page, by its generator."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return '<meta name="generator" content="exuvia report"' in file.read(4_000)
