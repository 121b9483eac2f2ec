"""Secrets, taken out before anything leaves the process: in values by the names of fields, in texts by their form.

What is named `token`, `authorization`, `password`, `secret`, `api_key`, `cookie` and the like, or as the
configuration says, loses its value in dicts, objects, header pairs, URLs and texts. A value that was seen under
such a name is taken out wherever else it stands. A unit that is itself named so (`access_token()`) loses its results
and its arguments.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from exuvia.migrate.own import pickle, threading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["REDACTED", "Redactor"]

REDACTED = "<redacted>"
WORDS = frozenset(
    (
        *("token", "tokens", "authorization", "auth", "bearer", "jwt", "cookie", "cookies", "sessionid"),
        *("password", "passwd", "passphrase", "pwd", "pin", "otp", "totp", "credential", "credentials"),
        *("secret", "secrets", "apikey", "accesskey", "privatekey", "secretkey", "signature", "sig"),
        *("appkey", "authkey", "consumerkey", "privkey"),
    )
)
PAIRS = frozenset(
    [
        *(("api", "key"), ("access", "key"), ("private", "key"), ("secret", "key"), ("session", "id")),
        *(("app", "key"), ("auth", "key"), ("consumer", "key"), ("api", "secret")),
    ]
)
SHORT = frozenset(["pass", "pw"])
"""Words that name a secret as the last of a name, unless what stands before makes something else of them."""
OTHERWISE = frozenset(["low", "high", "band", "all", "first", "second", "one", "two", "single", "last", "by"])
HARMLESS = frozenset(["count", "type", "expiry", "expires", "ttl", "length", "in"])
"""Last words of a name that say something about a secret and not the secret."""
NO_HOLDERS = frozenset(["bucket", "budget", "counter", "error", "limiter", "parser", "ring", "tree"])
"""Last words of a unit's name that make it something else: a `TokenBucket` holds no token of anybody's."""
SEEN = 256
REASONS = 256
SHORTEST = 6
DEEPEST = 32
NODES = 200_000

_PLAIN = (int, float, complex, bool, type(None))
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_VALUE = (
    r"""(?P<value>b?\\*"(?:[^"\\]|\\(?!").)*\\*"|b?\\*'(?:[^'\\]|\\(?!').)*\\*'|[^\s,;&)\]}"'\\]+(?:\\u[0-9a-f]{4})*)"""
)
_ASSIGNED = re.compile(
    r"""(?P<before>(?<![\w.\-])(?P<key>[A-Za-z_][\w.\-]{1,127})\\*["']?\s*(?:=>|[=:])\s*)""" + _VALUE, re.ASCII
)
_PAIRED = re.compile(r"""(?P<before>[(\[]\s*b?["'](?P<key>[A-Za-z_][\w.\-]{1,127})["']\s*,\s*)""" + _VALUE, re.ASCII)
_OPENED = re.compile(
    r"""(?P<before>(?<![\w.\-])(?P<key>[A-Za-z_][\w.\-]{1,127})["']?\s*(?:=>|[=:])\s*)(?P<bracket>[\[{(])""", re.ASCII
)
_FORMS = (
    (re.compile(r"(?i)\b(bearer)\s+[\w.~+/=\-]{6,}"), rf"\1 {REDACTED}"),
    (re.compile(r"(?i)\b(basic|digest)\s+[A-Za-z0-9+/=]{16,}"), rf"\1 {REDACTED}"),
    (re.compile(r"(://[^/\s:@'\"]+):[^@\s/'\"]+@"), rf"\1:{REDACTED}@"),
    (re.compile(r"\beyJ[\w\-]{6,}\.[\w\-]{6,}(?:\.[\w\-]*)?"), REDACTED),
    (re.compile(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"), REDACTED),
)
_HEADER = re.compile(
    r"""(?i)(?P<before>(?<![a-z])authorization\\*["']?\s*(?:=(?=\s*[\w\-]+[ \t]+(?!\w+=[^=\s]))|:)\s*\\*["']?)"""
    r"""[a-z][\w\-]{0,40}[ \t]+[^\s,;&)\]}"'\\]+(?:[ \t]*,[ \t]*[\w\-]{1,40}=(?:"[^"\r\n]*"|[^\s,"'\\]+))*""",
    re.ASCII,
)
"""A header whose value is a scheme and what follows it: all of that goes, whatever the scheme is called."""
_SAYS_NOTHING = ("none", "true", "false", "null", "bearer", "basic", "digest")
_SAY_NO_SECRET = ("None", "True", "False")
_CLOSES = {"[": "]", "{": "}", "(": ")"}
_TEXTS = ("legacy", "candidate", "arguments", "text", "what", "reason", "call", "path", "place", "stratum")


class Redactor:
    """Takes secrets out.

    >>> redactor = Redactor(["account_code"])
    >>> redactor.value({"user": "ann", "api_key": "s3cr3t", "accountCode": "A-77"})
    {'user': 'ann', 'api_key': '<redacted>', 'accountCode': '<redacted>'}
    >>> redactor.text("GET /orders?access_token=abcdef&side=Buy")
    'GET /orders?access_token=<redacted>&side=Buy'

    Args:
        names: Names of fields besides the usual ones; a name that contains one of them counts too.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = tuple(_joined(name) for name in names if _joined(name))
        self._known: dict[str, bool] = {}
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._reasons: dict[str, str] = {}
        self._lock = threading.RLock()

    def sensitive(self, name: object) -> bool:
        """Say whether a field of this name holds a secret.

        Args:
            name: The field's name; anything but text and bytes names none.
        """
        if isinstance(name, bytes):
            name = name.decode("latin-1")
        if not isinstance(name, str) or len(name) > 200:
            return False
        known = self._known.get(name)
        if known is None:
            known = self._judge(name)
            if len(self._known) < 4096:
                self._known[name] = known
        return known

    def _judge(self, name: str) -> bool:
        joined = _joined(name)
        if any(own in joined for own in self._names):
            return True
        words = [word.lower() for word in _WORD.findall(name)]
        if not words or words[-1] in HARMLESS:
            return False
        short = words[-1] in SHORT and words[-2:-1] != [] and words[-2] not in OTHERWISE
        return (
            joined in WORDS
            or joined in SHORT
            or short
            or any(word in WORDS for word in words)
            or any(pair in PAIRS for pair in itertools.pairwise(words))
        )

    def secret_unit(self, unit: str, call: str = "") -> bool:
        """Say whether a unit is named as a secret, so that what it returns is one.

        >>> redactor = Redactor()
        >>> redactor.secret_unit("bot.auth:access_token"), redactor.secret_unit("bot.limits:TokenBucket", "take")
        (True, False)

        Args:
            unit: Its name.
            call: The method, where the unit is a class.
        """
        return any(
            self.sensitive(part) and _WORD.findall(part)[-1:] and _WORD.findall(part)[-1].lower() not in NO_HOLDERS
            for part in [*unit.rpartition(":")[2].split("."), call]
        )

    def value(self, value: Any) -> Any:
        """Return a value without its secrets: the same object if it holds none.

        Args:
            value: Anything; it is not changed.
        """
        return _Walk(self).of(value, 0)

    def arguments(
        self, args: Sequence[Any], kwargs: dict[str, Any], names: Sequence[str] = (), *, secret: bool = False
    ) -> tuple[Any, Any]:
        """Return a call's arguments without their secrets.

        Args:
            args: Positional arguments.
            kwargs: Keyword arguments.
            names: Names of the parameters, as far as they are known.
            secret: Whether all of them are hidden, as those of a unit that is named as a secret.
        """
        walk = _Walk(self)
        if secret:
            return walk.hidden(tuple(args), 0), walk.hidden(dict(kwargs), 0)
        plain = tuple(
            walk.hidden(each, 0) if index < len(names) and self.sensitive(names[index]) else walk.of(each, 0)
            for index, each in enumerate(args)
        )
        return plain, walk.of(kwargs, 0)

    def text(self, text: str) -> str:
        """Return a text without what looks like a secret in it.

        Args:
            text: Any text: a repr, a URL, a message.
        """
        for secret in tuple(self._seen):
            if secret in text:
                text = text.replace(secret, REDACTED)
        if text.isalpha():
            # One word by itself: no form has less than that and a sign.
            return text
        for form, by in _FORMS:
            text = form.sub(by, text)
        text = _HEADER.sub(rf"\g<before>{REDACTED}", text)
        text = self._brackets(text)
        for pattern in (_ASSIGNED, _PAIRED):
            text = self._without(pattern, text)
        return text

    def reason(self, text: str) -> str:
        """Return a text that comes again and again without what looks like a secret in it: looked through once.

        A secret that is noted later is looked for anew.

        Args:
            text: Any text, as why a call was not compared.
        """
        reasons = self._reasons
        known = reasons.get(text)
        if known is None:
            known = self.text(text)
            # A secret that was noted meanwhile has put another dict in this one's place.
            if len(reasons) < REASONS:
                reasons[text] = known
        return known

    def _without(self, pattern: re.Pattern[str], text: str) -> str:
        """Replace what is assigned to names of secrets; what is assigned to others may hold a name itself."""
        parts, done, at = [], 0, 0
        while (found := pattern.search(text, at)) is not None:
            plain = self._assigned(found)
            at = found.end("before")
            if plain is not None:
                parts += [text[done : found.start()], plain]
                done = at = found.end()
        return "".join([*parts, text[done:]]) if parts else text

    def line(self, line: dict[str, Any]) -> dict[str, Any]:
        """Return a line of evidence without secrets in its texts.

        Args:
            line: Of any kind; a difference at a path that names a secret, or of a unit that does, loses both values.
        """
        if line.get("kind") not in ("mismatch", "trouble", "mode"):
            return line
        # Why a unit was flipped is said of each unit alike.
        plainly = self.reason if line["kind"] == "mode" else self.text
        plain = {name: plainly(of) if name in _TEXTS and isinstance(of, str) else of for name, of in line.items()}
        steps = re.split(r"[.\[\]'\":* ]+", str(line["path"])) if line.get("path") else ()
        hidden: tuple[str, ...] = ()
        if line["kind"] == "mismatch" and self.secret_unit(str(line.get("unit", "")), str(line.get("call", ""))):
            # What its arguments were has been hidden where their form was still known, or it is hidden here.
            hidden = ("legacy", "candidate", "apart", "stratum")
        elif any(self.sensitive(step) for step in steps):
            hidden = ("legacy", "candidate", "apart")
        for name in hidden:
            said = line.get(name)
            if said and said not in _SAY_NO_SECRET:
                self._remember_shown(str(said))
                plain[name] = REDACTED
        return plain

    def _remember_shown(self, said: str) -> None:
        """Note a secret that comes as a repr, if that is one of a text and whole."""
        quoted = re.fullmatch(r"""b?(["'])(?P<text>[^"'\\]*)\1""", said)
        if quoted is not None:
            self.remember(quoted["text"])

    def pickle(self, data: bytes, names: Sequence[str] = (), *, secret: bool = False) -> bytes:
        """Return a pickle without secrets: the same bytes if it holds none.

        Args:
            data: A pickle that this process made.
            names: Names of the parameters, if it holds a call's positional and keyword arguments.
            secret: Whether it is of a unit that is named as a secret: then arguments and result are hidden.

        Raises:
            Exception: If it cannot be read or made again; then it must not be kept.
        """
        value = pickle.loads(data)
        if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], tuple) and isinstance(value[1], dict):
            plain: Any = self.arguments(*value, names, secret=secret)
            if all(new is old for new, old in zip(plain[0], value[0], strict=True)) and plain[1] is value[1]:
                plain = value
        elif secret and isinstance(value, tuple) and len(value) in (2, 3):
            # What was returned, and what was raised: that keeps its class. Of a generator also what it was asked.
            walk = _Walk(self)
            asked = ([(did, walk.hidden(given, 0)) for did, given in steps] for steps in value[2:])
            plain = (walk.hidden(value[0], 0), walk.of(value[1], 0), *asked)
        else:
            plain = self.value(value)
        return data if plain is value else pickle.dumps(plain, protocol=5)

    def remember(self, secret: str) -> None:
        """Note a secret, to take it out wherever else it stands.

        Args:
            secret: Its text; short ones are not noted, they occur by chance.
        """
        if len(secret) < SHORTEST or secret == REDACTED:
            return
        with self._lock:
            if secret not in self._seen:
                self._reasons = {}
            self._seen[secret] = None
            self._seen.move_to_end(secret)
            if len(self._seen) > SEEN:
                self._seen.popitem(last=False)

    def seen_in(self, text: str) -> bool:
        """Say whether a text holds a secret that was noted.

        Args:
            text: Any text.
        """
        return any(secret in text for secret in tuple(self._seen))

    def _assigned(self, found: re.Match[str]) -> str | None:
        key, value = found["key"], found["value"]
        if not self.sensitive(key) or value.lower() in _SAYS_NOTHING or REDACTED in value:
            return None
        quote = re.match(r"""b?\\*["']""", value)
        if quote is None:
            return found["before"] + REDACTED
        end = re.search(r"""\\*["']$""", value)
        return found["before"] + quote[0] + REDACTED + (end[0] if end else "")

    def _brackets(self, text: str) -> str:
        """Take out what stands in brackets behind a name of secrets, to the bracket's end."""
        at = 0
        while (found := _OPENED.search(text, at)) is not None:
            at = found.end()
            if not self.sensitive(found["key"]):
                continue
            end = _closing(text, found.start("bracket"))
            text = f"{text[: found.start('bracket')]}{REDACTED}{text[end:]}"
            at = found.start("bracket") + len(REDACTED)
        return text


class _Walk:
    """One walk over a value, bounded in depth and size."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self.nodes = 0
        self.inside: set[int] = set()

    def of(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is str:
            return self._text(value)
        if kind in (bytes, bytearray):
            return self._bytes(value)
        self.nodes += 1
        if depth > DEEPEST or self.nodes > NODES:
            return f"<a {kind.__name__} too deep or big to look for secrets in>"
        if id(value) in self.inside:
            return value
        self.inside.add(id(value))
        try:
            return self._container(value, kind, depth + 1)
        finally:
            self.inside.discard(id(value))

    def _container(self, value: Any, kind: type, depth: int) -> Any:
        if isinstance(value, dict):
            return self._dict(value, kind, depth)
        if isinstance(value, (list, tuple)):
            return self._sequence(value, kind, depth)
        if isinstance(value, (set, frozenset)):
            items = [self.of(item, depth) for item in value]
            return value if all(new is old for new, old in zip(items, value, strict=True)) else kind(items)
        if hasattr(kind, "__array__") or hasattr(kind, "__arrow_c_stream__") or isinstance(value, type):
            return value
        return self._object(value, kind, depth)

    def _dict(self, value: dict[Any, Any], kind: type, depth: int) -> Any:
        changed = {}
        for key, item in value.items():
            new = self.hidden(item, depth) if self.redactor.sensitive(key) else self.of(item, depth)
            if new is not item:
                changed[key] = new
        if not changed:
            return value
        if kind is dict:
            return {**value, **changed}
        other = copy.copy(value)
        other.update(changed)
        return other

    def _sequence(self, value: Any, kind: type, depth: int) -> Any:
        names = getattr(kind, "_fields", None)
        if names is not None and len(names) == len(value):
            pairs = zip(names, value, strict=True)
            items = [
                self.hidden(of, depth) if self.redactor.sensitive(name) else self.of(of, depth) for name, of in pairs
            ]
        elif len(value) == 2 and self.redactor.sensitive(value[0]):
            items = [value[0], self.hidden(value[1], depth)]
        else:
            items = [item if type(item) in _PLAIN else self.of(item, depth) for item in value]
        if all(new is old for new, old in zip(items, value, strict=True)):
            return value
        if names is not None:
            return kind(*items)
        return items if kind is list else tuple(items) if kind is tuple else kind(items)

    def _object(self, value: Any, kind: type, depth: int) -> Any:
        changed = {}
        for name, item in _attributes(value, kind):
            new = self.hidden(item, depth) if self.redactor.sensitive(name) else self.of(item, depth)
            if new is not item:
                changed[name] = new
        arguments = getattr(value, "args", None) if isinstance(value, BaseException) else None
        if not changed and arguments is None:
            return value
        try:
            other = copy.copy(value)
            for name, new in changed.items():
                object.__setattr__(other, name, new)
            if arguments is not None:
                plain = self.of(arguments, depth)
                if plain is arguments and not changed:
                    return value
                other.args = plain
        except Exception:
            return f"<a {kind.__name__} with secrets that cannot be taken out>"
        return other

    def _text(self, value: str) -> str:
        if not (_may_hold(value) or self.redactor.seen_in(value)):
            return value
        plain = self.redactor.text(value)
        return value if plain == value else plain

    def _bytes(self, value: bytes | bytearray) -> Any:
        text = value.decode("latin-1")
        if not (_may_hold(text) or self.redactor.seen_in(text)):
            return value
        plain = self.redactor.text(text)
        return value if plain == text else type(value)(plain.encode("latin-1", "replace"))

    def hidden(self, value: Any, depth: int) -> Any:
        """The value of a field that is named as a secret: its form stays, its content goes."""
        kind = type(value)
        hidden: Any = REDACTED
        if value is None or kind is bool:
            hidden = value
        elif isinstance(value, str):
            self.redactor.remember(str(value))
        elif isinstance(value, (bytes, bytearray)):
            self.redactor.remember(value.decode("latin-1"))
            hidden = kind(REDACTED.encode())
        elif kind in (int, float):
            hidden = kind(0)
        elif kind is dict and depth < DEEPEST:
            hidden = {key: self.hidden(item, depth + 1) for key, item in value.items()}
        elif kind in (list, tuple) and depth < DEEPEST:
            hidden = kind(self.hidden(item, depth + 1) for item in value)
        return hidden


def _attributes(value: Any, kind: type) -> list[tuple[str, Any]]:
    """What an object holds in `__dict__` and in slots, read without asking its class."""
    found = list(getattr(value, "__dict__", {}).items()) if hasattr(kind, "__dict__") else []
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else tuple(slots):
            if name not in ("__dict__", "__weakref__"):
                private = f"_{base.__name__.lstrip('_')}{name}" if name.startswith("__") else name
                try:
                    found.append((private, object.__getattribute__(value, private)))
                except AttributeError:
                    continue
    return found


def _may_hold(text: str) -> bool:
    """Whether a text is worth a look: most are names, sides and numbers."""
    return (len(text) >= 8 and any(mark in text for mark in "=:, -")) or text.startswith("eyJ")


def _closing(text: str, start: int) -> int:
    """Where the bracket that opens at `start` has closed; the end if it never does."""
    waiting = []
    for at in range(start, len(text)):
        if text[at] in _CLOSES:
            waiting.append(_CLOSES[text[at]])
        elif waiting and text[at] == waiting[-1]:
            waiting.pop()
            if not waiting:
                return at + 1
    return len(text)


def _joined(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
