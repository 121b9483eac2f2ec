import pytest
from legacy_bot.model import format_ns, parse_ns


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2014-05-07T00:00:07.135000Z", 1_399_420_807_135_000_000),
        ("2014-05-07T00:00:07.1Z", 1_399_420_807_100_000_000),
        ("2014-05-07T00:00:07.123456789Z", 1_399_420_807_123_456_789),
        ("1969-12-31T23:59:59.999999999Z", -1),
    ],
)
def test_every_nanosecond_is_kept(text: str, ns: int) -> None:
    assert parse_ns(text) == ns


@pytest.mark.parametrize(
    "text",
    ["", "2014-05-07", "2014-05-07T00:00:07", "2014-05-07T00:00:07+02:00", "2014-02-30T00:00:00Z",
     "2014-05-07T00:00:07.1234567891Z", "2014-05-07T00:00:07.Z", "2014-05-07T25:00:00Z"],
)  # fmt: skip
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|month|hour|day"):
        parse_ns(text)


def test_format_is_what_the_venue_writes() -> None:
    assert format_ns(1_399_420_807_135_000_000) == "2014-05-07T00:00:07.135000Z"
