"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mailauth.errors import UsageError
from mailauth.moments import from_text, seconds_of

DAY = datetime(2026, 11, 2, tzinfo=UTC)
MINUTE = datetime(2026, 11, 2, 9, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-02", DAY),
        ("20261102", DAY),
        ("2026-W45-1", DAY),
        ("2026W451", DAY),
        ("2026-11-02T09:31:00Z", MINUTE),
        ("2026-11-02t09:31:00z", MINUTE),
        ("2026-11-02 09:31", MINUTE),
        ("2026-11-02T09:31", MINUTE),
        ("20261102T093100Z", MINUTE),
        ("20261102T0931", MINUTE),
        ("2026-11-02T10:31:00+01:00", MINUTE),
        ("20261102T043100-0500", MINUTE),
        ("2026-11-02T09:31:00.000Z", MINUTE),
        ("1793611860", MINUTE),
        ("@1793611860", MINUTE),
        ("0", datetime(1970, 1, 1, tzinfo=UTC)),
        ("-1", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("@-1", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        # eight digits are seconds only where that is said
        ("@2026", datetime(1970, 1, 1, 0, 33, 46, tzinfo=UTC)),
        ("@20261102", datetime(1970, 8, 23, 12, 5, 2, tzinfo=UTC)),
        ("999999999", datetime(2001, 9, 9, 1, 46, 39, tzinfo=UTC)),
    ],
)
def test_forms(text: str, moment: datetime) -> None:
    assert from_text(text) == moment
    assert from_text(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "now", "tomorrow", "@", "@now", "--5", "+5", "1.5", "1e9", "0x10", "²", "١٢٣", "20261131", "20261302",
        "99999999", "00000000", "2026-02-30", "2026-11-02T25:00", "20261102093100", "202611020931", "9" * 5000,
        "@" + "9" * 12, "0001-01-01T00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-02T09:31:00\x1b[31m",
        "2026", "202611", "2026306", "2026-11-02\ud80009:31x", "1793611860\n",
    ],
)  # fmt: skip
def test_everything_else_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(
        UsageError, match="is not a time: give ISO 8601, such as 2026-11-21T12:00:00Z, or POSIX"
    ) as raised:
        from_text(text)
    assert len(str(raised.value)) < 500
    assert str(raised.value).isprintable()


# pytest would write the long numbers into the names of tests
NO_MOMENTS = [10**5000, -(10**5000), 1e300, float("nan"), float("inf"), True, "1793611860", None, []]


@pytest.mark.parametrize("now", NO_MOMENTS, ids=range(len(NO_MOMENTS)))
def test_a_moment_that_cannot_be_one_is_refused(now: object) -> None:
    with pytest.raises(UsageError, match="give an aware datetime or POSIX seconds"):
        seconds_of(now)  # type: ignore[arg-type]
