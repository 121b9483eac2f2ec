"""The faults that the self-test injects: what a rewrite of a trading program gets wrong.

Plain Python that shares nothing with the comparator. A fault is *gross* if no honest rule hides it, such as sides
swapped or a price far off, and *fine* if a declared tolerance may, such as the last bit of a float or one more of a
count. One that is wrong by an *amount*, such as a tick or a percent, may be hidden by a tolerance that reaches so far,
as `reach` reckons it, and by nothing else.
"""

from exuvia.migrate.comparator.faults import containers, numbers, tables, texts, times
from exuvia.migrate.comparator.faults.fault import FAULTS, Fault, Nothing

__all__ = ["FAULTS", "Fault", "Nothing", "containers", "numbers", "tables", "texts", "times"]
