"""What the mail and ZIP readers of the standard library open is found, however a message or an archive is mutilated."""

from __future__ import annotations

import base64
import contextlib
import email
import email.policy
import io
import random
import zipfile

from support.attached import SAMPLES, brief, mail

ZIP = (SAMPLES / "zip-crypto.zip").read_bytes()
MESSAGE = (
    b'From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nHello\n--b\n'
    b'Content-Type: multipart/mixed; boundary="c d"\n\n--c d\nContent-Type: application/octet-stream; name=a.zip\n'
    b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(ZIP) + b"--c d--\n--b--\n"
)  # fmt: skip
PIECES = [
    b"\n", b"\n\n", b"\r\n", b"\t", b" ", b";", b":", b"=", b'"', b"'", b"x", b"(x)", b"junk line\n", b"--b\n",
    b"--b--\n", b"--c d", b"boundary=z; ", b"boundary*0=b; ", b"Content-Type: text/plain\n",
    b"Content-Transfer-Encoding: 7bit\n",
]  # fmt: skip


def is_encrypted(octets: bytes) -> bool:
    with contextlib.suppress(Exception), zipfile.ZipFile(io.BytesIO(octets)) as archive:
        return any(file.flag_bits & 1 for file in archive.infolist())
    return False


def attached(raw: bytes) -> list[bytes]:
    found: list[bytes] = []
    for policy in (email.policy.compat32, email.policy.default):
        # It may fail: then it shows nothing
        with contextlib.suppress(Exception):
            for part in email.message_from_bytes(raw, policy=policy).walk():
                payload = None if part.is_multipart() else part.get_payload(decode=True)
                found += [payload] if isinstance(payload, bytes) else []
    return found


def test_what_a_mail_reader_sees() -> None:
    pick = random.Random(27)
    seen = 0
    for _ in range(250):
        raw = bytearray(MESSAGE)
        for _ in range(pick.randint(1, 5)):
            place = pick.randrange(len(raw))
            if pick.random() < 0.6:
                raw[place:place] = pick.choice(PIECES)
            else:
                del raw[place : place + pick.randint(1, 3)]
        if any(map(is_encrypted, attached(bytes(raw)))):
            seen += 1
            assert {"encrypted", "unread"} & {kind for kind, _, _ in brief(bytes(raw))}, bytes(raw)
    assert seen > 20


def test_what_a_zip_reader_sees() -> None:
    pick = random.Random(28)
    seen = 0
    for _ in range(1500):
        raw = bytearray(pick.choice([b"", b"\xff\xd8" + bytes(50), b"MZ" + bytes(90)]) + ZIP)
        for _ in range(pick.randint(1, 4)):
            how = pick.random()
            if how < 0.5:
                raw[-pick.randrange(1, 200)] = pick.choice([0, 1, 255, pick.randrange(256)])
            elif how < 0.7:
                raw += pick.choice([b"PK\5\6", b"PK\5\6" + bytes(18), bytes(30), b"PK\1\2"])
            else:
                raw[pick.randrange(len(raw))] = pick.randrange(256)
        if is_encrypted(bytes(raw)):
            seen += 1
            assert "encrypted" in {kind for kind, _, _ in brief(mail(bytes(raw)))}, bytes(raw)
    assert seen > 300
