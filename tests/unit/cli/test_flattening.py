"""`mailauth domain --flatten` and `--flattened`: the file, the exit status, what is never overwritten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mailauth.cli import main

ORIGINAL = "v=spf1 mx include:_a.provider.example ~all"
PROVIDER = "_a.provider.example"
ZONE: dict[str, Any] = {
    "example.com": {"TXT": [ORIGINAL], "MX": [[10, "mx.example.com"]]},
    "mx.example.com": {"A": ["198.51.100.9"]},
    PROVIDER: {"TXT": ["v=spf1 ip4:192.0.2.0/25 -all"]},
    "other.example": {"TXT": ["v=spf1 -all"]},
}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    publish({})
    return tmp_path


def publish(changes: dict[str, Any]) -> None:
    Path("dns.json").write_text(json.dumps(ZONE | changes))


def domain(*arguments: str) -> int:
    return main(["domain", *arguments, "--dns", "dns.json"])


def test_flatten_publish_and_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert domain("example.com", "--flatten", "spf.json") == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if not line.startswith(";"))
    name, _, _, text = line.split(maxsplit=3)
    assert name == "example.com."
    published = {"example.com": {"TXT": [text.strip('"')], "MX": ZONE["example.com"]["MX"]}}
    publish(published)
    assert domain("--flattened", "spf.json") == 0
    # The provider has another network: the published record is stale, and the file still knows the original
    moved = {PROVIDER: {"TXT": ["v=spf1 ip4:203.0.113.0/24 -all"]}}
    publish(published | moved)
    assert domain("--flattened", "spf.json") == 1
    assert "203.0.113.0/24" in capsys.readouterr().out
    assert domain("example.com", "--flatten", "spf.json") == 0
    assert json.loads(Path("spf.json").read_text())["original"] == ORIGINAL
    assert "ip4:203.0.113.0/24" in capsys.readouterr().out
    assert domain("--flattened", "spf.json", "--json") == 1
    assert json.loads(capsys.readouterr().out)["published"] is False


@pytest.mark.parametrize(("answer", "status"), [("TIMEOUT", 75), ({"TXT": ["v=spf1 ip4:nonsense"]}, 1)])
def test_without_a_record_nothing_is_written(answer: Any, status: int) -> None:
    publish({"example.com": answer} if status == 1 else {PROVIDER: answer})
    assert domain("example.com", "--flatten", "spf.json") == status
    assert not Path("spf.json").exists()


def test_a_failure_of_dns_is_no_news() -> None:
    assert domain("example.com", "--flatten", "spf.json") == 0
    before = Path("spf.json").read_bytes()
    publish({PROVIDER: "TIMEOUT"})
    assert domain("--flattened", "spf.json") == 75
    assert domain("example.com", "--flatten", "spf.json") == 75
    assert Path("spf.json").read_bytes() == before


def test_what_is_kept() -> None:
    assert domain("example.com", "--flatten", "spf.json", "--keep", PROVIDER) == 0
    assert json.loads(Path("spf.json").read_text())["kept"] == [f"include:{PROVIDER}"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--flattened", "missing"], "--flattened 'missing'"),
        (["--flattened", "dns.json"], "--flattened 'dns.json'"),
        (["example.com", "--flattened", "dns.json"], "give neither NAME, --flatten nor --keep"),
        (["--flattened", "dns.json", "--keep", PROVIDER], "give neither NAME, --flatten nor --keep"),
        (["example.com", "--flatten", "spf.json", "--html", "x.html"], "--html has no effect"),
        (["--flattened", "dns.json", "--selector", "s1"], "--selector has no effect"),
        (["example.com", "--keep", PROVIDER], "--keep is for --flatten"),
        (["example.com", "--flatten", "n" * 300], "cannot read nnn"),
        (["example.com", "--flatten", "."], "--flatten '.'"),
        (["example.com", "other.example", "--flatten", "spf.json"], "one domain"),
        (["example.com", "--flatten", "dns.json"], "--flatten 'dns.json'"),
        (["example.com", "--flatten", "missing/spf.json"], "cannot write missing/spf.json"),
        (["not a name", "--flatten", "spf.json"], "domain"),
        ([], "give the name of a domain"),
    ],
)
def test_bad_usage(arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("dns.json").read_bytes()
    assert domain(*arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert problem in line
    assert Path("dns.json").read_bytes() == before


def test_a_flattened_record_is_an_object_of_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert domain("example.com", "--flatten", "spf.json", "--json") == 0
    assert json.loads(capsys.readouterr().out) == json.loads(Path("spf.json").read_text())


def test_the_file_of_another_domain_is_not_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    assert domain("example.com", "--flatten", "spf.json") == 0
    before = Path("spf.json").read_bytes()
    assert domain("other.example", "--flatten", "spf.json") == 2
    assert "is of example.com" in capsys.readouterr().err
    assert Path("spf.json").read_bytes() == before
