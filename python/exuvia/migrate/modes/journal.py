"""The mode journal, `modes.jsonl` beside the evidence: where every unit stands, and why.

Standard library only: a rollback must work when nothing else does. The mode in `exuvia.toml` is a ceiling.
The effective mode is the lower of that and this append-only file of JSON lines; only `promote` raises what it
says. `read` gives a `Journal`, `append` and `open_journal` write.

>>> lower("rust", "shadow")
'shadow'
"""

from __future__ import annotations

from exuvia.migrate.modes.entries import FORMAT, MODES
from exuvia.migrate.modes.said import EVERY_UNIT, HEAD, JOURNAL, Journal, lower, read, refuse_writable_by_others
from exuvia.migrate.modes.writing import Pen, append, open_journal, user

__all__ = [
    "EVERY_UNIT",
    "FORMAT",
    "HEAD",
    "JOURNAL",
    "MODES",
    "Journal",
    "Pen",
    "append",
    "lower",
    "open_journal",
    "read",
    "refuse_writable_by_others",
    "user",
]
