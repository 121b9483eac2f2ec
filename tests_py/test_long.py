"""Kills, soaks and fuzz: what takes minutes. A slice of a few seconds each runs in `make test`."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from exuvia import bars, quotes
from exuvia.errors import BarError, DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.long

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
FULL = (
    b'[{"Uic":21,"AssetType":"FxSpot","LastUpdated":"2014-05-07T00:00:07.135000Z","PriceSource":"SIM","Quote":'
    b'{"Amount":1000,"Ask":1.39298,"Bid":1.39286,"Mid":1.39292,"MarketState":"Open","PriceTypeAsk":"Tradable"}}]'
)


def until(seconds: float) -> Iterator[int]:
    """Counts rounds until the time is up; at least one."""
    end = time.monotonic() + seconds
    number = 0
    while number == 0 or time.monotonic() < end:
        yield number
        number += 1


def spoiled(dice: random.Random, data: bytes) -> bytes:
    """The bytes with a few changes: flipped, cut out, repeated, inserted."""
    out = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(out) + 1)
        match dice.randrange(4):
            case 0 if at < len(out):
                out[at] ^= 1 << dice.randrange(8)
            case 1:
                del out[at : at + dice.randint(1, 9)]
            case 2:
                out[at:at] = out[at : at + dice.randint(1, 40)]
            case _:
                out[at:at] = dice.choice([b"NaN", b"-", b"{", b"]", b'"', b"\\u0000", b"1e999", b"\xff", b"null"])
    return bytes(out)


def test_spoiled_frames_and_payloads_are_refused_or_read_and_never_more(
    long_seconds: float, proof: Callable[[str, int], None]
) -> None:
    dice = random.Random(os.urandom(8))
    frame = quotes.encode_frame([quotes.Message(n, "prices", 0, FULL) for n in range(4)])
    book, stream = quotes.QuoteBook(), quotes.QuoteStream(["prices"])
    runs = refused = 0
    for _ in until(long_seconds):
        for _ in range(500):
            runs += 1
            try:
                for message in quotes.decode_frame(spoiled(dice, frame)):
                    book.apply(message.payload)
                for quote in book.apply(spoiled(dice, FULL)):
                    assert 0.0 < quote.bid <= quote.ask < float("inf")
            except DecodeError:
                refused += 1
            try:
                stream.feed(spoiled(dice, frame))
            except DecodeError:
                refused += 1
    assert 0 < refused < 3 * runs
    proof("fuzzed frames and payloads", runs)


def test_threads_on_one_book_and_one_builder_lose_no_quote(
    long_seconds: float, proof: Callable[[str, int], None]
) -> None:
    book, builder, done = quotes.QuoteBook(), bars.QuoteBarBuilder("1m"), [0] * 4
    end = time.monotonic() + long_seconds

    def work(number: int) -> None:
        uic = 100 + number
        payload = FULL.replace(b'"Uic":21', b'"Uic":%d' % uic)
        while done[number] < 100 or time.monotonic() < end:
            [quote] = book.apply(payload)
            builder.push(quote.uic, done[number] * 1_000_000_000, quote.bid, quote.ask)
            done[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(book) == 4
    assert book.skipped == 0
    assert builder.late == 0
    assert [bar.uic for bar in builder.flush()] == [100, 101, 102, 103]
    with pytest.raises(BarError, match="NaN|finite"):
        builder.push(100, 0, float("nan"), 1.0)
    proof("quotes from 4 threads", sum(done))


def environment() -> dict[str, str]:
    """The bot and the demo's candidates on the path."""
    path = os.pathsep.join([str(EXAMPLES / "legacy_bot"), str(EXAMPLES / "demo")])
    return os.environ | {"PYTHONPATH": path}


def test_whole_runs_are_equal_on_every_seed(
    long_seconds: float, tmp_path: Path, proof: Callable[[str, int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bot in Python and the bot in Rust leave the same files, whatever the market does."""
    pytest.importorskip("pandas")
    monkeypatch.syspath_prepend(str(EXAMPLES / "demo"))
    runs = pytest.importorskip("runs")
    first = random.Random(os.urandom(8)).randrange(1_000_000)
    seeds = trades = 0
    for number in until(long_seconds):
        source = f"sim:{first + number}?ticks=6000"
        folders = [tmp_path / f"{number}-{side}" for side in ("legacy", "rust")]
        legacy = runs.run_bot("legacy", source, folders[0], ["-m", "legacy_bot"], lambda *_: None)
        rust = runs.run_bot("rust", source, folders[1], [str(EXAMPLES / "demo" / "whole_run.py")], lambda *_: None)
        assert runs.differences(*folders) == [], source
        assert legacy.trades == rust.trades
        seeds, trades = seeds + 1, trades + legacy.trades
    proof("seeds with equal whole runs", seeds)
    proof("closed trades in them", trades)


def test_a_bot_killed_in_shadow_leaves_evidence_that_can_be_read(
    long_seconds: float, tmp_path: Path, proof: Callable[[str, int], None]
) -> None:
    pytest.importorskip("pandas")
    from exuvia.venues import SaxoVenue

    config = tmp_path / "exuvia.toml"
    config.write_text(
        '[exuvia]\nrehearsal = true\nendpoints = ["http://127.0.0.1"]\n'
        '[unit."legacy_bot.quotes:QuoteBook"]\ncandidate = "candidates:QuoteBook"\nmode = "shadow"\neffect = "pure"\n'
    )
    config.chmod(0o644)
    dice = random.Random(20261121)
    kills = 0
    for number in until(long_seconds):
        with SaxoVenue(f"sim:{number}?ticks=20000") as venue:
            command = [sys.executable, "-m", "exuvia", "run", "--config", str(config), "-m", "legacy_bot"]
            command += ["--url", venue.url, "--out", str(tmp_path / f"run-{number}")]
            bot = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(2.0 + dice.random() * 2.0)
            bot.kill()
            kills += bot.wait() == -signal.SIGKILL
        status = subprocess.run(
            [sys.executable, "-m", "exuvia", "status", "--config", str(config), "--json"],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert status.returncode in (0, 3), status.stderr
        [unit] = json.loads(status.stdout)["units"]
        assert unit["differed"] == 0
    assert kills > 0
    proof("bots killed in shadow", kills)
