"""Zone files that are damaged: what they would answer is not what DNS said, so they are refused in one sentence."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest
from support.signing import TESTDATA

from mailauth.errors import UsageError
from mailauth.resolvers import Recorder, Zone
from mailauth.resolvers.zonefile import MAX_BYTES, is_recording

JSON = (TESTDATA / "messages" / "sample.json").read_bytes()
MASTER = b'$ORIGIN example.com.\n$TTL 300\n@ TXT "v=spf1 -all"\n_dmarc TXT "v=DMARC1; p=reject"\nmx A 192.0.2.1\n'
# with every kind of data
RECORDING = (
    b'{"answers": {"a.example": {"TXT": {"ttl": 5, "cnames": ["x"], "secure": true, "status": "ok", "records": ["x"],'
    b' "detail": "d"}}}, "now": 1700000000, "recorded": "2026-11-02T09:31:00+00:00",'
    b' "zone": {"a.example": {"TXT": [["x", "y"]], "MX": [[10, "b.example"]], "A": ["192.0.2.1"]}, "b": "TIMEOUT"}}'
)


def sentence(path: Path, content: bytes) -> str:
    """Return why a file is refused."""
    path.write_bytes(content)
    with pytest.raises(UsageError) as raised:
        Zone.load(path)
    text = str(raised.value)
    assert text.startswith(str(path))
    assert len(text.splitlines()) == 1
    assert len(text) < len(str(path)) + 700
    return text.removeprefix(str(path))


@pytest.mark.parametrize("name", ["dns.json", "dns.zone", "dns"])
@pytest.mark.parametrize("content", [b"", b"\n", b" \t\r\n\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_an_empty_file_is_not_a_zone_without_names(tmp_path: Path, name: str, content: bytes) -> None:
    assert "empty" in sentence(tmp_path / name, content)


@pytest.mark.parametrize("content", [b"; nothing\n", b"$ORIGIN example.com.\n", b"$TTL 300\n\n; v=DMARC1\n"])
def test_a_master_file_without_records_is_not_either(tmp_path: Path, content: bytes) -> None:
    assert "without records" in sentence(tmp_path / "dns.zone", content)


@pytest.mark.parametrize("text", ["{}", ' {"zone": {}}', '{"zone": {}, "now": null, "recorded": null}'])
def test_a_zone_without_names_can_be_written(tmp_path: Path, text: str) -> None:
    (tmp_path / "dns.json").write_text(text)
    assert Zone.load(tmp_path / "dns.json").now is None


@pytest.mark.parametrize("name", ["dns.json", "dns.zone"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_other_encodings_are_refused(tmp_path: Path, name: str, encoding: str) -> None:
    for content in (JSON, MASTER):
        assert "not UTF-8 text (UTF-16" in sentence(tmp_path / name, content.decode().encode(encoding))


def test_binary_files(tmp_path: Path) -> None:
    for content in (gzip.compress(JSON), b"\x7fELF\2\1\1\0\0", b"PK\3\4\x14\0\0\0", b"%PDF-1.7\n\0", b"{}\0"):
        assert "not UTF-8 text" in sentence(tmp_path / "dns.json", content)


def test_a_very_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "dns.json"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(UsageError, match="larger than 256 MiB"):
        Zone.load(path)


@pytest.mark.parametrize("content", [JSON, RECORDING, json.dumps(Recorder(Zone({})).to_dict()).encode()])
def test_a_file_that_was_cut_short_is_refused_wherever(tmp_path: Path, content: bytes) -> None:
    for length in range(len(content.rstrip())) if len(content) < 1000 else range(0, len(content.rstrip()), 37):
        sentence(tmp_path / "dns.json", content[:length])


NINES = b"9" * 5000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"now": ' + NINES + b', "zone": {}}', "a number has too many digits"),
        (b'{"zone": {}, "recorded": ' + NINES + b"}", "a number has too many digits"),
        (b'{"a.example": {"MX": [[' + NINES + b', "b.example"]]}}', "a number has too many digits"),
        (b'{"a.example": {"MX": [[' + NINES[:4000] + b', "b.example"]]}}', r"give [preference, host] pairs"),
        (b'{"a.example": {"MX": [[65536, "b.example"]]}}', r"give [preference, host] pairs"),
        (b'{"a.example": {"MX": [[-1, "b.example"]]}}', r"give [preference, host] pairs"),
        (b'{"now": ' + NINES[:4000] + b', "zone": {}}', "give POSIX seconds"),
        (b'{"now": NaN, "zone": {}}', "NaN is not JSON"),
        (b'{"now": -Infinity, "zone": {}}', "-Infinity is not JSON"),
        (b'{"now": 1e999, "zone": {}}', "give POSIX seconds"),
        (b'{"now": "' + b"x" * 5000 + b'", "zone": {}}', "give POSIX seconds"),
        (b'{"now": ' + b"[" * 500 + b"]" * 500 + b', "zone": {}}', "give POSIX seconds"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"a": {}, "b": {}, "a": {}}', "a: appears twice"),
        (b'{"zone": {}, "zone": {}}', "zone: appears twice"),
        (b"null", ""),
        (b"5", ""),
        (b'"v=spf1 -all"', ""),
        (b'{"zone": null, "now": 1}', "give a mapping"),
        (b'{"zone": {}, "answers": []}', "answers: give a mapping"),
        (b'{"a.example": null}', "a.example: give"),
        (b'{"a.example": {"TXT": {}}}', "a.example: TXT: give"),
        (b"<!DOCTYPE html>\n<title>404 Not Found</title>\n", "give a master file"),
        (b"a 300 IN A 192.0.2.1\nb " + NINES + b" IN A 192.0.2.1\n", ""),
        (b"a 300 IN MX " + NINES + b" b\n", "digits"),
    ],
    ids=range(26),
)
def test_damage(tmp_path: Path, content: bytes, words: str) -> None:
    assert words in sentence(tmp_path / "dns.json", content)


PIECES = [
    NINES, b"NaN", b"1e999", b"[" * 3000, b"{", b"null", b"\xff", b'"', rb"\ud800", rb"\x", b"(", b"$TTL 99999999999",
    b"\x1b[31m", b"true", b"-1", b"\\", b"\n", b"IN", rb"TYPE65535 \# 3 aabbcc", rb"\300",
    "é\u212a".encode(), b"." * 300,
]  # fmt: skip


def test_no_damage_raises_anything_else(tmp_path: Path) -> None:
    chance = random.Random(7)
    path = tmp_path / "dns.json"
    refused = 0
    for _ in range(2000):
        octets = bytearray(chance.choice([JSON, RECORDING, RECORDING, MASTER, MASTER]))
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(octets) + 1)
            octets[place : place + chance.choice([0, 0, 1, 20])] = chance.choice([*PIECES, b"", b""])
        path.write_bytes(octets)
        try:
            Zone.load(path)
        except UsageError:
            refused += 1
    assert 1000 < refused < 2000


def test_long_numbers_from_python_are_refused_too() -> None:
    for value in (10**5000, -(10**5000)):
        with pytest.raises(UsageError, match="give POSIX seconds"):
            Zone({"zone": {}, "now": value})
        with pytest.raises(UsageError, match=r"give \[preference, host\] pairs"):
            Zone({"a.example": {"MX": [[value, "b.example"]]}})


# Recordings


def test_a_recording_is_known_by_its_form(tmp_path: Path) -> None:
    recorder = Recorder(Zone({}))
    recorder.save(tmp_path / "day.json")
    assert is_recording(json.loads((tmp_path / "day.json").read_text()))
    assert is_recording(json.loads(RECORDING))
    others: list[Any] = [{}, [], None, "zone", {"zone": {}}, {"zone": {}, "now": 1}, {"recorded": 1, "now": 1}]
    for data in (*others, json.loads(JSON)):
        assert not is_recording(data)


def test_a_recording_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "day.json"
    Recorder(Zone({})).save(path)
    old = path.read_bytes()
    with pytest.raises(UsageError):
        Recorder(Zone({})).save(path, now="yesterday")
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]
