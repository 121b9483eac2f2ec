"""The REST side of the venue: token, account, subscriptions, orders, and the simulator's step-wise clock."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from .order_manager import PlaceResult
from .timestamps import format_ns, parse_ns

if TYPE_CHECKING:
    from .model import Order

log = logging.getLogger(__name__)


class ClientError(RuntimeError):
    """The venue refused a request, or answered something that the bot cannot use."""


@dataclass(frozen=True, slots=True)
class Step:
    """The answer to an advance: the message that ends the step, and whether the data are at an end."""

    message_id: int
    done: bool


class VenueClient:
    """A session with the venue at `url`; `wait_s` adds up the time spent waiting for answers."""

    def __init__(self, url: str, credentials: dict[str, str], context_id: str = "legacybot") -> None:
        self.context_id = context_id
        self.account_key = ""
        self.token = ""
        self.wait_s = 0.0
        self._url = url.rstrip("/")
        self._credentials = credentials
        self._http = httpx.Client(timeout=30.0)

    @property
    def stream_url(self) -> str:
        """Where the streaming connection is opened."""
        return f"ws{self._url.removeprefix('http')}/sim/oapi/streaming/ws/connect"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def login(self, code: str) -> None:
        """Trade the code for a token and look up the account."""
        grant = {"grant_type": "authorization_code", "code": code, **self._credentials}
        self.token = self._json("POST", f"{self._url}/token", data=grant)["access_token"]
        client = self._json("GET", "/port/v1/clients/me")
        accounts = [row["AccountKey"] for row in self._json("GET", "/port/v1/accounts/me")["Data"]]
        if not accounts:
            raise ClientError(f"the venue lists no account for client {client['ClientKey']}")
        self.account_key = client.get("DefaultAccountKey", accounts[0])

    def subscribe_prices(self, reference_id: str, uics: list[int]) -> dict[str, Any]:
        """Subscribe to the quotes of FX instruments and return the snapshot."""
        arguments = {"Uics": ",".join(map(str, uics)), "AssetType": "FxSpot", "FieldGroups": ["Quote"]}
        return self._subscribe("/trade/v1/infoprices", reference_id, arguments)

    def subscribe_activities(self, reference_id: str) -> dict[str, Any]:
        """Subscribe to what happens to the account's orders and return the snapshot."""
        arguments = {"AccountKey": self.account_key, "Activities": ["Orders"]}
        return self._subscribe("/ens/v1/activities", reference_id, arguments)

    def place_order(self, order: Order) -> PlaceResult:
        """Send an order. Only the venue's answer rejects; a time-out or a server error leaves it unknown."""
        body: dict[str, Any] = {
            "AccountKey": self.account_key,
            "Uic": order.uic,
            "AssetType": "FxSpot",
            "BuySell": order.side,
            "Amount": order.amount,
            "OrderType": order.order_type,
            "OrderDuration": {"DurationType": "DayOrder"},
            "ManualOrder": False,
            "ExternalReference": order.client_id,
        }
        if order.limit_price is not None:
            body["OrderPrice"] = order.limit_price
        try:
            answer = self._send("POST", "/trade/v2/orders", order.client_id, json=body)
        except httpx.HTTPError as error:
            return PlaceResult(error=f"no answer: {error}", unknown=True)
        refusal = _refusal(answer)
        if answer.status_code in (202, 409) or answer.is_server_error:
            return PlaceResult(error=refusal, unknown=True)
        order_id = _document(answer).get("OrderId")
        if refusal is None and order_id is None:
            return PlaceResult(error="answer without OrderId", unknown=True)
        return PlaceResult(order_id=order_id if refusal is None else None, error=refusal)

    def cancel_order(self, order_id: str) -> bool:
        """Ask for the cancel of an order; return whether the venue took the request."""
        query = {"AccountKey": self.account_key}
        try:
            answer = self._send("DELETE", f"/trade/v2/orders/{order_id}", params=query)
        except httpx.HTTPError as error:
            log.warning("cancel of %s: no answer: %s", order_id, error)
            return False
        rows = _document(answer).get("Orders", [])
        return any(row.get("OrderId") == order_id and "ErrorInfo" not in row for row in rows)

    def clock(self) -> tuple[int, int]:
        """Return the time of the simulator's first tick, and how many ticks there are."""
        answer = self._json("GET", f"{self._url}/lockstep/clock")
        return parse_ns(answer["First"]), answer["Ticks"]

    def advance(self, to: int) -> Step:
        """Move the simulator's clock to `to`; all that happens before it is sent on the stream."""
        body = {"ContextId": self.context_id, "To": format_ns(to)}
        answer = self._json("POST", f"{self._url}/lockstep/advance", json=body)
        return Step(answer["MessageId"], answer["Done"])

    def _subscribe(self, path: str, reference_id: str, arguments: dict[str, Any]) -> dict[str, Any]:
        body = {"ContextId": self.context_id, "ReferenceId": reference_id, "Arguments": arguments}
        answer = self._json("POST", f"{path}/subscriptions", json={**body, "RefreshRate": 1000})
        snapshot: dict[str, Any] = answer["Snapshot"]
        return snapshot

    def _json(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        answer = self._send(method, path, **arguments)
        refusal = _refusal(answer)
        if refusal is not None:
            raise ClientError(f"{method} {path}: {refusal}")
        return _document(answer)

    def _send(self, method: str, path: str, request_id: str = "", **arguments: Any) -> httpx.Response:
        url = path if path.startswith("http") else f"{self._url}/sim/openapi{path}"
        headers = {"x-request-id": request_id} if request_id else {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        started = time.perf_counter()
        try:
            return self._http.request(method, url, headers=headers, **arguments)
        finally:
            self.wait_s += time.perf_counter() - started


def _document(answer: httpx.Response) -> dict[str, Any]:
    """Return the answer's JSON object, an empty one if it has none."""
    try:
        document = answer.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _refusal(answer: httpx.Response) -> str | None:
    """Return `Code: message` of a refusal, None for a success. A 2xx with ErrorInfo is a refusal as well."""
    document = _document(answer)
    info = document.get("ErrorInfo", document)
    if "ErrorCode" in info:
        return f"{info['ErrorCode']}: {info.get('Message', '')}"
    return None if answer.is_success else f"HTTP {answer.status_code}"
