"""The simulated Saxo venue over HTTP and WebSocket, with a client and a frame decoder of their own.

The decoder here is written from the published frame layout with `struct` and `json`: it shares nothing
with the encoder under test.
"""

from __future__ import annotations

import hashlib
import json
import socket
import struct
import threading
import time
import zipfile
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from exuvia.errors import ValueRangeError, VenueError
from exuvia.venues import SaxoVenue, read_ticks
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = "QuantConnect__Lean/Data/forex/oanda/tick/eurusd/20140507_quote.zip"
SIM = "/sim/openapi"


def decode(frame: bytes) -> Iterator[tuple[int, str, bytes]]:
    """Message id, reference id and payload of each message."""
    at = 0
    while at < len(frame):
        message_id, _reserved, length = struct.unpack_from("<QHB", frame, at)
        reference = frame[at + 11 : at + 11 + length].decode("ascii")
        kind, size = struct.unpack_from("<BI", frame, at + 11 + length)
        assert kind == 0
        at += 16 + length
        payload = frame[at : at + size]
        assert len(payload) == size
        yield message_id, reference, payload
        at += size


class Client:
    """A client with a token and, once it listens, a stream."""

    def __init__(self, venue: SaxoVenue, context: str = "ctx") -> None:
        """Gets a token."""
        self.context = context
        self.port = venue.port
        self.digest = hashlib.sha256()
        self.messages: list[tuple[int, str, bytes]] = []
        self.stream: ClientConnection | None = None
        self.http = httpx.Client(base_url=venue.url, timeout=30)
        form = {"grant_type": "authorization_code", "code": "demo", "client_id": "a", "client_secret": "b"}
        answer = self.http.post("/token", data=form)
        assert answer.status_code == 201
        self.token: dict[str, Any] = answer.json()
        self.http.headers["Authorization"] = f"Bearer {self.token['access_token']}"

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        if self.stream is not None:
            self.stream.close()
        self.http.close()

    def connect(self, query: str = "", **headers: str) -> ClientConnection:
        """A stream of the context."""
        url = f"ws://127.0.0.1:{self.port}/sim/oapi/streaming/ws/connect?contextId={self.context}{query}"
        return connect(url, additional_headers=headers, max_size=None, legacy=True)

    def listen(self) -> Client:
        """Connects the stream and subscribes to prices and orders."""
        self.stream = self.connect(Authorization=f"BEARER {self.token['access_token']}")
        for path, reference, arguments in (
            ("/trade/v1/infoprices", "px", {"Uics": "21", "AssetType": "FxSpot", "FieldGroups": ["Quote"]}),
            ("/ens/v1/activities", "ens", {"Activities": ["Orders"]}),
        ):
            wanted = {"ContextId": self.context, "ReferenceId": reference, "Arguments": arguments}
            assert self.rest("POST", f"{SIM}{path}/subscriptions", json=wanted).status_code == 201
        return self

    def rest(self, method: str, path: str, **content: Any) -> httpx.Response:
        """One request; its answer goes into the digest."""
        answer = self.http.request(method, path, **content)
        self.digest.update(answer.content)
        self.digest.update(answer.headers.get("x-correlation", "").encode())
        return answer

    def advance(self, to: str) -> bool:
        """Moves the clock and reads all that it brings; gives `Done`."""
        answer = self.rest("POST", "/lockstep/advance", json={"ContextId": self.context, "To": to})
        assert answer.status_code == 200, answer.text
        step = answer.json()
        assert self.stream is not None
        while not self.messages or self.messages[-1][0] < step["MessageId"]:
            frame = self.stream.recv(timeout=30)
            assert isinstance(frame, bytes)
            self.digest.update(frame)
            self.messages.extend(decode(frame))
        return bool(step["Done"])

    def order(self, side: str, amount: int, limit: float | None = None, reference: str = "") -> httpx.Response:
        """Places an order."""
        order = {"Uic": 21, "AssetType": "FxSpot", "BuySell": side, "Amount": amount, "ManualOrder": False}
        order |= {"ExternalReference": reference, "OrderType": "Market" if limit is None else "Limit"}
        if limit is not None:
            order["OrderPrice"] = limit
        return self.rest("POST", f"{SIM}/trade/v2/orders", json=order)

    def heard(self, reference: str) -> list[dict[str, Any]]:
        """The elements of one subscription."""
        mine = (payload for _, name, payload in self.messages if name == reference)
        return [row for payload in mine for row in json.loads(payload, parse_float=Decimal)]


def clock(minute: int) -> str:
    """An instant of 2014-05-07."""
    return f"2014-05-07T{minute // 60:02}:{minute % 60:02}:00.000000Z"


def test_the_frames_of_a_lean_day_hold_exactly_the_ticks_of_the_zip(data_dir: Path) -> None:
    with zipfile.ZipFile(data_dir / DAY) as archive:
        text = archive.read("20140507_eurusd_tick_quote.csv").decode()
    expected = []
    for line in text.splitlines():
        millis, bid, ask = line.split(",")
        seconds, rest = divmod(int(millis), 1000)
        stamp = f"2014-05-07T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}000Z"
        expected.append((stamp, Decimal(bid), Decimal(ask)))
    with SaxoVenue(f"lean:{data_dir / DAY}") as venue, Client(venue) as client:
        client.listen()
        state = client.rest("GET", "/lockstep/clock").json()
        assert (state["Ticks"], state["First"], state["Last"]) == (41_367, expected[0][0], expected[-1][0])
        minute = 0
        while not client.advance(clock(minute) if minute < 1440 else "2014-05-08T00:00:00.000000Z"):
            minute += 60
    quote: dict[str, Any] = {}
    seen = []
    for element in client.heard("px"):
        quote |= element.get("Quote", {})
        seen.append((element["LastUpdated"], quote["Bid"], quote["Ask"]))
    assert len(seen) == 41_367
    assert seen == expected
    assert [message[0] for message in client.messages] == list(range(1, len(client.messages) + 1))


def run_script(source: str, pause: float) -> tuple[str, list[dict[str, Any]]]:
    """A short day: orders, cancels, questions, with waits of wall time in between."""
    with SaxoVenue(source) as venue, Client(venue) as client:
        client.listen()
        for minute in range(1, 40):
            client.advance(clock(minute))
            if minute % 5 == 0:
                client.order("Buy" if minute % 2 else "Sell", 10_000, reference=f"m{minute}")
                time.sleep(pause)
            if minute % 7 == 0:
                placed = client.order("Buy", 1_000, limit=1.2, reference=f"l{minute}").json()
                time.sleep(pause)
                client.rest("DELETE", f"{SIM}/trade/v2/orders/{placed['OrderId']}", params={"AccountKey": "k"})
            client.rest("GET", f"{SIM}/port/v1/balances/me")
        fills = [row for row in client.heard("ens") if row["Status"] == "FinalFill"]
        return client.digest.hexdigest(), fills


def test_ten_runs_give_one_digest_however_long_the_client_waits() -> None:
    runs = [run_script("sim:7", 0.03 if number % 3 == 0 else 0) for number in range(10)]
    assert len({digest for digest, _ in runs}) == 1
    assert run_script("sim:8", 0)[0] != runs[0][0]
    # Each fill is at the first tick after the order's decision time, at that tick's price.
    ticks = read_ticks("sim:7")
    stamps, bids, asks = (ticks.column(name).to_pylist() for name in ("ts", "bid", "ask"))
    fills = runs[0][1]
    assert [row["ExternalReference"] for row in fills] == [f"m{minute}" for minute in range(5, 40, 5)]
    for row in fills:
        decided = stamps[0].replace(minute=int(row["ExternalReference"][1:]), second=0, microsecond=0)
        first = next(at for at, stamp in enumerate(stamps) if stamp > decided)
        assert row["ActivityTime"] == stamps[first].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        assert float(row["ExecutionPrice"]) == (asks if row["BuySell"] == "Buy" else bids)[first]


def test_a_slow_reader_does_not_hold_up_the_clock() -> None:
    with SaxoVenue("sim:7") as venue, Client(venue) as client:
        client.listen()
        started = time.monotonic()
        answer = client.rest("POST", "/lockstep/advance", json={"ContextId": "ctx", "To": "2014-05-08T00:00:00Z"})
        assert answer.json()["Done"]
        assert time.monotonic() - started < 10
        assert client.rest("GET", f"{SIM}/port/v1/clients/me").status_code == 200
        assert client.stream is not None
        while not client.messages or client.messages[-1][0] < answer.json()["MessageId"]:
            frame = client.stream.recv(timeout=30)
            assert isinstance(frame, bytes)
            client.messages.extend(decode(frame))
        assert len(client.heard("px")) > 30_000


def test_two_clients_at_once_step_their_own_contexts() -> None:
    with SaxoVenue("sim:7?ticks=4000") as venue:
        counts: dict[str, list[str]] = {}

        def whole_day(name: str) -> None:
            with Client(venue, name) as client:
                client.listen()
                barrier.wait(30)
                minute = 0
                while not client.advance(clock(minute) if minute < 1440 else "2014-05-08T00:00:00Z"):
                    minute += 30
                counts[name] = [json.dumps(row, default=str) for row in client.heard("px")]

        barrier = threading.Barrier(2)
        threads = [threading.Thread(target=whole_day, args=(name,)) for name in ("one", "two")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert len(counts) == 2
    assert counts["one"] == counts["two"]
    assert len(counts["one"]) > 3_000


def test_streams_need_a_bearer_and_a_free_context() -> None:
    with SaxoVenue("sim:7?ticks=100") as venue, Client(venue) as client:
        token = client.token["access_token"]
        for query, headers, status in (
            ("", {}, 401),
            ("", {"Authorization": "BEARER nobody"}, 401),
            ("%20x", {"Authorization": f"BEARER {token}"}, 400),
        ):
            with pytest.raises(InvalidStatus) as refused:
                client.connect(query, **headers)
            assert refused.value.response.status_code == status
        stream = client.connect(f"&authorization=BEARER%20{token}")
        with pytest.raises(InvalidStatus) as refused:
            client.connect(Authorization=f"BEARER {token}")
        assert refused.value.response.status_code == 409
        stream.close()
        deadline = time.monotonic() + 10
        while True:
            try:
                client.connect(Authorization=f"BEARER {token}").close()
                break
            except InvalidStatus:
                assert time.monotonic() < deadline, "the context stays taken after its stream closed"


def test_what_was_not_sent_waits_for_the_next_stream() -> None:
    with SaxoVenue("sim:7") as venue, Client(venue) as client:
        client.listen()
        assert client.stream is not None
        client.advance(clock(1))
        client.stream.close()
        answer = client.rest("POST", "/lockstep/advance", json={"ContextId": "ctx", "To": clock(5)}).json()
        client.stream = client.connect(Authorization=f"BEARER {client.token['access_token']}")
        while client.messages[-1][0] < answer["MessageId"]:
            frame = client.stream.recv(timeout=30)
            assert isinstance(frame, bytes)
            client.messages.extend(decode(frame))
        assert [message[0] for message in client.messages] == list(range(1, answer["MessageId"] + 1))


def test_errors_have_saxos_shapes_on_the_wire() -> None:
    with SaxoVenue("sim:7?ticks=1000") as venue, Client(venue) as client:
        client.listen()
        nobody = httpx.get(f"{venue.url}{SIM}/port/v1/clients/me")
        assert (nobody.status_code, nobody.content) == (401, b"")
        assert nobody.headers["x-correlation"].startswith("sim-")
        refused = client.order("Buy", 500)
        assert refused.status_code == 400
        assert refused.json()["ErrorInfo"]["ErrorCode"] == "AmountBelowMinimumLotSize"
        assert refused.headers["content-type"] == "application/json; charset=utf-8"
        assert client.rest("DELETE", f"{SIM}/trade/v2/orders/1").status_code == 404
        refresh = {"grant_type": "refresh_token", "refresh_token": client.token["refresh_token"]}
        assert client.http.post("/token", data=refresh).status_code == 201
        again = client.http.post("/token", data=refresh)
        assert (again.status_code, again.json()) == (401, {"error": "invalid_grant"})
        huge = client.http.post(f"{SIM}/trade/v2/orders", content=b"x" * (2 << 20))
        assert (huge.status_code, huge.headers["connection"]) == (413, "close")
        with socket.create_connection(("127.0.0.1", venue.port), timeout=10) as raw:
            raw.sendall(b"\x00\xff garbage\r\n\r\n")
            assert raw.recv(100).startswith(b"HTTP/1.1 400")
        assert client.rest("GET", f"{SIM}/port/v1/clients/me").status_code == 200


def test_closing_is_idempotent_and_frees_the_port() -> None:
    venue = SaxoVenue("sim:7?ticks=100")
    assert venue.url == f"http://127.0.0.1:{venue.port}"
    assert repr(venue) == f'<SaxoVenue "sim:7?ticks=100" at {venue.url}>'
    with pytest.raises(VenueError, match=f"port {venue.port} "):
        SaxoVenue("sim:7?ticks=100", venue.port)
    venue.close()
    venue.close()
    assert venue.closed
    assert "closed" in repr(venue)
    with SaxoVenue("sim:7?ticks=100", venue.port) as again:
        assert again.port == venue.port
    assert again.closed


@pytest.mark.parametrize("host", ["0.0.0.0", "::1", "127.0.0.2", "192.168.0.1", "example.com"])  # noqa: S104 - what must be refused
def test_nothing_but_loopback_is_served(host: str) -> None:
    with pytest.raises(VenueError, match=r"127\.0\.0\.1"):
        SaxoVenue("sim:7?ticks=100", host=host)


def test_crossed_quotes_are_shown_but_not_traded_on_and_the_clock_says_how_many(tmp_path: Path) -> None:
    path = tmp_path / "20140507_quote.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("20140507_eurusd_tick_quote.csv", "1000,1.4,1.3\n2000,1.4,1.3\n3000,1.3,1.4\n")
    with SaxoVenue(f"lean:{path}") as venue, Client(venue) as client:
        client.listen()
        while not client.advance("2014-05-07T00:00:04.000000Z"):
            pass
        assert client.rest("GET", "/lockstep/clock").json()["Untraded"] == 2
        assert len(client.heard("px")) == 3


@pytest.mark.parametrize(("given", "said"), [({"port": 70_000}, "port 70000"), ({"cash": 2**63}, f"cash {2**63}")])
def test_a_port_or_cash_that_does_not_fit_is_named(given: dict[str, int], said: str) -> None:
    with pytest.raises(ValueRangeError, match=f"{said} is out of range"):
        SaxoVenue("sim:7", **given)  # type: ignore[arg-type]
