"""What we sign and seal, verified by others: dkimpy, OpenDKIM and Mail::DKIM; and what was changed, refused by them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

import dkim as dkimpy
import pytest
from support.ownmail import transmitted
from support.signing import key

from differential.generate import NOW, SCALE, clock, seeds
from mailauth import arc, authenticate, dkim
from mailauth.dkim import Signer
from mailauth.message.edit import edited
from mailauth.testing import Zone

pytestmark = pytest.mark.timeout(120 * max(SCALE, 1))

CASES = 200
RSA = Signer("example.com", "rsa", key().private)
ED25519 = Signer("example.com", "ed", key("ed25519-author").private)
SEALER = Signer("lists.example.org", "arc", key("rsa2048-list").private)
KEYS = {signer.name: signer.record for signer in (RSA, ED25519, SEALER)}
ZONE = Zone({name: {"TXT": [record]} for name, record in KEYS.items()})
CANONICAL = ("simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed")


class Case(NamedTuple):
    """A message, what becomes of it, and whether it still is as it was signed."""

    name: str
    raw: bytes
    signer: Signer
    c: str
    intact: bool


def octet_changed(raw: bytes, random: Random) -> bytes:
    """Return a message with another letter in From, the hash or the body: whatever it is, it is signed."""
    places = [match.start(1) for match in re.finditer(rb"(?:\nFrom: |bh=|\r\n\r\n[ -~]*?)([A-Za-z])", raw)]
    place = random.choice(places)
    return raw[:place] + (b"q" if raw[place : place + 1] != b"q" else b"k") + raw[place + 1 :]


def signed_cases() -> Iterator[Case]:
    for seed in seeds(CASES):
        random = Random(seed)
        raw = transmitted(random)
        signer, c = random.choice((RSA, ED25519)), random.choice(CANONICAL)
        final = edited(raw, [dkim.sign(raw, signer, canonicalization=c, now=NOW)])
        yield Case(f"{seed}", final, signer, c, intact=True)
        yield Case(f"{seed}-changed", octet_changed(final, random), signer, c, intact=False)


def sealed_cases() -> Iterator[Case]:
    for seed in seeds(CASES // 4):
        random = Random(seed)
        raw = transmitted(random)
        raw = edited(raw, [dkim.sign(raw, RSA, now=NOW)])
        for _ in range(random.randint(1, 3)):
            found = authenticate(raw, None, ZONE, "lists.example.org", NOW)
            raw = b"List-Id: <x.lists.example.org>\r\n" + raw + b"-- \r\nfooter\r\n"
            raw = edited(raw, arc.seal(raw, found, SEALER, now=NOW))
        yield Case(f"{seed}", raw, SEALER, "relaxed/relaxed", intact=True)
        yield Case(f"{seed}-changed", octet_changed(raw, random), SEALER, "relaxed/relaxed", intact=False)


def txt(name: bytes, timeout: int = 0) -> bytes:
    return KEYS[name.decode().removesuffix(".")].encode()


def written(folder: Path, cases: list[Case]) -> tuple[Path, list[Path]]:
    """Write the messages, and the keys in the form of both programs."""
    keys = folder / "keys"
    keys.write_text("".join(f"{name} {record}\n" for name, record in KEYS.items()))
    paths = [folder / f"{case.name}.eml" for case in cases]
    for case, path in zip(cases, paths, strict=True):
        path.write_bytes(case.raw)
    return keys, paths


# --- DKIM ----------------------------------------------------------------------------------------------------------


def test_dkimpy_verifies_what_we_sign() -> None:
    with clock(NOW):
        for case in signed_cases():
            assert dkimpy.verify(case.raw, dnsfunc=txt) is case.intact, case


def has_odd_space(case: Case) -> bool:
    """Whether OpenDKIM, in its test mode, cannot see the header as it is.

    As in a milter, it gets values without the white space in front of them, and puts one space there; canonical forms
    other than relaxed then differ.
    """
    header = case.raw.partition(b"\r\n\r\n")[0]
    return case.c.startswith("simple") and re.search(rb"(?m)^[!-9;-~]+:(?! [^ \t\r])", header) is not None


def test_opendkim_verifies_what_we_sign(tmp_path: Path) -> None:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
    if (program := shutil.which("opendkim", path=path)) is None:
        pytest.skip("opendkim is not installed; on Debian: apt-get install --no-install-recommends opendkim")
    cases = [case for case in signed_cases() if not has_odd_space(case)]
    assert len(cases) > CASES
    keys, paths = written(tmp_path, cases)
    config = tmp_path / "opendkim.conf"
    config.write_text(f"Mode v\nTestPublicKeys {keys}\n")
    for case, message in zip(cases, paths, strict=True):
        command = [program, "-x", str(config), "-v", "-t", str(message)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
        said = done.stdout + done.stderr
        assert (") succeeded" in said) is case.intact, (case, said)
        assert ("failed: signature verification failed" in said) is not case.intact, (case, said)


# --- Mail::DKIM, and ARC -------------------------------------------------------------------------------------------


def mail_dkim(folder: Path, cases: list[Case]) -> list[tuple[str, str]]:
    """Return what Mail::DKIM says of DKIM and of ARC, for each case."""
    perl = shutil.which("perl")
    if perl is None or subprocess.run([perl, "-MMail::DKIM", "-e1"], capture_output=True, check=False).returncode:
        pytest.skip("Mail::DKIM is not installed; on Debian: apt-get install libmail-dkim-perl")
    keys, paths = written(folder, cases)
    script = Path(__file__).with_name("mail_dkim.pl")
    done = subprocess.run(
        [perl, str(script), str(keys), *map(str, paths)], capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    found = [tuple(line.split()) for line in done.stdout.splitlines()]
    assert len(found) == len(cases)
    return [(ours, theirs) for ours, theirs in found]


def test_mail_dkim_verifies_what_we_sign(tmp_path: Path) -> None:
    # It verifies Ed25519 only with CryptX, and in later versions
    cases = [case for case in signed_cases() if case.signer is RSA]
    for case, (result, _) in zip(cases, mail_dkim(tmp_path, cases), strict=True):
        assert (result == "pass") is case.intact, (case, result)


def test_mail_dkim_validates_what_we_seal(tmp_path: Path) -> None:
    cases = [*sealed_cases()]
    for case, (_, result) in zip(cases, mail_dkim(tmp_path, cases), strict=True):
        assert (result == "pass") is case.intact, (case, result)


def test_dkimpy_validates_what_we_seal() -> None:
    with clock(NOW):
        for case in sealed_cases():
            cv, _, reason = dkimpy.arc_verify(case.raw, dnsfunc=txt)
            assert (cv == dkimpy.CV_Pass) is case.intact, (case, reason)
