"""What is over: a broken glass whose session has ended, an approval whose time has passed. Said once, to the hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exuvia.migrate.modes import hooks, overlays
from exuvia.migrate.modes.said import read
from exuvia.migrate.modes.writing import open_journal

if TYPE_CHECKING:
    from exuvia.migrate.config import Config
    from exuvia.migrate.modes.said import Journal

__all__ = ["sweep"]


def sweep(config: Config) -> list[dict[str, Any]]:
    """Write down what is over and was not said to be, and call the hooks.

    Where a unit stands does not wait for this: an entry whose time has passed counts no more in any case.

    Args:
        config: The configuration.

    Returns:
        The entries that were written.

    Raises:
        OSError: If the journal could not be written.
    """
    if not _over(read(config.evidence)):
        return []
    made = []
    with open_journal(config.evidence) as pen:
        journal = pen.read()
        if journal.broken is None:
            for entry in _over(journal):
                what = "approval" if entry.get("kind") == "approval" else "break_glass"
                made.append(pen.append({"kind": "expired", "unit": entry["unit"], "what": what, "of": _mark(entry)}))
    overlays.publish(config)
    for entry in made:
        what = "the broken glass" if entry["what"] == "break_glass" else "an approval"
        hooks.call(config, {"event": "expiry", "unit": entry["unit"], "cause": f"{what} has expired"})
    return made


def _mark(entry: dict[str, Any]) -> str:
    return f"{entry.get('ns')}:{entry.get('prev')}"


def _over(journal: Journal) -> list[dict[str, Any]]:
    said = {entry["of"] for entry in journal.lines if entry.get("kind") == "expired"}
    found = []
    for entry in journal.lines:
        ends = entry.get("expires_ns") if entry.get("kind") == "approval" else entry.get("until_ns")
        if ends is not None and journal.now() >= ends and _mark(entry) not in said:
            found.append(entry)
    return found
