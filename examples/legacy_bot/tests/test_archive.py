import os
import stat
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from legacy_bot.archive import SCHEMA, ArchiveError, encode_bars, write_eod
from legacy_bot.model import Bar

from . import read_bars

BARS = [
    Bar(21, 1_399_420_800_000_000_001, 1.1, 1.3, 1.0, 1.2, 1.4, 1.6, 1.3, 1.5, 12),
    Bar(22, -1, 0.1 + 0.2, 1e300, 5e-324, 1 / 3, 1.0, 2.0, 3.0, 4.0, 2**60),
]


def test_bars_come_back_bit_for_bit(tmp_path: Path) -> None:
    for bars in (BARS, []):
        assert read_bars(write_eod(tmp_path, "2014-05-07", "bars_1m", bars)) == bars


def test_no_column_may_be_null() -> None:
    schema = pq.read_schema(pa.BufferReader(encode_bars(BARS)))
    assert schema.equals(SCHEMA)
    assert [field.nullable for field in schema] == [False] * 11
    assert str(schema.field("ts").type) == "timestamp[ns, tz=UTC]"


def test_a_value_that_does_not_fit_names_its_column() -> None:
    with pytest.raises(ArchiveError, match="'uic'"):
        encode_bars([replace(BARS[0], uic=2**31)])
    with pytest.raises(ArchiveError, match="'ask_low'"):
        encode_bars([replace(BARS[0], ask_low=None)])


def test_a_day_is_written_into_its_folder_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = write_eod(tmp_path, "2014-05-07", "bars_1m", BARS)
    assert path == tmp_path / "date=2014-05-07" / "bars_1m.parquet"
    assert list(path.parent.iterdir()) == [path]
    assert read_bars(path) == BARS


def test_the_file_and_its_folder_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(stat.S_ISDIR(os.fstat(handle).st_mode)))
    write_eod(tmp_path, "2014-05-07", "bars_1m", BARS)
    assert synced == [False, True]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_eod(tmp_path, "2014-05-07", "bars_1m", BARS)

    def full(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        write_eod(tmp_path, "2014-05-07", "bars_1m", [])
    assert read_bars(path) == BARS


def test_a_day_must_be_a_date(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2014"):
        write_eod(tmp_path, "2014-5-7", "bars_1m", BARS)
