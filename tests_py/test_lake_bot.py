"""The lake and the legacy bot's own archive read what the other wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from exuvia import lake

if TYPE_CHECKING:
    from types import ModuleType

BOT = Path(__file__).resolve().parent.parent / "examples" / "legacy_bot"


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    pytest.importorskip("pyarrow")
    monkeypatch.syspath_prepend(str(BOT))
    from legacy_bot import archive

    return archive


def day(archive: Any) -> list[Any]:
    return [
        archive.Bar(
            21, 1_399_420_800_000_000_000 + n * 60_000_000_000, *(1.39 + (n * 8 + k) * 1e-5 for k in range(8)), n
        )
        for n in range(1_440)
    ]


def test_the_bots_own_reader_reads_what_the_lake_wrote(archive: Any, tmp_path: Path) -> None:
    path = lake.write_bars(tmp_path, "2014-05-07", "bars_1m", day(archive))
    assert archive.read_eod(path) == day(archive)


def test_the_lake_reads_what_the_bot_wrote(archive: Any, tmp_path: Path) -> None:
    path = archive.write_eod(tmp_path, "2014-05-07", "bars_1m", day(archive))
    assert lake.decode_bars(path.read_bytes(), archive.Bar) == day(archive)
    assert lake.compare(path, lake.encode_bars(day(archive))).equal


def test_the_bots_reader_names_a_file_that_is_not_its_own(archive: Any, tmp_path: Path) -> None:
    (tmp_path / "half.parquet").write_bytes(lake.encode_bars(day(archive))[:-9])
    with pytest.raises(archive.ArchiveError, match=r"half\.parquet: not a Parquet file"):
        archive.read_eod(tmp_path / "half.parquet")
