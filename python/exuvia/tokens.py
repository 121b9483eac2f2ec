"""Tokens that one process renews and everybody reads: whole, 0600, and never spent twice.

A token file is JSON as a login has it (`access_token`, `refresh_token`, `expires_in`) with the instant added at which
the access token ends (`expires_at`: seconds since 1970, or ISO). Members that exuvia does not know are kept. What reads
and writes such a file today goes on doing so.

>>> import json, os, tempfile, time
>>> from pathlib import Path
>>> from exuvia.tokens import Keeper, Tokens, look, takeover
>>> path = Path(tempfile.mkdtemp()) / "saxo.json"
>>> descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
>>> login = {"access_token": "a1", "refresh_token": "r1", "expires_in": 1200, "expires_at": time.time() - 5}
>>> _ = os.write(descriptor, json.dumps(login).encode()); os.close(descriptor)

A `Keeper` asks your function for the next pair in time, in a thread of its own; your own client makes the request:

>>> def refresh(token):
...     # return response.status_code, response.content
...     return 201, b'{"access_token": "a2", "refresh_token": "r2", "expires_in": 1200}'
>>> with Keeper(path, refresh) as keeper:
...     while keeper.status()["refreshes"] == 0:
...         time.sleep(0.01)
>>> Tokens(path).current().access_token
'a2'

`look` reads the files alone, in any process, and shows no secret; nor does a token when it is printed:

>>> seen = look(path)
>>> seen["healthy"], seen["problems"]
(False, ['nobody keeps it: ... gave its lease back; start a keeper'])
>>> Tokens(path).current()
Token(access_token=***, refresh_token=***, expires_at=...)
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import platform
import threading
from typing import TYPE_CHECKING, Any, Self

from exuvia._exuvia import (
    Token,
    TokenKeeper,
    Tokens,
    token_cutover,
    token_look,
    token_parallel,
    token_secret_file,
    token_takeover,
)
from exuvia.errors import TokenError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    _Answer = dict[str, Any] | tuple[int, bytes | str] | tuple[int, bytes | str, int | None]

__all__ = ["Keeper", "Token", "Tokens", "cutover", "look", "parallel", "secret", "takeover"]

_LOG = logging.getLogger("exuvia.tokens")


class Keeper:
    """Keeps one token file: renews the pair in time, alone, and tells what is wrong.

    `refresh` is called with the `Token` of now, from the keeper's thread, and makes one request, bounded in time. It
    returns what the venue answered: `(status, body)`, `(status, body, seconds)` with the venue's `Retry-After`, or the
    dict of an answer of success. Which answers mean what is judged here, as OAuth 2 has it. If it raises, whether the
    token was spent is in doubt, except after `ConnectionRefusedError`; of an exception only the class is told.

    Args:
        path: The token file. What belongs to it lies beside it: `.lease`, `.status`, `.lock`, `.alive`.
        refresh: The way to the venue.
        name: What a second keeper is told; by default the machine and the process.
        margin: Seconds before its end at which a pair is renewed, at most a quarter of its life.
        jitter: Seconds by which it is renewed earlier at most, by lot.
        lifetime: Seconds that a pair lives whose answer says nothing of it.
        beat: Seconds between heartbeats.
        stale: Seconds without one after which a keeper on another machine takes the lease; more than three beats, and
            than a request can last.
        single_use: Whether what is sent is dead once it was answered, as with Saxo.
        retry_lost: Whether a token whose answer was lost is sent once more; False where that ends the session.
        takeover: `(who, why)`: take the lease from whoever has it.
        tell: Called with `(code, words, loud)` of each event; by default they are logged by `exuvia.tokens`.

    Raises:
        TokenError: A setting that cannot work, or a takeover without name and reason.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        refresh: Callable[[Token], _Answer],
        *,
        name: str | None = None,
        margin: float = 300.0,
        jitter: float = 10.0,
        lifetime: float = 1200.0,
        beat: float = 30.0,
        stale: float = 120.0,
        single_use: bool = True,
        retry_lost: bool = True,
        takeover: tuple[str, str] | None = None,
        tell: Callable[[str, str, bool], object] | None = None,
    ) -> None:
        host, pid = platform.node(), os.getpid()
        self._path = os.fspath(path)
        self._tell = tell or _log
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._keeper = TokenKeeper(
            self._path,
            refresh,
            (name or f"process {pid} on {host}", host, pid),
            (margin, jitter, lifetime, beat, stale),
            single_use,
            retry_lost,
            takeover,
        )

    def start(self) -> Self:
        """Keep the file in a thread until `stop`, or the end of the program."""
        if self._thread is None:
            self._thread = threading.Thread(target=self.run, name="exuvia-tokens", daemon=True)
            atexit.register(self.stop)
            self._thread.start()
        return self

    def run(self) -> None:
        """Keep the file in this thread until `stop` is called in another, or the keeper was fenced off."""
        try:
            while not self._stop.is_set():
                wait = self._told(self._keeper.tick())
                if wait is None:
                    return
                self._stop.wait(wait)
        finally:
            self._told(self._keeper.close())

    def end(self) -> None:
        """Ask the loop to end, and do not wait for it: what the handler of a signal may do."""
        self._stop.set()

    def stop(self) -> None:
        """End the thread: what is not written is written, the lease is given back."""
        self._stop.set()
        atexit.unregister(self.stop)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def tokens(self) -> Tokens:
        """What brokers of this process read: the newest pair, also while a full disk takes none."""
        return self._keeper.tokens()

    def unauthorized(self) -> None:
        """Count a 401 that a broker was answered, and renew the pair soon."""
        self._keeper.unauthorized()

    def status(self) -> dict[str, Any]:
        """State, counts, heartbeat and problems, as the status file has them."""
        return dict(json.loads(self._keeper.status()))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Keeper({self._path!r})"

    def _told(self, turn: tuple[list[tuple[str, str, bool]], float | None]) -> float | None:
        events, wait = turn
        for event in events:
            try:
                self._tell(*event)
            except Exception:
                # Whoever is told must not end the keeper.
                _LOG.exception("what a keeper told could not be passed on")
        return wait


def _log(code: str, words: str, loud: bool) -> None:
    _LOG.log(logging.ERROR if loud else logging.INFO, "%s: %s", code, words)


def look(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Look at the files of a token; nothing is written, nobody is asked, nothing secret is given.

    Args:
        path: The token file.

    Returns:
        `healthy`, `problems` in words, and what is known of the `token`, the `lease` and the `keeper`.

    Raises:
        TokenError: If the disk refuses.
    """
    return dict(json.loads(token_look(path)))


def takeover(path: str | os.PathLike[str], *, by: str, reason: str) -> int:
    """Take the lease from whoever has it and leave it free; its keeper stops at its next look.

    Args:
        path: The token file.
        by: Who orders it.
        reason: Why; both are put on record in the lease.

    Returns:
        The fencing token, larger than every one before.

    Raises:
        TokenError: Without a name or a reason, or if the disk refuses.
    """
    return token_takeover(path, by, reason)


def parallel(path: str | os.PathLike[str]) -> Path:
    """Name the file that a second keeper writes while another one has the canonical name.

    >>> from exuvia.tokens import parallel
    >>> parallel("run/saxo.json").as_posix()
    'run/saxo.exuvia.json'

    Args:
        path: The canonical token file.
    """
    return token_parallel(path)


def cutover(path: str | os.PathLike[str], *, by: str, reason: str) -> int:
    """Put what was kept under the parallel name into the canonical file, after both keepers have ended.

    What the canonical file held is kept beside it; the parallel file goes, so that no refresh token lies in two.

    Args:
        path: The canonical token file.
        by: Who orders it.
        reason: Why.

    Returns:
        The fencing token; the lease is free for the keeper that starts next.

    Raises:
        TokenError: While a keeper has either lease, or without a name or a reason.
        TokenMissingError: If nothing was kept under the parallel name.
    """
    return token_cutover(path, by, reason)


def secret(source: str) -> str:
    """Read a secret from where it is kept.

    >>> import os
    >>> os.environ["SAXO_SECRET"] = "s3cret"
    >>> secret("env:SAXO_SECRET")
    's3cret'

    Args:
        source: `env:NAME`, `file:PATH` (only its owner may read it) or `keyring:SERVICE/USER`.

    Returns:
        The secret, without white space around it.

    Raises:
        TokenError: If there is none, if others may read the file, or if `keyring` is not installed; the message names
            the source, never a value.
    """
    kind, _, name = source.partition(":")
    if kind == "file" and name:
        return token_secret_file(name)
    if kind == "env" and name:
        value = os.environ.get(name, "").strip()
    elif kind == "keyring" and "/" in name:
        value = _from_keyring(*name.split("/", 1))
    else:
        # What was given may be the secret itself.
        raise TokenError("this is no source of a secret: write env:NAME, file:PATH or keyring:SERVICE/USER")
    if not value:
        raise TokenError(f"{source} holds no secret: set it, or name another source")
    return value


def _from_keyring(service: str, user: str) -> str:
    try:
        import keyring  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415 - an extra
    except ImportError:
        raise TokenError(
            "the system keyring needs a package that is not here: pip install 'exuvia[keyring]', or use env: or file:"
        ) from None
    return (keyring.get_password(service, user) or "").strip()
