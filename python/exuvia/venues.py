"""Simulated venues on 127.0.0.1 that speak the real protocols, in lock-step with their client.

`SaxoVenue` serves Saxo-shaped REST and WebSocket from a server in the background. Its clock moves only when
the client posts to `/lockstep/advance`: the same ticks and the same requests give the same bytes, however
slow the client is. A crossed quote is shown as the feed had it, but nothing trades on it; `Untraded` in the answer of
`/lockstep/clock` counts them. A source of ticks is a text:

- `sim:SEED[?ticks=N&days=D]`: a seeded EURUSD market from 2014-05-07, `N` ticks a day (40,000);
- `lean:PATH[,PATH…][?tz=-05:00]`: LEAN quote-tick zips of EURUSD, or folders of them. Their zone is UTC, or
  UTC-05:00 below a folder named `fxcm`, unless `tz` says otherwise.

>>> import json, urllib.request
>>> from exuvia.venues import SaxoVenue
>>> with SaxoVenue("sim:7") as venue:
...     clock = json.load(urllib.request.urlopen(venue.url + "/lockstep/clock"))
>>> clock["Time"][:10], clock["Done"], clock["Ticks"] > 30_000
('2014-05-07', False, True)
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

from exuvia._exuvia import SaxoVenue, read_ticks

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ["SaxoVenue", "read_ticks", "serve_saxo"]


def serve_saxo(
    source: str,
    port: int = 0,
    ready: Callable[[SaxoVenue], object] | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Serves a simulated Saxo venue until SIGINT or SIGTERM, or until `stop` is set. Prints nothing.

    Args:
        source: Where the ticks come from; see the module.
        port: Port on 127.0.0.1; 0 takes a free one.
        ready: Called once with the venue when it serves; what it raises ends the server.
        stop: Ends the server when it is set; signals are caught in the main thread only.

    Raises:
        VenueError: A missing file, a bad zip or line, a port in use.

    Example:
        >>> import threading
        >>> stop = threading.Event()
        >>> serve_saxo("sim:7", ready=lambda venue: stop.set(), stop=stop)
    """
    stop = stop or threading.Event()
    signals: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        # Not `stop.set()`: the signal may come while this very thread holds the event's lock.
        signals.append(number)

    main = threading.current_thread() is threading.main_thread()
    with SaxoVenue(source, port) as venue:
        before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM) if main}
        try:
            if ready is not None:
                ready(venue)
            while not signals and not stop.wait(0.1):
                pass
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
