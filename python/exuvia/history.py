"""A cache of history: what was fetched once is in memory, then in Parquet, and fetched again only when it is too old.

A request is a dict of plain values; `fetch` turns it into an Arrow table. Equal requests that come while one is
being fetched wait for it instead of fetching again. Tables that are read often stay in memory, the least recently
used leave first.

>>> import tempfile
>>> from arro3.core import Array, DataType, Table
>>> asked = []
>>> def fetch(request):
...     asked.append(request["symbol"])
...     return Table.from_arrays([Array([1.0, 2.0], DataType.float64())], names=["close"])
>>> with tempfile.TemporaryDirectory() as folder:
...     cache = HistoryCache(folder, fetch)
...     for _ in range(4):
...         table = cache.get({"symbol": "AAPL", "day": "2026-02-03"})
...     print(table.num_rows, asked, cache.stats().hit_rate)
2 ['AAPL'] 0.75
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from exuvia import lake
from exuvia.errors import LakeError, LakeNotFoundError, SchemaError, ValueRangeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from arro3.core import Table

    Request: TypeAlias = Mapping[str, str | int | float | bool | None]

__all__ = ["HistoryCache", "Stats", "settled"]

SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Stats:
    """What a cache did since it was made.

    Args:
        memory: Requests that memory answered.
        disk: Requests that a file answered.
        shared: Requests that waited for an equal one.
        fetched: Requests that were fetched.
        failed: Fetches that raised; nothing of them is kept.
        expired: Answers that were there and too old.
        damaged: Files that could not be read and were fetched again.
        unwritten: Tables that could not be written to disk; they were answered all the same.
        evicted: Tables that left memory for others.
        bytes: Bytes in memory now.
    """

    memory: int = 0
    disk: int = 0
    shared: int = 0
    fetched: int = 0
    failed: int = 0
    expired: int = 0
    damaged: int = 0
    unwritten: int = 0
    evicted: int = 0
    bytes: int = 0

    @property
    def hit_rate(self) -> float:
        """The share of requests that nothing was fetched for; 0 before the first."""
        hits = self.memory + self.disk + self.shared
        total = hits + self.fetched + self.failed
        return hits / total if total else 0.0

    def prometheus(self, prefix: str = "exuvia_history") -> str:
        """The counters as Prometheus text.

        >>> print(Stats(memory=3, fetched=1).prometheus().splitlines()[1])
        exuvia_history_requests_total{answer="memory"} 3

        Args:
            prefix: What the names begin with.
        """
        lines = [f"# TYPE {prefix}_requests_total counter"]
        for answer in ("memory", "disk", "shared", "fetched", "failed"):
            lines.append(f'{prefix}_requests_total{{answer="{answer}"}} {getattr(self, answer)}')
        for name in ("expired", "damaged", "unwritten", "evicted"):
            lines += [f"# TYPE {prefix}_{name}_total counter", f"{prefix}_{name}_total {getattr(self, name)}"]
        lines += [f"# TYPE {prefix}_bytes gauge", f"{prefix}_bytes {self.bytes}"]
        lines += [f"# TYPE {prefix}_hit_ratio gauge", f"{prefix}_hit_ratio {self.hit_rate:.6f}"]
        return "\n".join(lines) + "\n"


def settled(
    day: str = "day", *, open_seconds: float = 60.0, after_days: int = 1
) -> Callable[[Request, float], float | None]:
    """A rule of age: a day that is over does not change any more, today's history is old soon.

    >>> rule = settled(open_seconds=30)
    >>> noon = 1_770_120_000.0  # 2026-02-03 12:00 UTC
    >>> rule({"day": "2026-02-03"}, noon), rule({"day": "2026-01-30"}, noon)
    (30, None)

    Args:
        day: Which part of the request is its last day, YYYY-MM-DD, UTC.
        open_seconds: How long an answer is good that was fetched before its day was over.
        after_days: Days after its end from which a day is over: late corrections come until then.

    Returns:
        The rule: request and now in seconds to the seconds that an answer is good, None for ever.
    """

    def rule(request: Request, now: float) -> float | None:
        text = request.get(day)
        try:
            start = datetime.fromisoformat(str(text)).replace(tzinfo=UTC).timestamp()
        except ValueError:
            raise ValueRangeError(
                f"request has {day}={text!r}, no day: use YYYY-MM-DD, or another rule of age"
            ) from None
        return None if now >= start + (1 + after_days) * SECONDS_A_DAY else open_seconds

    return rule


class HistoryCache:
    """Memory, then Parquet, then `fetch`; threads may share a cache, and processes its folder."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        fetch: Callable[[Request], Any],
        *,
        age: Callable[[Request, float], float | None] | float | None = None,
        memory: int = 256 * 2**20,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Make a cache; the folder is made at the first write.

        Args:
            folder: Where the Parquet files are.
            fetch: From request to any Arrow table; what it raises reaches everybody who waits.
            age: Seconds that an answer is good, None for ever, or a rule of request and now; see `settled`.
            memory: Bytes of tables that are kept in memory; 0 for none.
            clock: Seconds since 1970, instead of the system's.
        """
        self._folder = Path(folder)
        self._fetch = fetch
        self._age = age
        self._most = memory
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, Table]] = OrderedDict()
        self._pending: dict[str, Future[Table]] = {}
        self._stats = Stats()

    def get(self, request: Request) -> Table:
        """The table of a request.

        Args:
            request: Plain values by name; the order does not matter.

        Raises:
            ValueRangeError: A value that is none of text, number, truth and None.
            Exception: What `fetch` raised.
        """
        key = key_of(request)
        now = self._clock()
        age = self._age(request, now) if callable(self._age) else self._age
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                if _good(kept[0], now, age):
                    self._kept.move_to_end(key)
                    self._count("memory")
                    return kept[1]
                self._drop(key)
                self._count("expired")
            pending = self._pending.get(key)
            if pending is None:
                mine: Future[Table] = Future()
                self._pending[key] = mine
            else:
                self._count("shared")
        if pending is not None:
            return pending.result()
        try:
            stamp, table = self._disk_or_fetch(key, request, now, age)
        except BaseException as error:
            with self._lock:
                del self._pending[key]
            mine.set_exception(error)
            raise
        with self._lock:
            self._keep(key, stamp, table)
            del self._pending[key]
        mine.set_result(table)
        return table

    def stats(self) -> Stats:
        """What the cache did so far."""
        with self._lock:
            return replace(self._stats)

    def path(self, request: Request) -> Path:
        """The file of a request, whether it is there or not.

        Args:
            request: As in `get`.
        """
        return self._path(key_of(request))

    def _disk_or_fetch(self, key: str, request: Request, now: float, age: float | None) -> tuple[float, Table]:
        path = self._path(key)
        try:
            stamp = path.stat().st_mtime
            if _good(stamp, now, age):
                table = lake.read_parquet(path)
                self._count_locked("disk")
                return stamp, table
            self._count_locked("expired")
        except (LakeError, SchemaError) as error:
            # Another process may have taken the file away since it was looked at.
            if not isinstance(error, LakeNotFoundError):
                self._count_locked("damaged")
        except OSError:
            # There is no such file, or no folder for it.
            pass
        try:
            encoded = lake.encode_parquet(self._fetch(request))
        except BaseException:
            self._count_locked("failed")
            raise
        self._count_locked("fetched")
        table = lake.decode_parquet(encoded)
        try:
            lake.write_atomic(path, encoded)
            # The age counts from before the fetch: what changes meanwhile is not in the answer.
            os.utime(path, (now, now))
        except OSError:
            self._count_locked("unwritten")
        return now, table

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.parquet"

    def _keep(self, key: str, stamp: float, table: Table) -> None:
        self._drop(key)
        size = table.nbytes
        if size > self._most:
            return
        self._kept[key] = (stamp, table)
        self._count("bytes", size)
        while self._stats.bytes > self._most:
            self._drop(next(iter(self._kept)))
            self._count("evicted")

    def _drop(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._count("bytes", -kept[1].nbytes)

    def _count(self, name: str, by: int = 1) -> None:
        self._stats = replace(self._stats, **{name: getattr(self._stats, name) + by})

    def _count_locked(self, name: str) -> None:
        with self._lock:
            self._count(name)


def _good(stamp: float, now: float, age: float | None) -> bool:
    # A stamp from the future is a clock that was wrong: it is not trusted longer than its age.
    return age is None or abs(now - stamp) < age


def key_of(request: Request) -> str:
    """A name for a request: equal for equal requests, whatever the order of their parts.

    >>> key_of({"a": 1, "b": "x"}) == key_of({"b": "x", "a": 1})
    True
    >>> key_of({"a": 1}) == key_of({"a": "1"})
    False

    Args:
        request: Plain values by name.

    Raises:
        ValueRangeError: A value of another kind.
    """
    for name, value in request.items():
        if not isinstance(name, str) or not (value is None or isinstance(value, (str, int, float, bool))):
            raise ValueRangeError(f"request has {name!r}: {value!r}, expected text, a number or None: make it one")
    text = json.dumps(request, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
