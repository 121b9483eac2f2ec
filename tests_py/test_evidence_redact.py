"""Redaction: no secret is on disk, whatever shape it came in; what is no secret stays as it is."""

from __future__ import annotations

import base64
import collections
import dataclasses
import pickle
import time
import types
from typing import Any

import pytest
from exuvia.migrate.evidence.record import Record
from exuvia.migrate.evidence.redact import REDACTED, Redactor
from hypothesis import given
from hypothesis import strategies as st

SECRET = "s3cr3t-Xy12345"  # noqa: S105 - no one's


@dataclasses.dataclass
class Login:
    user: str
    password: str


@dataclasses.dataclass(frozen=True, slots=True)
class Session:
    account: str
    access_token: str


class Slotted:
    __slots__ = ("_api_key", "name")

    def __init__(self) -> None:
        self._api_key, self.name = SECRET, "ann"

    def __repr__(self) -> str:
        return f"Slotted({self._api_key})"


class Named(collections.namedtuple("Named", "user token")):
    __slots__ = ()


class LoginError(Exception):
    pass


SHAPES: list[Any] = [
    {"token": SECRET},
    {"Authorization": f"Bearer {SECRET}"},
    {"deep": [{"x": ({"refresh_token": SECRET},)}]},
    {"X-Api-Key": SECRET.encode()},
    {"apiKey": SECRET, "clientSecret": SECRET},
    {b"cookie": SECRET.encode()},
    {"credentials": {"user": "ann", "parts": [SECRET, SECRET]}},
    [("Authorization", SECRET), ("Accept", "text/html")],
    [[b"set-cookie", SECRET.encode()]],
    ("x-auth-token", SECRET),
    f"https://venue.example/orders?access_token={SECRET}&side=Buy",
    f"https://ann:{SECRET}@venue.example/",
    f"Authorization: Bearer {SECRET}",
    f'{{"password": "{SECRET}", "side": "Buy"}}',
    f"{{'secret': '{SECRET}'}}",
    f"login(user='ann', password='{SECRET}')",
    f"headers=[('cookie', '{SECRET}')]".encode(),
    f"password={SECRET}",
    Login("ann", SECRET),
    Session("A-1", SECRET),
    Slotted(),
    Named("ann", SECRET),
    LoginError(f"token={SECRET} was refused"),
    LoginError({"token": SECRET}),
    collections.OrderedDict(session_id=SECRET),
    collections.defaultdict(list, {"secrets": [SECRET]}),
    types.SimpleNamespace(jwt=SECRET),
    {"ids": {f"token={SECRET}"}},
]


def texts(value: Any) -> str:
    """Everything that could reach a disk."""
    return repr(value) + repr(getattr(value, "__dict__", "")) + pickle.dumps(value).decode("latin-1")


@pytest.mark.parametrize("value", SHAPES, ids=lambda value: f"{type(value).__name__}-{str(value)[:20]}")
def test_no_shape_of_a_value_lets_a_secret_through(value: Any) -> None:
    before = repr(value)
    redactor = Redactor()
    assert SECRET not in texts(redactor.value(value))
    assert SECRET not in texts(pickle.loads(redactor.pickle(pickle.dumps(value))))
    assert SECRET not in redactor.text(before)
    assert repr(value) == before, "what the program holds is never changed"


@pytest.mark.parametrize("value", SHAPES, ids=lambda value: f"{type(value).__name__}-{str(value)[:20]}")
def test_a_repr_alone_is_redacted_too(value: Any) -> None:
    if isinstance(value, Slotted):
        pytest.skip("a repr without any name says nothing of what it shows")
    assert SECRET not in Redactor().text(repr(value))


@pytest.mark.parametrize(
    "value",
    [
        {"side": "Buy", "price": 1.5, "tokens_count": 3, "token_type": "Bearer", "expires_in": 20},
        [("Accept", "text/html"), ("side", "Buy")],
        "GET /orders?side=Buy&amount=100",
        {"password": None, "token": True},
        (1, "EURUSD", b"payload", 2.5),
        types.SimpleNamespace(order="A-1", filled=3),
        ValueError("bad price: 1.5"),
        "prices: 'Basic materials' and 'Digest'",
    ],
)
def test_what_holds_no_secret_is_the_very_same_object(value: Any) -> None:
    redactor = Redactor()
    assert redactor.value(value) is value
    data = pickle.dumps(value)
    assert redactor.pickle(data) is data


def test_what_a_generator_gave_and_was_asked_is_redacted_too() -> None:
    redactor = Redactor()
    outcome = pickle.dumps(([{"token": SECRET}], None, [("next", None), ("send", {"password": SECRET})]))
    items, raised, steps = pickle.loads(redactor.pickle(outcome))
    assert SECRET not in texts(items) + texts(steps)
    assert (raised, [did for did, _ in steps]) == (None, ["next", "send"])
    items, _, steps = pickle.loads(redactor.pickle(pickle.dumps((["gave"], None, [("send", "asked")])), secret=True))
    assert (items, steps) == ([REDACTED], [("send", REDACTED)])


def test_declared_names_count_wherever_they_stand_in_a_name() -> None:
    redactor = Redactor(["account_code"])
    assert redactor.value({"theAccountCode": "A-77", "account": "x"}) == {"theAccountCode": REDACTED, "account": "x"}
    assert redactor.text("accountCode=A-77, account=x") == f"accountCode={REDACTED}, account=x"


def test_the_form_stays_and_the_content_goes() -> None:
    value = {"secret": [b"x", 7, {"inner": "text"}, None, (1.5, "y")]}
    assert Redactor().value(value) == {"secret": [REDACTED.encode(), 0, {"inner": REDACTED}, None, (0.0, REDACTED)]}


def test_a_secret_that_was_seen_is_taken_out_wherever_else_it_stands() -> None:
    redactor = Redactor()
    redactor.value({"token": SECRET})
    assert redactor.text(f"['{SECRET}', 1]") == f"['{REDACTED}', 1]"
    assert redactor.value([SECRET]) == [REDACTED]


def test_cycles_depth_and_hostile_objects_end() -> None:
    ring: list[Any] = [{"token": SECRET}]
    ring.append(ring)
    assert SECRET not in repr(Redactor().value(ring)[0])
    deep: Any = {"token": SECRET}
    for _ in range(500):
        deep = [deep]
    assert SECRET not in repr(Redactor().value(deep))

    class Stubborn:
        def __init__(self) -> None:
            self.token = SECRET

        def __copy__(self) -> Stubborn:
            raise RuntimeError("not me")

    assert SECRET not in str(Redactor().value(Stubborn()))


@given(
    st.recursive(
        st.text() | st.binary() | st.integers() | st.none(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)
    )
)
def test_any_value_around_a_secret_is_walked(value: Any) -> None:
    found = Redactor().value({"around": value, "token": SECRET, "list": [value, {"password": SECRET}]})
    assert SECRET not in repr(found)


@given(st.text(max_size=200))
def test_any_text_around_a_secret_keeps_its_other_words(text: str) -> None:
    assert isinstance(Redactor().text(text), str)
    assert SECRET not in Redactor().text(f"{text} \npassword={SECRET}")


@pytest.mark.parametrize(
    "unit", ["x", "token", "token=", "('token', ", "a=b:", "\\", "'", "Bearer ", "://a:", "eyJabc.", "[{("]
)
def test_the_time_for_a_text_grows_with_its_length_and_not_with_its_square(unit: str) -> None:
    text = (unit * 1_000_000)[:1_000_000]
    began = time.process_time()
    Redactor().text(text)
    assert time.process_time() - began < 5.0


def lines_of(record: Record, call: str, *arguments: Any, **named: Any) -> None:
    found = types.SimpleNamespace(path="$[0]", place="$[*]", kind="value", legacy="1", candidate="2", rule="exact")
    verdict: Any = types.SimpleNamespace(total=1, differences=[found], ignored=[])
    record.observed([verdict], (10, 20), (arguments, named), call=call)


def login(user: str, password: str, *, otp: str = "") -> str:
    return user + password + otp


class Venue:
    def login(self, user: str, password: str) -> str:
        return user + password


def test_secrets_by_position_are_known_by_the_parameters_of_the_unit() -> None:
    lines: list[dict[str, Any]] = []
    lines_of(Record(f"{__name__}:login", lines.append), "", "ann", SECRET, otp="123456")
    lines_of(Record(f"{__name__}:Venue", lines.append), "login", "ann", SECRET)
    record = Record(f"{__name__}:Venue", lines.append)
    assert record.sampled("login", pickle.dumps((("ann", SECRET), {})), pickle.dumps(("ok", None)))
    assert [line["kind"] for line in lines] == ["mismatch", "mismatch", "call"]
    assert "'ann'" in lines[0]["arguments"]
    assert "123456" not in lines[0]["arguments"]
    lines[2]["arguments"] = str(pickle.loads(base64.b64decode(lines[2]["arguments"])))
    assert all(SECRET not in repr(line) for line in lines)


def test_secrets_by_position_are_known_in_what_the_worker_compared_too() -> None:
    lines: list[dict[str, Any]] = []
    record = Record(f"{__name__}:login", lines.append)
    found = {
        "path": "$args[1]",
        "place": "$args[1]",
        "kind": "value",
        "legacy": repr(SECRET),
        "candidate": "''",
        "rule": "",
    }
    given = (("ann", SECRET), {})
    record.observed_remote([found], (1, 1), arguments=repr(given), pickled=pickle.dumps(given))
    assert "'ann'" in lines[0]["arguments"]
    assert SECRET not in repr(record.redactor.line(lines[0])), "the values are known by what was seen"
    record.observed_remote([{**found, "place": "$"}], (1, 1), arguments=f"password={SECRET}", pickled=None)
    record.observed_remote([{**found, "place": "$x"}], (1, 1), arguments=SECRET, pickled=b"no pickle")
    assert all(SECRET not in line["arguments"] for line in lines)


def test_a_difference_at_a_path_that_names_a_secret_loses_both_values() -> None:
    line = {"kind": "mismatch", "path": "login: $.session['auth_token'][0]", "legacy": "'a1'", "candidate": "'b2'"}
    assert Redactor().line(line) == {**line, "legacy": REDACTED, "candidate": REDACTED}
    harmless = {"kind": "mismatch", "path": "$.fills[0].price", "legacy": "1.5", "candidate": "2.5"}
    assert Redactor().line(harmless) == harmless


def access_token(account: str) -> str:
    return SECRET + account


class Keys:
    def api_key(self, name: str) -> str:
        return SECRET + name


class TokenBucket:
    def take(self, n: int) -> int:
        return n


@pytest.mark.parametrize(("unit", "call"), [("access_token", ""), ("Keys", "api_key"), ("Keys.api_key", "")])
def test_a_unit_that_is_named_as_a_secret_leaves_neither_results_nor_arguments(unit: str, call: str) -> None:
    lines: list[dict[str, Any]] = []
    record = Record(f"{__name__}:{unit}", lambda line: lines.append(record.redactor.line(line)))
    found = {"path": "$", "place": "$", "kind": "value", "legacy": repr(SECRET), "candidate": "'zz'", "rule": ""}
    given = (("account-77",), {"x": 5})
    record.observed_remote([found], (1, 1), call=call, arguments=repr(given), pickled=pickle.dumps(given))
    record.observed_remote([found], (1, 1), call=call, arguments=repr(given))
    assert record.sampled(call, pickle.dumps(given), pickle.dumps((SECRET, None)))
    assert [line["kind"] for line in lines] == ["mismatch", "mismatch", "call"]
    assert [line.get("legacy") for line in lines] == [REDACTED, REDACTED, None]
    call_line = [pickle.loads(base64.b64decode(lines[2][part])) for part in ("arguments", "outcome")]
    assert call_line == [((REDACTED,), {"x": 0}), (REDACTED, None)]
    assert not any(secret in repr(lines) for secret in (SECRET, "zz", "account-77"))
    assert record.redactor.value([SECRET]) == [REDACTED], "it is known wherever else it stands"


def test_what_only_sounds_like_a_secret_keeps_its_evidence() -> None:
    redactor = Redactor()
    names = [("TokenBucket", "take"), ("token_count", ""), ("Pricer", "low_pass"), ("pass_through", ""), ("price", "")]
    assert [redactor.secret_unit(f"bot.auth:{unit}", call) for unit, call in names] == [False] * 5
    line = {"kind": "mismatch", "unit": "bot:is_token", "path": "$", "legacy": "True", "candidate": "False"}
    assert redactor.line(line) == line


@pytest.mark.parametrize("name", ["pass", "pass_", "passwd", "pw", "db_pass", "AppKey", "app_key", "appkey", "APP_KEY"])
def test_short_names_of_passwords_and_keys_are_known(name: str) -> None:
    assert Redactor().value({name: SECRET, "side": "Buy"}) == {name: REDACTED, "side": "Buy"}
    assert SECRET not in Redactor().text(f"login(user='ann', {name}='{SECRET}')")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (f"Authorization: ApiKey {SECRET}", f"Authorization: {REDACTED}"),
        (f"Authorization: ApiKey {SECRET}\r\nHost: x", f"Authorization: {REDACTED}\r\nHost: x"),
        (f"{{'h': 'Authorization: SSO-Key {SECRET}', 'n': 1}}", f"{{'h': 'Authorization: {REDACTED}', 'n': 1}}"),
        (f"Proxy-Authorization: Token {SECRET}", f"Proxy-Authorization: {REDACTED}"),
        (f'authorization: AWS4 Credential={SECRET}, Signature="{SECRET}"', f"authorization: {REDACTED}"),
        (f"authorization=ApiKey {SECRET}", f"authorization={REDACTED}"),
        (f"authorization={SECRET} side=Buy", f"authorization={REDACTED} side=Buy"),
    ],
)
def test_an_authorization_goes_wholly_whatever_its_scheme(text: str, plain: str) -> None:
    assert Redactor().text(text) == plain
