"""Where the configuration lies, and its text."""

from __future__ import annotations

from pathlib import Path

from exuvia.errors import ConfigError
from exuvia.migrate.own import os

__all__ = ["NAME", "find", "text_of"]

NAME = "exuvia.toml"


def find(given: str | os.PathLike[str] | None = None) -> Path:
    """Find the configuration: as given, by `EXUVIA_CONFIG`, beside `pyproject.toml`, in this folder.

    Args:
        given: A path that settles it.

    Raises:
        ConfigError: If there is none; it names every place that was looked at.
    """
    named = given or os.environ.get("EXUVIA_CONFIG")
    if named:
        path = Path(named)
        if not path.is_file():
            raise ConfigError(f"{path}: there is no such configuration file")
        return path.absolute()
    here = Path.cwd()
    places = [folder / NAME for folder in (here, *here.parents) if (folder / "pyproject.toml").is_file()][:1]
    places.append(here / NAME)
    for place in places:
        if place.is_file():
            return place
    looked = ", ".join(str(place) for place in dict.fromkeys(places))
    raise ConfigError(
        f"no {NAME}: looked at {looked}; pass --config FILE, set EXUVIA_CONFIG, or write a first one: exuvia init"
    )


def text_of(path: Path) -> str:
    """Read a file that must be UTF-8 without a byte order mark.

    Args:
        path: The file.

    Raises:
        ConfigError: Naming the line that is not UTF-8.
    """
    raw = path.read_bytes()
    marks = (("UTF-8 with a byte order mark", b"\xef\xbb\xbf"), ("UTF-16", b"\xff\xfe"), ("UTF-16", b"\xfe\xff"))
    for name, mark in marks:
        if raw.startswith(mark):
            raise ConfigError(f"{path}:1: this is {name}: save it as UTF-8 without a byte order mark")
    try:
        return raw.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}:{line}: byte 0x{raw[error.start]:02x} is not UTF-8: save the file as UTF-8"
        ) from None
