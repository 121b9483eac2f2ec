"""Trading sessions: when a market is open, with holidays, early closes and changes of the clock.

Times are UTC nanoseconds; zone data is compiled in (`zone_data_version`).

>>> from exuvia.sessions import Calendar
>>> xnys = Calendar("XNYS")
>>> session = xnys.session("2025-11-28")  # the day after Thanksgiving closes at 13:00
>>> (session.close - session.open) / 3.6e12
3.5
>>> xnys.session("2025-12-25") is None
True
"""

from __future__ import annotations

from exuvia._exuvia import Calendar, Session, zone_data_version

__all__ = ["Calendar", "Session", "zone_data_version"]
