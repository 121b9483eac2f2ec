"""The cache of history: memory, then Parquet, then one fetch; ages, damage and many threads."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from exuvia.errors import ValueRangeError
from exuvia.history import HistoryCache, settled

DAY = 86_400.0


class Source:
    """A source that counts, at a clock that a test turns."""

    def __init__(self, rows: int = 10) -> None:
        self.asked: list[str] = []
        self.now = 1_770_120_000.0  # 2026-02-03 12:00 UTC
        self.rows = rows

    def fetch(self, request: Any) -> pa.Table:
        self.asked.append(request["symbol"])
        return pa.table({"close": np.full(self.rows, float(len(self.asked)))})

    def clock(self) -> float:
        return self.now

    def cache(self, folder: Path, **arguments: Any) -> HistoryCache:
        return HistoryCache(folder, self.fetch, clock=self.clock, **arguments)


@pytest.fixture
def source() -> Source:
    return Source()


def first(table: Any) -> float:
    value: float = table["close"].to_pylist()[0]
    return value


def test_memory_answers_before_the_disk_and_the_disk_before_the_source(source: Source, tmp_path: Path) -> None:
    cache = source.cache(tmp_path)
    request = {"symbol": "AAPL", "day": "2026-02-02"}
    assert [first(cache.get(request)) for _ in range(3)] == [1.0] * 3
    another = source.cache(tmp_path)
    assert [first(another.get(dict(reversed(request.items())))) for _ in range(2)] == [1.0] * 2
    assert source.asked == ["AAPL"]
    assert (cache.stats().memory, cache.stats().fetched) == (2, 1)
    assert (another.stats().memory, another.stats().disk, another.stats().fetched) == (1, 1, 0)
    assert another.path(request).exists()


def test_what_is_too_old_is_fetched_again(source: Source, tmp_path: Path) -> None:
    cache = source.cache(tmp_path, age=60)
    request = {"symbol": "AAPL"}
    assert first(cache.get(request)) == 1.0
    source.now += 59
    assert first(cache.get(request)) == 1.0
    source.now += 1
    assert first(cache.get(request)) == 2.0
    source.now += 60
    # A process that has nothing in memory sees the age of the file.
    assert first(source.cache(tmp_path, age=60).get(request)) == 3.0
    # The other one finds that file, although its own table is old.
    assert first(cache.get(request)) == 3.0
    assert cache.stats().expired == 3


def test_a_day_that_is_over_is_kept_for_ever_and_today_for_a_minute(source: Source, tmp_path: Path) -> None:
    cache = source.cache(tmp_path, age=settled(open_seconds=60))
    for _ in range(3):
        cache.get({"symbol": "old", "day": "2026-02-01"})
        cache.get({"symbol": "new", "day": "2026-02-03"})
        source.now += 61
    assert source.asked == ["old", "new", "new", "new"]
    source.now += 2 * DAY
    cache.get({"symbol": "new", "day": "2026-02-03"})
    cache.get({"symbol": "new", "day": "2026-02-03"})
    with pytest.raises(ValueRangeError, match="day=None, no day"):
        cache.get({"symbol": "new"})
    assert cache.get({"symbol": "new", "day": "2026-02-03"}).num_rows == 10, "an error leaves nothing behind"


def test_equal_requests_share_one_fetch(tmp_path: Path) -> None:
    started, go = threading.Event(), threading.Event()
    asked: list[int] = []

    def slow(request: Any) -> pa.Table:
        asked.append(1)
        started.set()
        assert go.wait(20)
        return pa.table({"close": [1.0]})

    cache = HistoryCache(tmp_path, slow)
    found: list[float] = []
    threads = [threading.Thread(target=lambda: found.append(first(cache.get({"s": 1})))) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert started.wait(20)
    while cache.stats().shared < 7:
        pass
    go.set()
    for thread in threads:
        thread.join()
    assert (len(asked), found) == (1, [1.0] * 8)
    assert cache.stats().hit_rate == 7 / 8


def test_what_a_fetch_raises_reaches_all_who_wait_and_is_not_kept(tmp_path: Path) -> None:
    broken = [True]

    def fetch(request: Any) -> pa.Table:
        if broken[0]:
            raise ConnectionError("no route")
        return pa.table({"close": [1.0]})

    cache = HistoryCache(tmp_path, fetch)
    with pytest.raises(ConnectionError, match="no route"):
        cache.get({"s": 1})
    broken[0] = False
    assert first(cache.get({"s": 1})) == 1.0
    assert (cache.stats().failed, cache.stats().fetched) == (1, 1)


def test_a_damaged_file_is_fetched_again_and_counted(source: Source, tmp_path: Path) -> None:
    request = {"symbol": "AAPL"}
    path = source.cache(tmp_path).path(request)
    source.cache(tmp_path).get(request)
    path.write_bytes(path.read_bytes()[:-20])
    cache = source.cache(tmp_path)
    assert first(cache.get(request)) == 2.0
    assert (cache.stats().damaged, cache.stats().fetched) == (1, 1)
    assert first(source.cache(tmp_path).get(request)) == 2.0


def test_a_disk_that_cannot_be_written_does_not_cost_the_answer(source: Source, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = source.cache(tmp_path / "file")
    assert first(cache.get({"symbol": "AAPL"})) == 1.0
    assert first(cache.get({"symbol": "AAPL"})) == 1.0
    assert (cache.stats().unwritten, cache.stats().memory) == (1, 1)


def test_memory_keeps_what_was_used_last(tmp_path: Path) -> None:
    source = Source(rows=1000)
    cache = source.cache(tmp_path, memory=17_000)
    for symbol in ("a", "b", "a", "c"):
        cache.get({"symbol": symbol})
    # Two tables of 8,000 bytes fit: b was used least recently.
    assert (cache.stats().evicted, 16_000 <= cache.stats().bytes <= 17_000) == (1, True)
    before = cache.stats()
    for symbol in ("a", "c"):
        cache.get({"symbol": symbol})
    assert cache.stats().memory - before.memory == 2
    cache.get({"symbol": "b"})
    assert cache.stats().disk == 1
    none = source.cache(tmp_path, memory=0)
    none.get({"symbol": "a"})
    none.get({"symbol": "a"})
    assert (none.stats().disk, none.stats().bytes) == (2, 0)


def test_a_days_work_hits_four_times_of_five_and_says_so(source: Source, tmp_path: Path) -> None:
    cache = source.cache(tmp_path, age=settled(open_seconds=60))
    symbols = [f"S{at}" for at in range(20)]
    for _ in range(10):
        for symbol in symbols:
            for day in ("2026-01-28", "2026-01-29", "2026-01-30", "2026-02-03"):
                cache.get({"symbol": symbol, "day": day})
        source.now += 20
    stats = cache.stats()
    assert stats.hit_rate >= 0.8
    text = stats.prometheus()
    assert f'exuvia_history_requests_total{{answer="memory"}} {stats.memory}' in text
    assert f"exuvia_history_hit_ratio {stats.hit_rate:.6f}" in text


@pytest.mark.parametrize("value", [[1], {"a": 1}, object(), b"x"])
def test_a_request_is_of_plain_values(source: Source, tmp_path: Path, value: Any) -> None:
    with pytest.raises(ValueRangeError, match="expected text, a number"):
        source.cache(tmp_path).get({"symbol": value})


def test_a_file_from_the_future_is_not_trusted_longer_than_its_age(source: Source, tmp_path: Path) -> None:
    request = {"symbol": "AAPL"}
    source.cache(tmp_path, age=60).get(request)
    source.now -= 61
    assert first(source.cache(tmp_path, age=60).get(request)) == 2.0


def test_a_cache_before_its_first_request_has_hit_nothing(source: Source, tmp_path: Path) -> None:
    assert source.cache(tmp_path).stats().hit_rate == 0.0


@pytest.mark.parametrize(("day", "words"), [("2026-02-30", "2026-02-30"), (7, "7"), ("soon", "soon")])
def test_a_day_that_is_none_is_named(source: Source, tmp_path: Path, day: Any, words: str) -> None:
    with pytest.raises(ValueRangeError, match=f"day=.*{words}.*, no day"):
        source.cache(tmp_path, age=settled()).get({"symbol": "AAPL", "day": day})
