"""What the moult and the feed cost: a call through the splice, a quote message, a Parquet file, the start."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exuvia import quotes
from exuvia.migrate import Switch
from exuvia.migrate.dispatch.splice import Splice

from rows import Job, row

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = 20_000
MESSAGES = 20_000


@row(
    "A call of a swapped pure function in mode rust",
    goal="at most 60 ns more than the Rust function called by itself",
    threaded=False,
    notes=(
        "The candidate does next to nothing, CPython's own `abs`, so that the border is all there is to see; the "
        "choice of the 1 % of calls that are compared is part of it, what the observer of a chosen one costs is not.",
    ),
)
def dispatch() -> Job | str:
    """The same C function called directly, by a plain wrapper, and by a name that was spliced."""

    def swapped(x: float) -> float:
        return abs(x)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return abs(*args, **kwargs)

    legacy = type(swapped)(swapped.__code__, swapped.__globals__, "swapped")
    switch = Switch(legacy, abs, abs, abs)
    switch.set_sampling(1.0, 1, rust=0.01)
    switch.set_mode("rust")
    Splice(swapped, switch.callable).apply()
    values = [float(-n) for n in range(CALLS)]

    def drive(call: Callable[[float], float]) -> float:
        result = 0.0
        for value in values:
            result = call(value)
        return result

    def check(results: dict[str, Any]) -> None:
        assert set(results.values()) == {float(CALLS - 1)}

    arms = {
        "exuvia": lambda: drive(swapped),
        "plain wrapper": lambda: drive(wrapper),
        "limit: called directly": lambda: drive(abs),
    }
    return Job(arms, check, limits=["limit: called directly"], per=CALLS)


@dataclass(frozen=True, slots=True)
class Record:
    """The record that a bot keeps of a quote."""

    uic: int
    ts: int
    bid: float
    ask: float
    market_state: str


@row(
    "A Saxo price delta into a merged quote, one message",
    goal="1.3× the best peer (the design names msgspec, which is not among the pinned peers yet)",
    threaded=False,
)
def quote_message() -> Job | str:
    """JSON, delta merge, exact time; into exuvia's own record, a dataclass, and by json and dicts."""
    template = '[{"Uic":21,"LastUpdated":"2014-05-07T%02d:%02d:%02d.%06dZ","Quote":{"Ask":%.5f,"Bid":%.5f}}]'
    payloads = [
        (template % (n // 3600 % 24, n // 60 % 60, n % 60, n, 1.4 + n % 50 * 1e-5, 1.3999 + n % 50 * 1e-5)).encode()
        for n in range(MESSAGES)
    ]
    midnight = 1_399_420_800

    def own() -> list[Any]:
        book = quotes.QuoteBook()
        return [quote for payload in payloads for quote in book.apply(payload)]

    def into_records() -> list[Any]:
        book = quotes.QuoteBook(record=Record)
        return [quote for payload in payloads for quote in book.apply(payload)]

    def plain() -> list[Any]:
        held: dict[int, dict[str, Any]] = {}
        out = []
        for payload in payloads:
            for element in json.loads(payload):
                known = held.setdefault(element["Uic"], {"Quote": {}})
                known["Quote"].update(element["Quote"])
                text = element["LastUpdated"]
                second = int(text[11:13]) * 3600 + int(text[14:16]) * 60 + int(text[17:19])
                ts = (midnight + second) * 1_000_000_000 + int(text[20:26]) * 1_000
                quote = known["Quote"]
                out.append(Record(element["Uic"], ts, quote["Bid"], quote["Ask"], "Unknown"))
        return out

    def check(results: dict[str, Any]) -> None:
        seen = {name: [(q.uic, q.ts, q.bid, q.ask) for q in found] for name, found in results.items()}
        assert all(found == seen["exuvia"] and len(found) == MESSAGES for found in seen.values())

    arms = {"exuvia": own, "exuvia into a dataclass": into_records, "json.loads and dicts": plain}
    return Job(arms, check, limits=["exuvia into a dataclass"], per=MESSAGES)


@row("Interpreter start with an import", goal="exuvia adds under 80 ms to the interpreter's start", threaded=False)
def start() -> Job | str:
    """A fresh interpreter each time."""

    def launch(code: str) -> int:
        return subprocess.run([sys.executable, "-c", code], check=True).returncode

    def check(results: dict[str, Any]) -> None:
        assert set(results.values()) == {0}

    arms = {
        "exuvia": lambda: launch("import exuvia; exuvia.build_info"),
        "polars": lambda: launch("import polars"),
        "limit: nothing imported": lambda: launch("pass"),
    }
    return Job(arms, check, limits=["limit: nothing imported"])
