"""`--exuvia-mode`: a whole test suite over one side, or over both."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

__all__ = ["MODES", "Suite", "begin", "told"]

MODES = ("legacy", "shadow", "rust")


@dataclass(slots=True)
class Suite:
    """The units of a test run.

    Attributes:
        mode: Where they stand.
        rows: Of each unit: verdict, reason, counts.
    """

    mode: str
    folder: Any
    config: Any
    rows: list[dict[str, Any]] = field(default_factory=list)

    def end(self) -> None:
        """Takes exuvia out and reads what was observed."""
        from exuvia.migrate import runtime
        from exuvia.migrate.evidence import reading

        runtime.uninstall()
        states = reading.statuses(self.config, reading.read_folder(self.config.evidence))
        names = ("unit", "verdict", "reason", "legacy_calls", "candidate_calls", "compared", "differed", "examples")
        self.rows = [{name: state.as_dict()[name] for name in names} for state in states]
        self.folder.cleanup()


def begin(mode: str, given: str | None) -> Suite:
    """Install the units of the configuration in one mode, with evidence that is thrown away.

    Args:
        mode: `legacy`, `shadow` or `rust`.
        given: `exuvia.toml`, else it is found.

    Raises:
        ConfigError: As `load` and `install` do.
        MigrateError: If a unit cannot be moved safely.
    """
    from exuvia.migrate import config as configuration
    from exuvia.migrate import runtime

    loaded = configuration.load(given)
    root = str(loaded.path.parent)
    if root not in sys.path:
        sys.path.insert(0, root)
    folder = tempfile.TemporaryDirectory(prefix="exuvia-tests-")
    config = replace(
        loaded,
        evidence=Path(folder.name),
        rehearsal=True,
        groups={},
        # In rust the candidate alone answers: what legacy would answer for it is what the tests are to find.
        units={
            name: replace(unit, mode=mode, sample=1.0, when_full="wait", fallback=unit.fallback and mode != "rust")
            for name, unit in loaded.units.items()
        },
    )
    try:
        runtime.install(config)
    except BaseException:
        folder.cleanup()
        raise
    return Suite(mode, folder, config)


def told(mode: str, rows: list[dict[str, Any]]) -> tuple[list[str], bool]:
    """Say what a test run showed, and whether it holds.

    Args:
        mode: Where the units stood.
        rows: Of each unit and process.

    Returns:
        Lines, and whether nothing differed and something was called on the side that was asked for.
    """
    if mode == "legacy":
        return [f"mode legacy: {len(rows)} units stand in legacy's own code, where calls are not counted"], True
    calls = {"shadow": "compared", "rust": "candidate_calls"}[mode]
    total, differed = sum(row[calls] for row in rows), sum(row["differed"] for row in rows)
    what = {"shadow": "calls compared", "rust": "calls by the candidates"}[mode]
    lines = [f"mode {mode}: {total:,} {what}, {differed:,} differ"]
    for row in rows:
        if row["differed"]:
            lines.append(f"{row['unit']}: {row['reason']}")
            for example in row["examples"][:3]:
                lines.append(
                    f"  {example.get('path')} ({example.get('difference')}): legacy {example.get('legacy')}, "
                    f"candidate {example.get('candidate')}"
                )
    if not total:
        lines.append(f"no unit was reached by these tests: nothing is proved in mode {mode}")
    return lines, not differed and total > 0
