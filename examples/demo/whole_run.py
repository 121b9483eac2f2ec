"""The bot with every hot path in Rust, also those with effects: writing, orders, state.

`python whole_run.py …` takes the bot's own arguments. This is what "replace an import" comes to once
each unit has been judged: the runner's names point to exuvia, the bot's code is untouched.
"""

from __future__ import annotations

import sys

import candidates
from legacy_bot import __main__ as bot
from legacy_bot import archive, bars, quotes, runner, scan, state, stream

stream.decode_frame = candidates.decode_frame
quotes.QuoteBook = candidates.QuoteBook
bars.TickBars = candidates.TickBars
bars.aggregate = candidates.aggregate
scan.decide = candidates.decide
archive.encode_bars = candidates.encode_bars
archive.write_eod = candidates.write_eod
state.save_state = candidates.save_state
runner.OrderManager = candidates.order_manager

if __name__ == "__main__":
    sys.exit(bot.main())
