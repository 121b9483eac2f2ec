"""Buckets of times, each at most a sixteenth wide, as HDR histograms have them (G. Tene): a time's five leading bits.

>>> bucket(7), bucket(1_000), bucket(1_023), edges(bucket(1_000))
(7, 191, 191, (992, 1024))
"""

from __future__ import annotations

__all__ = ["bucket", "edges"]

BITS = 5


def bucket(ns: int) -> int:
    """Return the bucket of a time.

    Args:
        ns: Nanoseconds; less than none counts as none.
    """
    ns = max(ns, 0)
    shift = max(ns.bit_length() - BITS, 0)
    return shift << BITS | ns >> shift


def edges(of: int) -> tuple[int, int]:
    """Return the times that a bucket holds: from the first up to, not with, the second, in ns.

    Args:
        of: The bucket.
    """
    shift, top = of >> BITS, of & ((1 << BITS) - 1)
    return top << shift, (top + 1) << shift
