import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from legacy_bot.client import ClientError, VenueClient
from legacy_bot.model import Order
from legacy_bot.order_manager import PlaceResult

ORDER = Order("LB-s-000001", "s", 21, "Buy", 1000, "Limit", 1.39286, 0, "entry", "pending")
Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def connect() -> Iterator[Callable[[Handler], VenueClient]]:
    """A client whose requests are answered by a function; no socket is opened."""
    clients = []

    def make(handler: Handler) -> VenueClient:
        client = VenueClient("http://127.0.0.1:1/", {"client_id": "key", "client_secret": "s"})
        client._http = httpx.Client(transport=httpx.MockTransport(handler))
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


Connect = Callable[[Handler], VenueClient]


def answer(status: int, document: Any = None) -> Handler:
    return lambda _: httpx.Response(status, json=document) if document is not None else httpx.Response(status)


def test_login_takes_the_token_and_the_default_account(connect: Connect) -> None:
    def venue(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            assert b"grant_type=authorization_code&code=demo&client_id=key" in request.content
            return httpx.Response(201, json={"access_token": "t"})
        assert request.headers["Authorization"] == "Bearer t"
        if request.url.path == "/sim/openapi/port/v1/clients/me":
            return httpx.Response(200, json={"ClientKey": "c==", "DefaultAccountKey": "b=="})
        assert request.url.path == "/sim/openapi/port/v1/accounts/me"
        return httpx.Response(200, json={"Data": [{"AccountKey": "a=="}, {"AccountKey": "b=="}]})

    client = connect(venue)
    client.login("demo")
    assert (client.token, client.account_key) == ("t", "b==")
    assert client.stream_url == "ws://127.0.0.1:1/sim/oapi/streaming/ws/connect"
    assert client.wait_s > 0


def test_a_refused_login_says_what_the_venue_said(connect: Connect) -> None:
    with pytest.raises(ClientError, match=r"POST http://127\.0\.0\.1:1/token: HTTP 401"):
        connect(answer(401, {"error": "invalid_grant"})).login("demo")


def test_an_order_is_sent_with_its_reference(connect: Connect) -> None:
    def venue(request: httpx.Request) -> httpx.Response:
        assert request.headers["x-request-id"] == "LB-s-000001"
        assert json.loads(request.content) == {
            "AccountKey": "",
            "Uic": 21,
            "AssetType": "FxSpot",
            "BuySell": "Buy",
            "Amount": 1000,
            "OrderType": "Limit",
            "OrderPrice": 1.39286,
            "OrderDuration": {"DurationType": "DayOrder"},
            "ManualOrder": False,
            "ExternalReference": "LB-s-000001",
        }
        return httpx.Response(200, json={"OrderId": "7", "ExternalReference": "LB-s-000001"})

    assert connect(venue).place_order(ORDER) == PlaceResult(order_id="7")


REFUSAL = {"ErrorInfo": {"ErrorCode": "MarketClosed", "Message": "later"}}


@pytest.mark.parametrize(
    ("status", "document", "result"),
    [
        (400, REFUSAL, PlaceResult(error="MarketClosed: later")),
        (200, REFUSAL, PlaceResult(error="MarketClosed: later")),
        (200, {"OrderId": "7", **REFUSAL}, PlaceResult(error="MarketClosed: later")),
        (400, {"ErrorCode": "InvalidModelState", "Message": "x"}, PlaceResult(error="InvalidModelState: x")),
        (429, None, PlaceResult(error="HTTP 429")),
        (202, {"OrderId": "7", **REFUSAL}, PlaceResult(error="MarketClosed: later", unknown=True)),
        (409, None, PlaceResult(error="HTTP 409", unknown=True)),
        (503, None, PlaceResult(error="HTTP 503", unknown=True)),
        (200, None, PlaceResult(error="answer without OrderId", unknown=True)),
    ],
)
def test_only_a_refusal_of_the_venue_rejects(connect: Connect, status: int, document: Any, result: PlaceResult) -> None:
    assert connect(answer(status, document)).place_order(ORDER) == result


def test_a_time_out_leaves_the_order_unknown_and_the_cancel_undone(connect: Connect) -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("30 s", request=request)

    client = connect(silent)
    assert client.place_order(ORDER) == PlaceResult(error="no answer: 30 s", unknown=True)
    assert client.cancel_order("7") is False


@pytest.mark.parametrize(
    ("status", "document", "taken"),
    [
        (200, {"Orders": [{"OrderId": "7"}]}, True),
        (200, {"Orders": [{"OrderId": "7", "ErrorInfo": {"ErrorCode": "OrderNotFound"}}]}, False),
        (404, {"ErrorInfo": {"ErrorCode": "OrderNotFound"}}, False),
        (404, None, False),
    ],
)
def test_a_cancel_is_taken_only_if_the_venue_lists_the_order(
    connect: Connect, status: int, document: Any, taken: bool
) -> None:
    assert connect(answer(status, document)).cancel_order("7") is taken


def test_the_clock_is_read_and_advanced_in_nanoseconds(connect: Connect) -> None:
    def venue(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"First": "1970-01-01T00:00:01.5Z", "Ticks": 3})
        assert json.loads(request.content) == {"ContextId": "legacybot", "To": "1970-01-01T00:01:00.000000Z"}
        return httpx.Response(200, json={"Time": "1970-01-01T00:01:00Z", "MessageId": 9, "Done": False})

    client = connect(venue)
    assert client.clock() == (1_500_000_000, 3)
    assert client.advance(60_000_000_000) == (9, False)
