"""The faults that the self-test injects: what a rewrite of a trading program gets wrong.

Plain Python that shares nothing with the comparator. A fault is *gross* if no honest rule hides it, such as a tick
off or sides swapped, and *fine* if a declared tolerance may, such as the last bit of a float or one more of a count.
"""

from exuvia.migrate.comparator.faults import containers, numbers, tables, texts, times
from exuvia.migrate.comparator.faults.fault import FAULTS, Fault, Nothing

__all__ = ["FAULTS", "Fault", "Nothing", "containers", "numbers", "tables", "texts", "times"]
