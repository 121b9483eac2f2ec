"""The kinds of business gates and the settings of each."""

from __future__ import annotations

from typing import Any

__all__ = ["KINDS", "checked", "keys"]

ARTEFACTS = ("legacy", "candidate", "key", "when", "where")
SETTINGS: dict[str, tuple[str, ...]] = {
    "paired": (*ARTEFACTS, "value", "abs", "bias", "drift"),
    "count": (*ARTEFACTS, "abs"),
    "rate": (*ARTEFACTS, "within", "per"),
    "overlap": (*ARTEFACTS, "value", "at_least"),
    "parquet": (*ARTEFACTS, "files", "rows", "differences", "schema"),
    "histogram": (*ARTEFACTS, "value", "bins", "abs"),
    "freshness": (*ARTEFACTS, "every"),
    "absent": (*ARTEFACTS, "text"),
}
"""Settings by kind. `legacy` and `candidate` are paths of the artefacts, with `{day}` for the day."""

KINDS = tuple(SETTINGS)


def keys(kind: str) -> tuple[str, ...]:
    """Return the settings that a kind knows.

    Args:
        kind: One of `KINDS`.
    """
    return SETTINGS[kind]


def checked(kind: str, table: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, str] | None]:
    """Check the settings of one gate.

    Args:
        kind: One of `KINDS`.
        table: As read.

    Returns:
        The settings with defaults, and `(key, what is wrong)` or `None`.
    """
    return {key: table[key] for key in ("kind", *SETTINGS[kind]) if key in table}, None
