"""The Mailman 3 plugin of docs/signing.md, in a real Mailman: what a member of the list receives.

`MAILAUTH_MAILMAN` names the Python of an environment with Mailman 3 and this package's dependencies; without it
`.mailman/bin/python` of the repository is tried. Elsewhere these tests skip.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from support.mailservers import Sink
from support.signing import MAIL, key, key_zone, sealed

from mailauth import Authentication, Result, authenticate, dkim
from mailauth.message.edit import edited
from mailauth.resolvers import Zone

ROOT = Path(__file__).resolve().parents[2]
PYTHON = Path(os.environ.get("MAILAUTH_MAILMAN") or ROOT / ".mailman" / "bin" / "python")
PAGE = (ROOT / "docs" / "signing.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.skipif(
    not PYTHON.is_file(),
    reason="Mailman 3 is not installed: python3 -m venv .mailman && .mailman/bin/pip install . mailman",
)

AUTHOR = dkim.Signer("example.com", "s1", key().private)
LIST = dkim.Signer("lists.example.org", "s2026", key("rsa2048-list").private)
ZONE = (
    key_zone()
    | key_zone("lists.example.org", "s2026", "rsa2048-list")
    | key_zone("forwarder.example", "fwd", "rsa2048-other")
)
# "From " at the start of a line becomes ">From " on the way; long lines of the header are folded anew
POSTING = (
    b"Message-ID: <1@example.com>\r\nX-Long: "
    + b"word " * 40
    + b"\r\n"
    + MAIL.replace(b"Hello", b"From here on: Hello")
)
# A stranger's message with two From fields, which cannot be signed
TWO_AUTHORS = b"From: b@example.net\r\n" + POSTING


def received(folder: Path, posting: bytes) -> Authentication:
    """Return what the server of a member finds out about a posting."""
    (plugin,) = re.findall(r"(?ms)^```python\n(# mailman_mailauth\.py\n.*?)^```$", PAGE)
    (folder / "mailman_mailauth.py").write_text(plugin)
    (folder / "posting.eml").write_bytes(posting)
    (folder / "zone.json").write_text(json.dumps(ZONE))
    script = Path(__file__).with_name("mailman_list.py")
    with Sink() as sink:
        arguments = [str(folder), str(sink.port), str(folder / "posting.eml"), str(folder / "zone.json")]
        done = subprocess.run(
            [PYTHON, script, *arguments], capture_output=True, text=True, check=False, timeout=100, cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        final = sink.messages.get(timeout=10)
    assert b"Ant mailing list -- ant@lists.example.org" in final  # the footer
    assert b"Subject: [Ant]" in final
    return authenticate(final, None, Zone(ZONE), "mx.example.org")


def claims(found: Authentication) -> set[tuple[str, str]]:
    assert found.arc is not None
    return {(claim.method, claim.result) for claim in found.arc.payloads[-1].results}


def test_a_posting_is_verified_signed_and_sealed(tmp_path: Path) -> None:
    found = received(tmp_path, edited(POSTING, [dkim.sign(POSTING, AUTHOR)]))
    assert [(outcome.domain, outcome.result) for outcome in found.dkim] == [
        ("lists.example.org", Result.PASS),
        ("example.com", Result.FAIL),
    ]
    assert found.arc is not None
    assert (found.arc.result, found.arc.sealers) == (Result.PASS, ("lists.example.org",))
    assert claims(found) == {("dkim", "pass"), ("arc", "none"), ("dmarc", "none")}


def test_a_posting_with_a_chain(tmp_path: Path) -> None:
    posting = sealed(POSTING, by="rsa2048-other", domain="forwarder.example", selector="fwd")
    found = received(tmp_path, posting)
    assert found.arc is not None
    assert (found.arc.result, found.arc.instances, found.arc.oldest_pass) == (Result.PASS, 2, 2)
    assert ("arc", "pass") in claims(found)


def test_a_posting_that_cannot_be_signed_is_delivered(tmp_path: Path) -> None:
    found = received(tmp_path, TWO_AUTHORS)
    assert found.dkim == ()
    assert found.arc is not None
    assert found.arc.result is Result.PASS
