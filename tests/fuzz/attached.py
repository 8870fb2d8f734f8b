"""The target for attachments: a message, or a file of any format as the only attachment of one."""

from __future__ import annotations

from support.attached import examined

from mailauth.attachments import Bounds

BOUNDS = Bounds(inflated=2**22)
FILE = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n"
ATTACHED_TOKENS = (
    b"\0", b"\1", b"\xff\xff", b"\r\n", b"\n\n", b"--b", b"--b--", b"Content-Type: ",
    b"multipart/mixed; boundary=b\r\n", b"message/rfc822", b"Content-Transfer-Encoding: base64\r\n\r\n",
    b"quoted-printable", b"; name*0*=utf-8''a", b'filename="a.zip"', b"begin 644 a\n",
    b"-----BEGIN PGP MESSAGE-----\n\n", b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07",
    b"PK\x06\x08", b"\x01\x99", b"META-INF/manifest.xml", b"7z\xbc\xaf\x27\x1c\x00\x04", b"\x06\xf1\x07\x01",
    b"\x03\x01\x01\x05\x5d", b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01\x00", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"E\0n\0c\0r\0y\0p\0t\0e\0d\0", b"%PDF-1.7\n1 0 obj", b"trailer <<", b"/Encrypt ", b"/XRef", b"stream",
    b"startxref", b"\x1f\x8b\x08", b"BZh91AY&SY", b"\xfd7zXZ\x00", b"ustar", b"MZ",
    b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80\x30\x80\x02\x01\x01", b"\x24\x80\x04\x01",
    b"\x85\x01", b"\xc3\x0d\x04\x09\x08", b"\xd2\x08\x01", b"\x78\x9f\x3e\x22",
)  # fmt: skip


def attached(data: bytes) -> None:
    """Findings: kinds that are known, text that is harmless, and the same each time."""
    examined(data[1:] if data[:1] == b"\1" else FILE + data[1:], BOUNDS)
