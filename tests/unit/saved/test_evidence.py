"""A folder of evidence: complete, repeatable from itself alone, and harmless whoever made it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.signing import NOW, TESTDATA, key, key_zone, signed

from mailauth.dns import Answer, Batch
from mailauth.errors import MailauthError, UsageError
from mailauth.limits import Limits
from mailauth.resolvers import KeyFile, Zone
from mailauth.saved import bundle
from mailauth.saved.evidence import Checked, check, collect
from mailauth.saved.how import How

TIME = datetime.fromtimestamp(NOW, UTC)
NAME = "s1._domainkey.example.com"
HOW = How(now=TIME, authserv_id="mx.example.org", ip="192.0.2.3", helo="out.example.com", mail_from="a@example.com")
DNS: dict[str, Any] = {
    **key_zone(),
    "example.com": {"TXT": ["v=spf1 a:out.example.com include:slow.example -all"]},
    "slow.example": "TIMEOUT",
    "out.example.com": {"A": ["192.0.2.9"]},
    "_dmarc.example.com": "SERVFAIL",
}
CASES = [case["name"] for case in json.loads((TESTDATA / "messages" / "cases.json").read_text())]
OLD = KeyFile("old keys.tsv", {NAME: (b"\xff", key().record().encode()), "s1._domainkey.example.net": (b"p=1",)})


def made(path: Path, raw: bytes = signed(), dns: Any = DNS, how: How = HOW, *files: KeyFile) -> Path:
    bundle.write(bundle.check_target(str(path)), collect(raw, Zone(dns), how, files).files)
    return path


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("template") / "folder", signed(), {**DNS, NAME: "NXDOMAIN"}, HOW, OLD)


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template, tmp_path / "folder")


def signed_off(folder: Path) -> None:
    """Write the manifest again, as a stranger can."""
    names = [line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text().splitlines() if line[0] != "#"]
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_text("".join(lines))


def rewritten(folder: Path, name: str, change: Callable[[Any], Any]) -> Checked:
    """Change the data of a file, with the right sum, and check."""
    data = json.loads((folder / name).read_text())
    new = change(data)
    (folder / name).write_text(json.dumps(data if new is None else new))
    signed_off(folder)
    return check(str(folder))


# --- what is in it, and that it repeats


def test_what_is_in_a_folder(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {*bundle.NEEDED, "SHA256SUMS", "keys-1.json"}
    assert (folder / "message.eml").read_bytes() == signed()
    about = json.loads((folder / "about.json").read_text())
    assert {"mailauth", "python", "cryptography", "dnspython", "openssl"} <= about["versions"].keys()
    assert about["options"]["now"] == TIME.isoformat()
    recording = json.loads((folder / "dns.json").read_text())["zone"]
    # Absence and failure too; the old keys are not DNS
    assert recording["slow.example"]["TXT"] == "TIMEOUT"
    assert recording["_dmarc.example.com"]["TXT"] == "SERVFAIL"
    assert recording[NAME] == "NXDOMAIN"
    (first, second) = json.loads((folder / "keys-1.json").read_text())
    assert (first["value"], second["value"]) == ("\udcff", key().record())
    assert (folder / "explanation.html").read_text().startswith("<!DOCTYPE html>")


def test_the_sums_are_those_of_sha256sum(folder: Path) -> None:
    for line in (folder / "SHA256SUMS").read_text().splitlines()[1:]:
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_the_message_is_kept_as_it_was_stored(tmp_path: Path) -> None:
    stored = b"\xef\xbb\xbf" + signed().replace(b"\r\n", b"\n")
    folder = made(tmp_path / "x", stored)
    assert (folder / "message.eml").read_bytes() == stored
    assert check(str(folder)).is_same


@pytest.mark.parametrize("name", CASES)
def test_every_message_of_testdata_repeats(name: str, tmp_path: Path) -> None:
    raw = (TESTDATA / "messages" / f"{name}.eml").read_bytes()
    zone = Zone.load(TESTDATA / "messages" / f"{name}.json")
    ways = [
        How(now=TIME),
        How(now=TIME, client=0, mode="rfc7489", trust=["192.0.2.0/24"]),
        How(now=TIME, client="none"),
    ]
    for number, how in enumerate(ways):
        path = tmp_path / str(number)
        found = collect(raw, zone, how)
        bundle.write(path, found.files)
        again = check(str(path))
        assert (again.unusable, again.differs, again.verdict) == ((), (), ())
        assert again.is_same
        assert again.saved is not None
        assert again.saved.authentication.outcomes == found.saved.authentication.outcomes


def test_old_keys_repeat_and_are_told_from_dns(folder: Path) -> None:
    found = check(str(folder))
    assert (found.verdict, found.is_same) == ((), True)
    assert found.saved is not None
    assert "the key is from old keys.tsv: DNS no longer publishes it" in found.saved.authentication.dkim[0].detail
    assert "keys-1.json" in (folder / "README.txt").read_text()


def test_a_message_whose_time_was_up_repeats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not even asked any more counts as timed out, and is recorded as such."""
    monkeypatch.setattr("mailauth.sync.DEFAULT_LIMITS", Limits(seconds=0))
    bundle.write(tmp_path / "x", collect(signed(), lambda *_: pytest.fail("asked"), HOW).files)
    monkeypatch.undo()
    found = check(str(tmp_path / "x"))
    assert found.is_same
    assert found.saved is not None
    assert found.saved.authentication.dkim[0].reason == "dns_timeout"


def test_packages_of_the_second_opinion_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("mailauth.opinions")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "spf", None)
    folder = made(tmp_path / "x")
    opinion = json.loads((folder / "second-opinion.json").read_text())
    assert opinion == {"asked": False, "why": "a package is missing: spf", "opinions": []}
    assert check(str(folder)).is_same


def test_the_check_asks_nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket", lambda *_, **__: pytest.fail("asked"))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert check(str(folder)).is_same
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_recording_does_not_answer_what_was_not_asked(tmp_path: Path) -> None:
    """A zone would say that the name does not exist, which DNS never said."""
    folder = made(tmp_path / "x", signed(), key_zone())
    found = rewritten(folder, "dns.json", lambda data: data["zone"].pop("_dmarc.example.com") and None)
    assert not found.is_same
    assert "_dmarc.example.com TXT was not asked then" in found.remarks
    assert found.saved is not None
    assert found.saved.authentication.dmarc is not None
    assert found.saved.authentication.dmarc.result == "temperror"


# --- what differs


@pytest.mark.parametrize("name", [*bundle.NEEDED, "keys-1.json"])
def test_a_changed_file_is_named(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content.replace(b"\n", b"\n ", 1) if name.endswith("json") else content + b"\n")
    found = check(str(folder))
    assert found.differs == (f"{name} is not as SHA256SUMS says",)
    assert found.is_usable
    assert not found.is_same


def test_a_verdict_that_was_written_otherwise(folder: Path) -> None:
    found = rewritten(folder, "verdict.json", lambda data: data["dkim"][0].update(result="fail"))
    assert [(each.path, each.was, each.now) for each in found.verdict] == [("dkim[0].result", "'fail'", "'pass'")]
    assert (found.is_usable, found.is_same, found.differs) == (True, False, ())


def test_another_message(folder: Path) -> None:
    (folder / "message.eml").write_bytes(signed().replace(b"Two", b"Six"))
    signed_off(folder)
    found = check(str(folder))
    assert "dkim[0].result" in {each.path for each in found.verdict}


def test_words_of_another_version_are_no_difference(folder: Path) -> None:
    found = rewritten(folder, "verdict.json", lambda data: data["dkim"][0].update(detail="as it was worded in 2020"))
    assert found.is_same
    assert [(each.path, each.words) for each in found.verdict] == [("dkim[0].detail", True)]
    found = rewritten(folder, "about.json", lambda data: data["versions"].update(mailauth="0.0.1"))
    assert found.is_same
    assert any(each.startswith("mailauth was '0.0.1', is ") for each in found.remarks)


def test_a_file_too_many(folder: Path) -> None:
    (folder / "more\x1b.txt").write_text("x")
    found = check(str(folder))
    assert found.differs == ("'more\\x1b.txt' is not in SHA256SUMS",)
    assert not found.is_same


# --- what cannot be used


def unusable(folder: Path, words: str) -> None:
    before = sorted(folder.parent.rglob("*"))
    found = check(str(folder))
    assert not found.is_usable
    assert any(words in reason for reason in found.unusable), found.unusable
    assert all(reason.isprintable() and len(reason) < 1000 for reason in found.unusable)
    assert sorted(folder.parent.rglob("*")) == before


@pytest.mark.parametrize("name", [*bundle.NEEDED, "SHA256SUMS", "keys-1.json"])
def test_a_missing_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    unusable(folder, f"{name}: No such file")


@pytest.mark.parametrize("name", ["message.eml", "dns.json", "SHA256SUMS"])
@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "pipe", "device"])
def test_what_is_no_file_is_not_opened(folder: Path, name: str, kind: str) -> None:
    path = folder / name
    path.rename(folder.parent / "outside")
    match kind:
        case "link":
            path.symlink_to("../outside")
        case "dangling":
            path.symlink_to("nowhere")
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case _:
            path.symlink_to("/dev/zero")
    unusable(folder, f"{name}: not a regular file")


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("dns.json", 16),
        ("verdict.json", 16),
        ("message.eml", 150),
        ("SHA256SUMS", 8),
        ("about.json", 8),
        ("keys-1.json", 1),
    ],
)
def test_what_is_too_large_is_not_read(folder: Path, name: str, size: int) -> None:
    with (folder / name).open("r+b") as file:
        file.truncate((size << 20) + 1)
    unusable(folder, f"{name}: larger than {size} MiB")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"{'0' * 64}  ../outside", "line 9: '../outside' is not a file of such a folder"),
        (f"{'0' * 64}  /etc/passwd", "line 9: '/etc/passwd' is not"),
        (f"{'0' * 64}  keys-0.json", "line 9: 'keys-0.json' is not"),
        (f"{'0' * 64}  x\x1b]0;", "line 9: 'x\\x1b]0;' is not"),
        (f"{'0' * 64}  dns.json", "line 9: not a sum and a new name"),
        ("0  dns.json", "line 9: not a sum"),
        ("\0" * 5000, "line 9: not a sum"),
    ],
)
def test_a_manifest_that_names_what_it_should_not(folder: Path, line: str, words: str) -> None:
    (folder.parent / "outside").write_text("x")
    text = (folder / "SHA256SUMS").read_text().split("\n", 1)[1]
    (folder / "SHA256SUMS").write_text(text + line)
    unusable(folder, words)


def test_a_manifest_that_leaves_something_out(folder: Path) -> None:
    lines = (folder / "SHA256SUMS").read_text().splitlines(keepends=True)
    (folder / "SHA256SUMS").write_text("".join(line for line in lines if "verdict" not in line))
    unusable(folder, "SHA256SUMS does not name verdict.json")


def test_a_folder_of_very_many_files(folder: Path) -> None:
    for number in range(300):
        (folder / str(number)).touch()
    unusable(folder, "more than 200 entries")


@pytest.mark.parametrize("name", ["dns.json", "verdict.json", "about.json", "second-opinion.json", "keys-1.json"])
@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a":1,"a":1}', "1" * 5000, "\xff", '{"a": NaN}'])
def test_broken_json(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    signed_off(folder)
    if name != "keys-1.json" or text != "":
        unusable(folder, name)


def test_a_recording_of_very_many_names(folder: Path) -> None:
    names = {f"{n}.example": "NXDOMAIN" for n in range(10_001)}
    found = rewritten(folder, "dns.json", lambda data: {**data, "zone": names})
    assert found.unusable == ("dns.json: more than 10000 names, which no message asks for",)
    assert rewritten(folder, "dns.json", lambda data: {**data, "zone": {}, "answers": names}).unusable


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("dns.json", lambda _: {}),
        ("dns.json", lambda _: []),
        ("dns.json", lambda data: {**data, "zone": []}),
        ("dns.json", lambda data: {**data, "zone": {"a": {"A": ["x"]}}}),
        ("dns.json", lambda data: {**data, "answers": None}),
        ("dns.json", lambda data: {**data, "answers": {"a": {"TXT": {"status": "odd"}}}}),
        ("dns.json", lambda data: {**data, "now": "then"}),
        ("about.json", lambda _: 7),
        ("about.json", lambda data: {**data, "format": 2}),
        ("about.json", lambda data: {**data, "options": {}}),
        ("about.json", lambda data: {**data, "keys": [data["keys"][0]] * 2}),
        ("about.json", lambda data: {**data, "keys": [{"file": "../outside", "source": ""}]}),
        ("about.json", lambda data: {**data, "keys": [{"file": "keys-2.json", "source": ""}]}),
        ("about.json", lambda data: {**data, "keys": [{"file": [], "source": {}}]}),
        *[
            ("about.json", lambda data, n=name, v=value: data["options"].update({"ip": None, n: v}))
            for name, value in [
                ("ip", "nowhere"), ("ip", 1), ("now", "then"), ("now", 10**30), ("now", "2026-01-01"), ("mode", "x"),
                ("client", True), ("client", -1), ("client", 1e9), ("trust", [1]), ("trust", ["?/?"]), ("trust", "x"),
                ("trust", ["192.0.2.1"] * 1001),
                ("authserv_id", 5), ("authserv_id", "a\r\nb"), ("helo", []), ("mail_from", {}),
            ]
        ],
    ],
)  # fmt: skip
def test_data_that_cannot_be_used(folder: Path, name: str, change: Callable[[Any], Any]) -> None:
    found = rewritten(folder, name, change)
    assert len(found.unusable) == 1
    assert found.saved is None


def test_the_options_may_be_huge(folder: Path) -> None:
    found = rewritten(folder, "about.json", lambda data: data["options"].update(helo="h" * 10**6, mail_from="\ud800@"))
    assert found.is_usable


def test_no_folder() -> None:
    for path in ("/nowhere", "", "\0", __file__):
        with pytest.raises(MailauthError, match="cannot read"):
            check(path)


# --- writing


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    made(tmp_path / "x")
    before = (tmp_path / "x" / "SHA256SUMS").read_bytes()
    with pytest.raises(UsageError, match="not an empty folder"):
        bundle.check_target(str(tmp_path / "x"))
    with pytest.raises(MailauthError, match="cannot write"):
        bundle.write(tmp_path / "x", collect(b"", Zone({}), HOW).files)
    assert (tmp_path / "x" / "SHA256SUMS").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    assert check(str(made(tmp_path / "x"))).is_same


@pytest.mark.parametrize("place", ["file", "no/folder", "file/x"])
def test_where_no_folder_can_be(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MailauthError):
        bundle.check_target(str(tmp_path / place))


@pytest.mark.parametrize("at", range(1, 10))
def test_an_interrupted_run_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    calls = []

    def stopped(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == at:
            raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", stopped)
    files = collect(signed(), Zone(DNS), HOW, [OLD]).files
    with pytest.raises(KeyboardInterrupt):
        bundle.write(tmp_path / "x", files)
    assert list(tmp_path.iterdir()) == []


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(MailauthError, match=r"dns\.json would have more than 16 MiB"):
        bundle.write(tmp_path / "x", {"dns.json": b" " * (16 * 2**20 + 1)})
    assert list(tmp_path.iterdir()) == []


def test_no_more_files_of_old_keys_than_are_read_again() -> None:
    with pytest.raises(UsageError, match="at most 20 files"):
        collect(signed(), Zone(DNS), HOW, [OLD] * 21)


def test_a_resolver_that_breaks_is_recorded_as_such(tmp_path: Path) -> None:
    class Broken:
        def resolve(self, questions: Batch) -> tuple[Answer, ...]:
            raise OSError(str(questions))

    bundle.write(tmp_path / "x", collect(signed(), Broken(), HOW).files)
    assert check(str(tmp_path / "x")).is_same


def test_our_name_is_stored_where_none_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "this.example")
    folder = made(tmp_path / "x", signed(), DNS, How(now=TIME))
    monkeypatch.setattr("socket.gethostname", lambda: "other.example")
    assert json.loads((folder / "about.json").read_text())["options"]["authserv_id"] == "this.example"
    assert check(str(folder)).verdict == ()
