"""Trading sessions: when a market is open, with holidays, early closes and changes of the clock.

Times are UTC nanoseconds; zone data is compiled in (`zone_data_version`).

>>> from exuvia.sessions import Calendar
>>> xnys = Calendar("XNYS")
>>> session = xnys.session("2025-11-28")  # the day after Thanksgiving closes at 13:00
>>> (session.close - session.open) / 3.6e12
3.5
>>> xnys.session("2025-12-25") is None
True

There are XNYS, CME, FX24x5 and 24/7. Any other exchange is a list of its sessions and breaks, such as the columns
of an `exchange_calendars` schedule:

>>> import numpy as np
>>> opens = np.array(["2024-04-01T00:00", "2024-04-02T00:00"], "M8[ns]")
>>> lunch = np.array(["2024-04-01T02:30", "2024-04-02T02:30"], "M8[ns]")
>>> tokyo = Calendar.from_sessions("XTKS", opens, opens + np.timedelta64(6, "h"), lunch, lunch + np.timedelta64(1, "h"))
>>> tokyo.is_open(int(lunch[0].astype(np.int64)))
False
"""

from __future__ import annotations

from exuvia._exuvia import Calendar, Session, zone_data_version

__all__ = ["Calendar", "Session", "zone_data_version"]
