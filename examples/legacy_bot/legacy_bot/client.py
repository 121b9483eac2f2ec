"""The REST side of the venue: token, account, subscriptions, orders, and the simulator's step-wise clock."""

import logging
import time
from typing import Any

import httpx

from .model import Order, format_ns, parse_ns
from .order_manager import PlaceResult

log = logging.getLogger(__name__)


class ClientError(RuntimeError):
    """The venue refused a request, or answered something that the bot cannot use."""


class VenueClient:
    """A session with the venue at `url`; `wait_s` adds up the time spent waiting for answers."""

    def __init__(self, url: str, credentials: dict[str, str], context_id: str = "legacybot") -> None:
        self.context_id = context_id
        self.account_key = self.token = ""
        self.wait_s = 0.0
        self._url = url.rstrip("/")
        self.stream_url = f"ws{self._url.removeprefix('http')}/sim/oapi/streaming/ws/connect"
        self._credentials = credentials
        self._http = httpx.Client(timeout=30.0)

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

    def subscribe_prices(self, reference_id: str, uics: list[int]) -> Any:
        """Subscribe to the quotes of FX instruments and return the snapshot."""
        arguments = {"Uics": ",".join(map(str, uics)), "AssetType": "FxSpot", "FieldGroups": ["Quote"]}
        return self._subscribe("/trade/v1/infoprices", reference_id, arguments)

    def subscribe_activities(self, reference_id: str) -> Any:
        """Subscribe to what happens to the account's orders and return the snapshot."""
        about = {"AccountKey": self.account_key, "Activities": ["Orders"]}
        return self._subscribe("/ens/v1/activities", reference_id, about)

    def place_order(self, order: Order) -> PlaceResult:
        """Send an order. Only the venue's answer rejects; a time-out or a server error leaves it unknown."""
        what: dict[str, Any] = {"AccountKey": self.account_key, "Uic": order.uic, "AssetType": "FxSpot"}
        how = {"BuySell": order.side, "Amount": order.amount, "OrderType": order.order_type}
        rest = {
            "OrderDuration": {"DurationType": "DayOrder"},
            "ManualOrder": False,
            "ExternalReference": order.client_id,
        }
        price = {"OrderPrice": order.limit_price} if order.limit_price is not None else {}
        try:
            status, answer = self._send("POST", "/trade/v2/orders", order.client_id, json=what | how | rest | price)
        except httpx.HTTPError as error:
            return PlaceResult(error=f"no answer: {error}", unknown=True)
        refusal, order_id = _refusal(status, answer), answer.get("OrderId")
        if refusal is not None:
            return PlaceResult(error=refusal, unknown=status in (202, 409) or 500 <= status < 600)
        if status == 202 or order_id is None:
            return PlaceResult(error=None if status == 202 else "answer without OrderId", unknown=True)
        return PlaceResult(order_id)

    def cancel_order(self, order_id: str) -> bool:
        """Ask for the cancel of an order; return whether the venue took the request."""
        try:
            _, answer = self._send("DELETE", f"/trade/v2/orders/{order_id}", params={"AccountKey": self.account_key})
        except httpx.HTTPError as error:
            log.warning("cancel of %s: no answer: %s", order_id, error)
            return False
        return any(row.get("OrderId") == order_id and "ErrorInfo" not in row for row in answer.get("Orders", []))

    def clock(self) -> tuple[int, int]:
        """Return the time of the simulator's first tick, and how many ticks there are."""
        answer = self._json("GET", f"{self._url}/lockstep/clock")
        return parse_ns(answer["First"]), answer["Ticks"]

    def advance(self, to: int) -> tuple[int, bool]:
        """Move the simulator's clock; return the message that ends the step, and whether the data are at an end."""
        body = {"ContextId": self.context_id, "To": format_ns(to)}
        answer = self._json("POST", f"{self._url}/lockstep/advance", json=body)
        return answer["MessageId"], answer["Done"]

    def _subscribe(self, path: str, reference_id: str, arguments: dict[str, Any]) -> Any:
        body = {"ContextId": self.context_id, "ReferenceId": reference_id, "Arguments": arguments, "RefreshRate": 1000}
        return self._json("POST", f"{path}/subscriptions", json=body)["Snapshot"]

    def _json(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        status, answer = self._send(method, path, **arguments)
        if (refusal := _refusal(status, answer)) is not None:
            raise ClientError(f"{method} {path}: {refusal}")
        return answer

    def _send(self, method: str, path: str, request_id: str = "", **arguments: Any) -> tuple[int, dict[str, Any]]:
        """Return the status of the answer and its JSON object, an empty one if it has none."""
        url = path if path.startswith("http") else f"{self._url}/sim/openapi{path}"
        headers = {"x-request-id": request_id} if request_id else {}
        headers |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        started = time.perf_counter()
        try:
            answer = self._http.request(method, url, headers=headers, **arguments)
        finally:
            self.wait_s += time.perf_counter() - started
        try:
            document = answer.json()
        except ValueError:
            document = {}
        return answer.status_code, document if isinstance(document, dict) else {}


def _refusal(status: int, answer: dict[str, Any]) -> str | None:
    """Return `Code: message` of a refusal, None for a success. A 2xx with ErrorInfo is a refusal as well."""
    info = answer.get("ErrorInfo", answer)
    if "ErrorCode" in info:
        return f"{info['ErrorCode']}: {info.get('Message', '')}"
    return None if 200 <= status < 300 else f"HTTP {status}"
