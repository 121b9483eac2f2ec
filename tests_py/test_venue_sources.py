"""Tick sources of the venues as tables, what is wrong with them in words, and serving from a command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

import pyarrow as pa
import pytest
from exuvia.errors import ExuviaError, VenueError
from exuvia.venues import SaxoVenue, read_ticks, serve_saxo

if TYPE_CHECKING:
    from pathlib import Path

FOREX = "QuantConnect__Lean/Data/forex"


def lean(folder: Path, text: str, day: str = "20140507", inside: str = "20140507_eurusd_tick_quote.csv") -> Path:
    """A LEAN day of one's own."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{day}_quote.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(inside, text)
    return path


def first(source: str) -> datetime:
    """The time of a source's first tick."""
    stamp = pa.table(read_ticks(source))["ts"].cast(pa.timestamp("us", "UTC"), safe=False)[0].as_py()
    assert isinstance(stamp, datetime)
    return stamp


def test_ticks_are_a_table_of_times_and_prices() -> None:
    table = read_ticks("sim:7")
    assert table.column_names == ["ts", "bid", "ask"]
    assert table.num_rows > 30_000
    assert [str(field.type) for field in pa.table(table).schema] == [
        "timestamp[ns, tz=UTC]",
        "double",
        "double",
    ]
    bids, asks = table.column("bid").to_pylist(), table.column("ask").to_pylist()
    assert all(bid < ask for bid, ask in zip(bids, asks, strict=True))


def test_a_lean_day_keeps_every_digit_and_fractions_of_a_millisecond(tmp_path: Path) -> None:
    path = lean(tmp_path, "7135,1.39286,1.39298\n7135.001,1.3928,1.39297\r\n86399999.999999,1.4,1.5\n")
    table = pa.table(read_ticks(f"lean:{path}"))
    assert table["bid"].to_pylist() == [1.39286, 1.3928, 1.4]
    day = 86_400 * 10**9
    assert [stamp % day for stamp in table["ts"].cast(pa.int64()).to_pylist()] == [
        7_135_000_000,
        7_135_001_000,
        day - 1,
    ]
    assert first(f"lean:{path}") == datetime(2014, 5, 7, 0, 0, 7, 135_000, tzinfo=UTC)
    with SaxoVenue(f"lean:{path}") as venue:
        assert venue.source == f"lean:{path}"


def test_a_folder_is_all_its_days_in_order_and_fxcm_is_five_hours_behind(tmp_path: Path) -> None:
    lean(tmp_path / "a", "5,1.2,1.3", "20140508")
    lean(tmp_path / "a", "0,1.1,1.2\n0,1.1,1.3")
    (tmp_path / "a" / "notes.txt").write_text("not a day")
    assert read_ticks(f"lean:{tmp_path / 'a'}").column("ask").to_pylist() == [1.2, 1.3, 1.3]
    midnight = datetime(2014, 5, 7, tzinfo=UTC)
    assert first(f"lean:{tmp_path / 'a'}") == midnight
    assert first(f"lean:{tmp_path / 'a'}?tz=-05:00") == midnight.replace(hour=5)
    path = lean(tmp_path / "FXCM" / "tick", "0,1.1,1.2")
    assert first(f"lean:{path}") == midnight.replace(hour=5)
    assert first(f"lean:{path}?tz=UTC") == midnight
    two = f"lean:{path},{lean(tmp_path / 'b', '0,2.1,2.2', '20140506')}?tz=UTC"
    assert read_ticks(two).column("bid").to_pylist() == [2.1, 1.1]


def test_all_real_days_are_read(data_dir: Path) -> None:
    rows = {
        broker: read_ticks(f"lean:{data_dir / FOREX / broker}/tick/eurusd").num_rows for broker in ("oanda", "fxcm")
    }
    assert rows == {"oanda": 532_903, "fxcm": 675_401}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,1.1,1.2\n2,1.1\n", r"line 2 .*milliseconds,bid,ask"),
        ("1,1.1,1.2,3\n", r"line 1 .*milliseconds,bid,ask"),
        ("1,1.1,1.2\n\n", r"line 2 \(\"\"\)"),
        ("1,abc,1.2\n", r"line 1 .*abc"),
        ("1,nan,1.2\n", r"line 1 .*nan"),
        ("1,-1.1,1.2\n", r"line 1 .*-1\.1 must be positive"),
        ("1,1.1,0\n", r"line 1 .*must be positive"),
        ("1,1.1,1.0000000001\n", r"line 1 .*9 decimals"),
        ("86400000,1.1,1.2\n", r"line 1 .*within a day"),
        ("-1,1.1,1.2\n", r"line 1 .*within a day"),
        ("7135.0000001,1.1,1.2\n", r"line 1 .*finer than a nanosecond"),
        ("2,1.1,1.2\n1,1.1,1.2\n", r"line 2 .*00\.001000Z comes after one at .*00\.002000Z"),
        ("", "holds no tick"),
    ],
)
def test_a_bad_line_names_file_line_and_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    path = lean(tmp_path, text)
    with pytest.raises(VenueError, match=words) as refused:
        read_ticks(f"lean:{path}")
    assert str(path) in str(refused.value)
    assert isinstance(refused.value, ExuviaError)


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "20140507_quote.zip"
    with pytest.raises(VenueError, match=r"20140507_quote\.zip cannot be read.*No such file"):
        read_ticks(f"lean:{missing}")
    missing.write_bytes(b"not a zip at all")
    with pytest.raises(VenueError, match=r"20140507_quote\.zip is not a sound zip"):
        read_ticks(f"lean:{missing}")
    whole = lean(tmp_path / "a", "".join(f"{at},1.1,1.2\n" for at in range(5000))).read_bytes()
    for damage in (whole[:-30], whole[: len(whole) // 2], whole[:200] + b"\xff" * 50 + whole[250:]):
        missing.write_bytes(damage)
        with pytest.raises(VenueError, match="sound zip"):
            read_ticks(f"lean:{missing}")
    path = lean(tmp_path / "b", "1,1,2", inside="20140507_xauusd_tick_quote.csv")
    with pytest.raises(VenueError, match="not EURUSD"):
        read_ticks(f"lean:{path}")
    named = tmp_path / "ticks.zip"
    path.rename(named)
    with pytest.raises(VenueError, match="not named after its day"):
        read_ticks(f"lean:{named}")
    (tmp_path / "empty").mkdir()
    with pytest.raises(VenueError, match="holds no quote-tick day"):
        read_ticks(f"lean:{tmp_path / 'empty'}")


@pytest.mark.parametrize("day", ["2014-05-07", "201405", "2014O507", "20140230"])
def test_a_name_that_is_no_day_is_refused_and_passed_over_in_a_folder(tmp_path: Path, day: str) -> None:
    path = lean(tmp_path, "1,1.1,1.2\n", day)
    with pytest.raises(VenueError, match="not named after its day"):
        read_ticks(f"lean:{path}")
    lean(tmp_path, "1,1.5,1.6\n", "20140507")
    assert read_ticks(f"lean:{tmp_path}").column("bid").to_pylist() == [1.5]


def test_a_zip_of_two_files_is_not_read_by_half(tmp_path: Path) -> None:
    path = lean(tmp_path, "1,1.1,1.2\n")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("20140507_eurusd_trade.csv", "1,1.1\n")
    with pytest.raises(VenueError, match=r"20140507_quote\.zip is not a sound zip.*it holds 2 files"):
        read_ticks(f"lean:{path}")


def test_serving_ends_when_it_is_told_and_tells_where_it_is() -> None:
    stop = threading.Event()
    seen: list[str] = []

    def ready(venue: SaxoVenue) -> None:
        seen.append(venue.url)
        stop.set()

    serve_saxo("sim:7?ticks=100", ready=ready, stop=stop)
    assert seen[0].startswith("http://127.0.0.1:")
    with pytest.raises(VenueError):
        serve_saxo("nothing")


def test_it_serves_until_it_is_told_to_stop_and_then_no_more() -> None:
    stop, up = threading.Event(), threading.Event()
    urls: list[str] = []

    def ready(venue: SaxoVenue) -> None:
        urls.append(venue.url)
        up.set()

    worker = threading.Thread(target=serve_saxo, args=("sim:7?ticks=100",), kwargs={"ready": ready, "stop": stop})
    worker.start()
    try:
        assert up.wait(20)
        for _ in range(3):
            time.sleep(0.15)
            assert urlopen(f"{urls[0]}/lockstep/clock", timeout=10).status == 200  # noqa: S310 - loopback
    finally:
        stop.set()
        worker.join(10)
    assert not worker.is_alive()
    with pytest.raises(URLError):
        urlopen(f"{urls[0]}/lockstep/clock", timeout=10)  # noqa: S310 - loopback


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_serving_in_time_and_without_a_word(number: signal.Signals) -> None:
    code = (
        "import sys; from exuvia.venues import serve_saxo\n"
        "serve_saxo('sim:7?ticks=100', ready=lambda venue: print(venue.url, flush=True))"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("http://127.0.0.1:")
            process.send_signal(number)
            rest, errors = process.communicate(timeout=10)
        finally:
            process.kill()
    assert (process.returncode, rest, errors) == (0, "", "")
