"""The thin shims of the demo: exuvia behind the legacy bot's own names and signatures.

Each function or class here replaces one of `legacy_bot` (see `exuvia.toml` in the demo's output
folder). They only translate: legacy's classes are handed to exuvia as `record=`, so results come
back as the very types that legacy returns, and every caller and `isinstance` goes on working.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from legacy_bot import model as legacy

import exuvia.bars
import exuvia.lake
import exuvia.orders
import exuvia.quotes
import exuvia.scan

if TYPE_CHECKING:
    from collections.abc import Sequence

# Pure units: shadowed, then flipped one by one.

decode_frame = partial(exuvia.quotes.decode_frame, record=legacy.Message)


class QuoteBook(exuvia.quotes.QuoteBook):
    """`legacy_bot.quotes.QuoteBook`: snapshot and delta merge of Saxo prices."""

    def __new__(cls) -> QuoteBook:
        """No arguments, as in legacy."""
        return super().__new__(cls, record=legacy.Quote)
