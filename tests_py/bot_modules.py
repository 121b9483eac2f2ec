"""The legacy bot of the examples, importable for a while."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BOT", "importable"]

BOT = Path(__file__).resolve().parent.parent / "examples" / "legacy_bot"


@contextlib.contextmanager
def importable() -> Iterator[None]:
    """Lets `legacy_bot` be imported inside, and forgets its modules afterwards."""
    sys.path.insert(0, str(BOT))
    try:
        yield
    finally:
        sys.path.remove(str(BOT))
        for name in [name for name in sys.modules if name.partition(".")[0] == "legacy_bot"]:
            del sys.modules[name]
