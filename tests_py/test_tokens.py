"""The token keeper from Python: a callable as the way to the venue, the files, the command line."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from exuvia import tokens
from exuvia.errors import TokenError, TokenMissingError
from exuvia.migrate.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECRET = "s3cret-"  # noqa: S105 - made up


def put(path: Path, number: int = 0, life: float = -5.0, mode: int = 0o600, **more: object) -> Path:
    """Write a login as a legacy program does."""
    login = {
        "access_token": f"{SECRET}a{number}",
        "refresh_token": f"{SECRET}r{number}",
        "expires_in": 1200,
        "expires_at": time.time() + life,
        **more,
    }
    path.write_text(json.dumps(login))
    path.chmod(mode)
    return path


class Venue:
    """Rotates refresh tokens; each is good once."""

    def __init__(self, *faults: BaseException | object) -> None:
        self.number = 0
        self.asked: list[str | None] = []
        self.faults = list(faults)

    def __call__(self, token: tokens.Token) -> Any:
        self.asked.append(token.refresh_token)
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, BaseException):
                raise fault
            return fault
        if token.refresh_token != f"{SECRET}r{self.number}":
            return 401, b'{"error": "invalid_grant"}'
        self.number += 1
        return 201, json.dumps(
            {
                "access_token": f"{SECRET}a{self.number}",
                "refresh_token": f"{SECRET}r{self.number}",
                "expires_in": 1200,
                "scope": "trade",
            }
        )


@contextmanager
def running(command: list[str], **how: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a program that is ended whatever becomes of the test."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how) as process:
        try:
            yield process
        finally:
            process.kill()


def until(true: Callable[[], object]) -> None:
    """Wait for something, 20 s at most."""
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def test_a_keeper_renews_writes_and_gives_its_lease_back(tmp_path: Path) -> None:
    path, venue, told = put(tmp_path / "saxo.json", user="ann"), Venue(), []
    with tokens.Keeper(path, venue, name="one", tell=lambda *event: told.append(event)) as keeper:
        until(lambda: keeper.status()["refreshes"])
        assert keeper.tokens().current().access_token == f"{SECRET}a1"
        assert tokens.look(path)["healthy"]
        assert tokens.look(path)["lease"]["holder"] == "one"
    found = json.loads(path.read_text())
    assert (found["access_token"], found["refresh_token"], found["user"]) == (f"{SECRET}a1", f"{SECRET}r1", "ann")
    assert (found["scope"], found["fencing_token"]) == ("trade", 1)
    assert time.time() + 1150 < found["expires_at"] < time.time() + 1210
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert venue.asked == [f"{SECRET}r0"]
    assert [code for code, _, _ in told] == ["took", "refreshed", "stopped"]
    assert tokens.look(path)["lease"]["released"]
    assert not [thread for thread in threading.enumerate() if thread.name == "exuvia-tokens"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (TimeoutError("secret s3cret-r0"), "doubt"),
        (ConnectionRefusedError("s3cret-r0"), "not_sent"),
        ((503, b""), "doubt"),
        ((429, b"", 7), "limited"),
        ((401, '{"error": "invalid_client"}'), "denied"),
        ((400, b'{"error": "invalid_grant"}'), "needs_login"),
        ({"refresh_token": "s3cret-x"}, "doubt"),
        ({"access_token": object()}, "doubt"),
        ((200, 7), "doubt"),
        ("s3cret-x", "doubt"),
        (None, "doubt"),
    ],
)
def test_what_a_callable_gives_or_raises_is_judged_and_shows_no_secret(
    tmp_path: Path, fault: object, code: str
) -> None:
    path, told = put(tmp_path / "saxo.json"), []
    with tokens.Keeper(path, Venue(fault), tell=lambda *event: told.append(event)) as keeper:
        until(lambda: keeper.status()["failures"])
    assert told[1][0] == code, told
    assert SECRET not in repr(told) + repr(keeper) + json.dumps(tokens.look(path)) + json.dumps(keeper.status())
    assert SECRET not in (path.parent / "saxo.json.status").read_text()


def test_a_dict_of_success_is_an_answer(tmp_path: Path) -> None:
    path = put(tmp_path / "saxo.json")
    with tokens.Keeper(path, Venue({"access_token": "new", "refresh_token": "next", "expires_in": 60})) as keeper:
        until(lambda: keeper.status()["refreshes"])
    assert tokens.Tokens(path).current().access_token == "new"  # noqa: S105 - made up


def test_ctrl_c_in_a_callable_is_not_swallowed_and_leaves_a_doubt(tmp_path: Path) -> None:
    path = put(tmp_path / "saxo.json")
    keeper = tokens.Keeper(path, Venue(KeyboardInterrupt()), tell=lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        keeper.run()
    seen = tokens.look(path)
    assert (seen["lease"]["released"], seen["lease"]["in_doubt"]) == (True, True)


def test_who_is_told_may_raise_and_the_keeper_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = put(tmp_path / "saxo.json")

    def told(*_event: object) -> None:
        raise ValueError("no")

    with tokens.Keeper(path, Venue(), tell=told) as keeper:
        until(lambda: keeper.status()["refreshes"])
    assert "could not be passed on" in caplog.text
    with tokens.Keeper(put(tmp_path / "b.json"), Venue((400, b'{"error":"invalid_grant"}'))) as keeper:
        until(lambda: keeper.status()["failures"])
    assert "needs_login: the venue refused the token: invalid_grant" in caplog.text


def test_a_401_of_a_broker_is_counted(tmp_path: Path) -> None:
    keeper = tokens.Keeper(put(tmp_path / "saxo.json", life=900), Venue())
    keeper.unauthorized()
    assert keeper.status()["unauthorized"] == 1


def test_a_second_keeper_waits_and_a_takeover_ends_the_first(tmp_path: Path) -> None:
    path = put(tmp_path / "saxo.json", life=1000)
    first: list[str] = []
    with tokens.Keeper(path, Venue(), name="one", beat=1.0, stale=4.0, tell=lambda code, *_: first.append(code)):
        until(lambda: "took" in first)
        second: list[str] = []
        with tokens.Keeper(path, Venue(), name="two", beat=1.0, stale=4.0, tell=lambda code, *_: second.append(code)):
            until(lambda: "held" in second)
            with pytest.raises(TokenError, match="a takeover needs a reason"):
                tokens.takeover(path, by="ann", reason="")
            assert tokens.takeover(path, by="ann", reason="it hangs") == 2
            until(lambda: "fenced" in first and "took" in second)
            assert tokens.look(path)["lease"]["holder"] == "two"


def test_a_killed_keeper_is_followed_at_once(tmp_path: Path) -> None:
    path = put(tmp_path / "saxo.json", life=1000)
    program = (
        "import sys, time\nfrom exuvia import tokens\n"
        f"keeper = tokens.Keeper({os.fspath(path)!r}, None, tell=lambda code, *_: print(code, flush=True))\n"
        "keeper.start()\n"
        "time.sleep(60)\n"
    )
    with running([sys.executable, "-c", program]) as dead:
        assert dead.stdout is not None
        assert dead.stdout.readline() == "took\n"
        dead.kill()
    with tokens.Keeper(path, Venue(), name="next") as keeper:
        until(lambda: keeper.status()["state"] == "keeping")
        assert tokens.look(path)["lease"]["taken"] == "gone"


def test_a_file_that_is_not_there_or_none_says_so(tmp_path: Path) -> None:
    with pytest.raises(TokenMissingError, match="there is no such file") as missing:
        tokens.Tokens(tmp_path / "none.json").current()
    assert isinstance(missing.value, FileNotFoundError)
    path = tmp_path / "saxo.json"
    path.write_text('"s3cret-zzz"')
    with pytest.raises(TokenError, match="the top is not an object") as wrong:
        tokens.Tokens(path).current()
    assert "zzz" not in str(wrong.value)
    with pytest.raises(TokenError, match="stale is"):
        tokens.Keeper(path, Venue(), beat=30.0, stale=30.0)


def test_a_token_shows_its_times_and_no_secret(tmp_path: Path) -> None:
    token = tokens.Tokens(put(tmp_path / "saxo.json", life=100, refresh_token_expires_at=2_000_000_000)).current()
    assert (token.refresh_token, token.fencing_token) == (f"{SECRET}r0", None)
    assert token.refresh_token_expires_at == 2_000_000_000 * 10**9
    assert token.expires_at is not None
    assert 0 < token.expires_at - time.time_ns() < 101 * 10**9
    assert SECRET not in repr(token)
    assert repr(token).startswith("Token(access_token=***, refresh_token=***, expires_at=")


def test_secrets_come_from_a_variable_a_closed_file_or_the_keyring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", " s3cret \n")
    assert tokens.secret("env:A_KEY") == "s3cret"
    path = tmp_path / "key"
    path.write_text("s3cret\n")
    path.chmod(0o640)
    with pytest.raises(TokenError, match=r"may be read or written by others \(mode 640\): run chmod 600"):
        tokens.secret(f"file:{path}")
    path.chmod(0o600)
    assert tokens.secret(f"file:{path}") == "s3cret"
    for source in ("env:NO_SUCH_KEY_HERE", "env:", "s3cret", "keyring:onlyservice"):
        with pytest.raises(TokenError) as refused:
            tokens.secret(source)
        assert "s3cret" not in str(refused.value)
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(TokenError, match=r"pip install 'exuvia\[keyring\]'"):
        tokens.secret("keyring:saxo/ann")

    class Keyring:
        @staticmethod
        def get_password(service: str, user: str) -> str | None:
            return {("saxo", "ann"): "s3cret"}.get((service, user))

    monkeypatch.setitem(sys.modules, "keyring", Keyring())  # type: ignore[arg-type]
    assert tokens.secret("keyring:saxo/ann") == "s3cret"
    with pytest.raises(TokenError, match="keyring:saxo/bob holds no secret"):
        tokens.secret("keyring:saxo/bob")


def test_status_says_what_is_wrong_and_ends_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(tmp_path / "saxo.json", mode=0o644)
    assert main(["token", "status", str(path)]) == 1
    said = capsys.readouterr().out
    assert "NOT WELL" in said
    assert "run chmod 600" in said
    assert "nobody keeps it" in said
    assert SECRET not in said
    with tokens.Keeper(path, Venue(), name="one") as keeper:
        until(lambda: keeper.status()["refreshes"])
        until(lambda: main(["token", "status", str(path)]) == 0)
        said = capsys.readouterr().out
        assert "lease          1, one (free)" in said
        assert "1 refreshes, 0 failures, 0 unauthorized, 0 foreign" in said
        assert main(["token", "status", str(path), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["keeper"]["refreshes"] == 1
    assert main(["token", "status", str(tmp_path / "none.json")]) == 1
    assert "there is no " in capsys.readouterr().out


def test_takeover_and_cutover_by_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(tmp_path / "saxo.json")
    assert main(["token", "takeover", str(path), "--by", "ann", "--reason", "drill"]) == 0
    assert "fencing token 1" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["token", "takeover", str(path), "--by", "ann", "--reason", " "])
    assert main(["token", "cutover", str(path), "--by", "ann", "--reason", "gate"]) == 2
    assert "there is no such file" in capsys.readouterr().err
    beside = put(tokens.parallel(path), number=9)
    assert main(["token", "cutover", str(path), "--by", "ann", "--reason", "gate"]) == 0
    assert tokens.Tokens(path).current().refresh_token == f"{SECRET}r9"
    assert not beside.exists()
    with pytest.raises(TokenMissingError):
        tokens.cutover(path, by="ann", reason="again")


PROGRAM = """
import json
def refresh(token):
    return 200, json.dumps({"access_token": "kept", "refresh_token": "next", "expires_in": 1200})
text = "no function"
"""


def test_keep_renews_until_it_is_told_to_end(tmp_path: Path) -> None:
    (tmp_path / "way.py").write_text(PROGRAM)
    path = put(tmp_path / "saxo.exuvia.json")
    command = [sys.executable, "-m", "exuvia", "token", "keep", "saxo.json", "--parallel", "--refresh", "way:refresh"]
    with running(command, cwd=tmp_path) as keeping:
        until(lambda: json.loads(path.read_text())["access_token"] == "kept")  # noqa: S105 - made up
        keeping.send_signal(signal.SIGTERM)
        said, _ = keeping.communicate(timeout=20)
    assert keeping.returncode == 0
    assert [line.partition(":")[0] for line in said.splitlines()] == ["took", "refreshed", "stopped"]
    assert tokens.look(path)["lease"]["released"]


def test_keep_refuses_what_is_no_function_and_ends_when_it_is_fenced_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "way.py").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    path = put(tmp_path / "saxo.json", life=1000)
    for named, why in (
        ("way", "MODULE:FUNCTION"),
        ("nowhere:f", "no module nowhere"),
        ("way:text", "no function text"),
    ):
        assert main(["token", "keep", str(path), "--refresh", named]) == 2
        assert why in capsys.readouterr().err
    command = [
        sys.executable,
        "-c",
        (
            "import exuvia.tokens as t, sys\n"
            "real = t.Keeper\n"
            "t.Keeper = lambda *a, **k: real(*a, beat=1.0, stale=4.0, **k)\n"
            "from exuvia.migrate.cli.main import main\n"
            "sys.exit(main(['token', 'keep', 'saxo.json', '--refresh', 'way:refresh']))"
        ),
    ]
    with running(command, cwd=tmp_path) as keeping:
        until(lambda: tokens.look(path)["keeper"])
        tokens.takeover(path, by="ann", reason="drill")
        _, said = keeping.communicate(timeout=20)
    assert keeping.returncode == 2
    assert "was taken over by ann" in said
