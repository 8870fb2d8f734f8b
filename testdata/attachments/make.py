"""Make small archives, documents and messages with real tools, encrypted and plain.

    python testdata/attachments/make.py

writes the files beside this one anew. They differ each time, because encryption takes random numbers. Needs zip and
zipcloak, 7z, qpdf, gpg, openssl, LibreOffice with its Python bridge (Debian: libreoffice-writer-nogui,
libreoffice-calc-nogui, python3-uno), and msoffcrypto-tool in the Python that runs this. RAR has no free writer: those
files are composed here, by the published notes on the formats. `cases.json` says what each file is: that follows from
the command that made it, not from running this library.
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
import tempfile
import time
import zlib
from base64 import encodebytes
from pathlib import Path

HERE = Path(__file__).resolve().parent
PASSWORD = "secret"
TEXT = b"Invoice 17: 12.50 euro\r\n"
CASES: dict[str, list[list[str]]] = {}
ENCRYPTED, SIGNED, UNREAD, DISGUISED = "encrypted", "signed", "unread", "disguised"


def run(*command: str, folder: Path, stdin: bytes = b"") -> bytes:
    """Run a command; return what it prints."""
    return subprocess.run(command, cwd=folder, input=stdin, check=True, capture_output=True).stdout


def keep(path: Path, *expected: list[str], name: str = "") -> None:
    """Keep a file, with what it is: kind and format of each finding."""
    name = name or path.name
    (HERE / name).write_bytes(path.read_bytes())
    CASES[name] = list(expected)


def typed(command: list[str], folder: Path, answers: list[bytes]) -> None:
    """Run a command that reads a password from its terminal."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execvp(command[0], command)
    for answer in answers:
        while not os.read(terminal, 1024).rstrip().endswith(b":"):
            pass
        os.write(terminal, answer + b"\n")
    with contextlib.suppress(OSError):
        while os.read(terminal, 1024):
            pass
    os.waitpid(process, 0)


def zips(folder: Path) -> None:
    """Make archives with zip, and 7z for AES; and such archives in tar."""
    zip_found = [ENCRYPTED, "zip"]
    run("zip", "-q", "zip-plain.zip", "invoice.txt", "note.txt", folder=folder)
    keep(folder / "zip-plain.zip")
    run("zip", "-q", "-P", PASSWORD, "zip-crypto.zip", "invoice.txt", "note.txt", folder=folder)
    keep(folder / "zip-crypto.zip", zip_found)
    run("zip", "-q", "zip-cloak.zip", "invoice.txt", folder=folder)
    typed(["zipcloak", "zip-cloak.zip"], folder, [PASSWORD.encode()] * 2)
    keep(folder / "zip-cloak.zip", zip_found)
    run("7z", "a", "-tzip", "-mem=AES256", f"-p{PASSWORD}", "zip-aes.zip", "invoice.txt", folder=folder)
    keep(folder / "zip-aes.zip", zip_found)
    run("zip", "-q", "zip-mixed.zip", "note.txt", folder=folder)
    run("zip", "-q", "-P", PASSWORD, "zip-mixed.zip", "invoice.txt", folder=folder)
    keep(folder / "zip-mixed.zip", zip_found)
    run("zip", "-q", "-fz", "zip64-plain.zip", "invoice.txt", folder=folder)
    keep(folder / "zip64-plain.zip")
    run("zip", "-q", "-fz", "-P", PASSWORD, "zip64-crypto.zip", "invoice.txt", folder=folder)
    keep(folder / "zip64-crypto.zip", zip_found)
    # To a pipe: the sizes follow the content
    (folder / "zip-piped.zip").write_bytes(run("sh", "-c", "zip -q - invoice.txt | cat", folder=folder))
    keep(folder / "zip-piped.zip")
    run("zip", "-q", "zip-nested.zip", "note.txt", "zip-crypto.zip", folder=folder)
    keep(folder / "zip-nested.zip", zip_found)
    run("zip", "-q", "zip-bzip2.zip", "-Z", "bzip2", "-n", ":", "lines.txt", folder=folder)
    keep(folder / "zip-bzip2.zip", [UNREAD, "zip"])
    # As self-extractors are: a program, then the archive, with offsets from the beginning of the file
    (folder / "zip-exe.exe").write_bytes(b"MZ" + bytes(500) + (folder / "zip-crypto.zip").read_bytes())
    run("sh", "-c", "zip -qA zip-exe.exe || true", folder=folder)
    keep(folder / "zip-exe.exe", zip_found, [DISGUISED, "zip"])
    for kind, flag in (("gz", "z"), ("bz2", "j"), ("xz", "J")):
        run("tar", f"c{flag}f", f"tar-plain.tar.{kind}", "invoice.txt", "zip-plain.zip", folder=folder)
        keep(folder / f"tar-plain.tar.{kind}")
        run("tar", f"c{flag}f", f"tar-nested.tar.{kind}", "invoice.txt", "zip-crypto.zip", folder=folder)
        keep(folder / f"tar-nested.tar.{kind}", zip_found)


def sevenzips(folder: Path) -> None:
    """Make archives with 7z."""
    for name, options, encrypted in (
        ("7z-plain.7z", [], False),
        ("7z-plain-many.7z", ["-m0=lzma2", "-ms=off"], False),
        ("7z-plain-open-header.7z", ["-mhc=off"], False),
        ("7z-aes.7z", [f"-p{PASSWORD}"], True),
        ("7z-aes-open-header.7z", [f"-p{PASSWORD}", "-mhc=off"], True),
        ("7z-aes-header.7z", [f"-p{PASSWORD}", "-mhe=on"], True),
        ("7z-aes-copy.7z", [f"-p{PASSWORD}", "-m0=copy"], True),
    ):
        run("7z", "a", *options, name, "invoice.txt", "note.txt", "lines.txt", folder=folder)
        keep(folder / name, *([[ENCRYPTED, "7z"]] if encrypted else []))


def block4(kind: int, flags: int, rest: bytes, content: bytes = b"") -> bytes:
    """Return a block of RAR 4: CRC, type, flags, size of the header, the rest of the header, content."""
    body = bytes([kind]) + flags.to_bytes(2, "little") + (7 + len(rest)).to_bytes(2, "little") + rest
    return (zlib.crc32(body) & 0xFFFF).to_bytes(2, "little") + body + content


def file4(name: bytes, flags: int, content: bytes) -> bytes:
    """Return a file of RAR 4."""
    size = len(content).to_bytes(4, "little")
    # Packed and expanded size, system, CRC, time, version needed, method (stored), length of the name, attributes
    rest = size + size + b"\x03" + zlib.crc32(content).to_bytes(4, "little") + bytes(4) + b"\x1d\x30"
    rest += len(name).to_bytes(2, "little") + bytes(4) + name + (bytes(8) if flags & 0x400 else b"")
    return block4(0x74, 0x8000 | flags, rest, content)


def number5(value: int) -> bytes:
    """Return a number of RAR 5."""
    found = b""
    while value > 0x7F:
        found, value = found + bytes([value & 0x7F | 0x80]), value >> 7
    return found + bytes([value])


def header5(kind: int, rest: bytes, extra: bytes = b"", content: bytes = b"") -> bytes:
    """Return a header of RAR 5: CRC, size, type, flags, size of the extra area, size of the content, the rest."""
    flags = bool(extra) | bool(content) << 1
    body = number5(kind) + number5(flags) + (number5(len(extra)) if extra else b"")
    body += (number5(len(content)) if content else b"") + rest + extra
    sized = number5(len(body)) + body
    return zlib.crc32(sized).to_bytes(4, "little") + sized + content


def file5(name: bytes, content: bytes, extra: bytes = b"") -> bytes:
    """Return a file of RAR 5."""
    rest = number5(0) + number5(len(content)) + number5(0) + number5(0) + number5(1) + number5(len(name)) + name
    return header5(2, rest, extra, content)


def rars(folder: Path) -> None:
    """Compose archives of RAR."""
    start4, end4 = b"Rar!\x1a\x07\x00", block4(0x7B, 0x4000, b"")
    start5, end5 = b"Rar!\x1a\x07\x01\x00", header5(5, number5(0))
    main4, main5 = block4(0x73, 0, bytes(6)), header5(1, number5(0))
    # A record of encryption: version, flags, logarithm of the rounds, salt, initialisation vector
    record = number5(0) + number5(0) + b"\x0f" + bytes(16) + bytes(16)
    extra = number5(1 + len(record)) + number5(1) + record
    rar = [ENCRYPTED, "rar"]
    for name, octets, expected in (
        ("rar4-plain.rar", start4 + main4 + file4(b"invoice.txt", 0, TEXT) + end4, []),
        ("rar4-file.rar", start4 + main4 + file4(b"a.txt", 0, TEXT) + file4(b"b.txt", 0x404, bytes(32)) + end4, [rar]),
        ("rar4-headers.rar", start4 + block4(0x73, 0x80, bytes(6)) + bytes(8) + os.urandom(64), [rar]),
        ("rar5-plain.rar", start5 + main5 + file5(b"invoice.txt", TEXT) + end5, []),
        ("rar5-file.rar", start5 + main5 + file5(b"a", TEXT) + file5(b"b", bytes(32), extra) + end5, [rar]),
        (
            "rar5-headers.rar",
            start5 + header5(4, number5(0) + number5(0) + b"\x0f" + bytes(16)) + os.urandom(64),
            [rar],
        ),
    ):
        (folder / name).write_bytes(octets)
        keep(folder / name, *expected)


def pdfs(folder: Path) -> None:
    """Write a PDF, and rewrite it with qpdf."""
    page = b"BT /F1 24 Tf 72 700 Td (Invoice 17) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Font << /F1 5 0 R >> >>",
    ]
    octets, places = b"%PDF-1.4\n", []
    for i, each in enumerate(objects, 1):
        places.append(len(octets))
        octets += b"%d 0 obj\n%s\nendobj\n" % (i, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    octets += b"xref\n0 7\n0000000000 65535 f \n%strailer\n<< /Size 7 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        table, len(octets),
    )  # fmt: skip
    plain = folder / "pdf-plain.pdf"
    plain.write_bytes(octets)
    keep(plain)
    found = [ENCRYPTED, "pdf"]
    streams = "--object-streams=generate"
    for name, options, expected in (
        ("pdf-plain-streams.pdf", [streams], []),
        ("pdf-plain-linear.pdf", ["--linearize"], []),
        ("pdf-user.pdf", ["--encrypt", "user", "owner", "256", "--"], [found]),
        ("pdf-owner.pdf", ["--encrypt", "", "owner", "256", "--"], [found]),
        ("pdf-rc4.pdf", ["--allow-weak-crypto", "--encrypt", "user", "owner", "40", "--"], [found]),
        ("pdf-streams.pdf", [streams, "--encrypt", "user", "owner", "256", "--"], [found]),
        ("pdf-linear.pdf", ["--linearize", "--encrypt", "user", "owner", "128", "--use-aes=y", "--"], [found]),
    ):
        run("qpdf", *options, "pdf-plain.pdf", name, folder=folder)
        keep(folder / name, *expected)


def pgp(folder: Path) -> None:
    """Encrypt and sign with gpg."""
    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--yes", "--pinentry-mode", "loopback", "--passphrase", PASSWORD]
    run(*gpg, "--quick-gen-key", "Anna <anna@example.com>", "rsa2048", "cert,sign,encrypt", "never", folder=folder)
    run(*gpg, "--quick-gen-key", "Robin <robin@example.org>", "future-default", "default", "never", folder=folder)
    found, signed = [ENCRYPTED, "pgp"], [SIGNED, "pgp"]
    to = ["--trust-model", "always", "-r"]
    for name, options, expected in (
        ("pgp-password.gpg", ["-c"], [found]),
        ("pgp-password.asc", ["-ac"], [found]),
        ("pgp-rsa.gpg", [*to, "anna@example.com", "-e"], [found]),
        ("pgp-curve.gpg", [*to, "robin@example.org", "-e"], [found]),
        ("pgp-both.asc", [*to, "anna@example.com", "-u", "robin@example.org", "-ase"], [found]),
        ("pgp-signed.gpg", ["-u", "anna@example.com", "-s"], [signed]),
        ("pgp-signed.asc", ["-u", "anna@example.com", "-as"], [signed]),
        ("pgp-clear.asc", ["-u", "anna@example.com", "--clearsign"], [signed]),
        ("pgp-detached.sig", ["-u", "anna@example.com", "-b"], [signed]),
    ):
        run(*gpg, *options, "-o", name, "invoice.txt", folder=folder)
        keep(folder / name, *expected)
    run(*gpg, "--export", "-a", "-o", "pgp-key.asc", "anna@example.com", folder=folder)
    keep(folder / "pgp-key.asc")
    body = (folder / "pgp-both.asc").read_bytes()
    (folder / "pgp-mime.eml").write_bytes(
        b'From: anna@example.com\nMIME-Version: 1.0\nContent-Type: multipart/encrypted; boundary="b";\n'
        b' protocol="application/pgp-encrypted"\n\n--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n--b\n'
        b"Content-Type: application/octet-stream; name=encrypted.asc\n\n" + body + b"\n--b--\n"
    )
    keep(folder / "pgp-mime.eml", found)


def smime(folder: Path) -> None:
    """Encrypt and sign with openssl."""
    run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-keyout", "key.pem"),
        *(
            "-out",
            "cert.pem",
            "-subj",
            "/CN=Anna Example/O=Example",
            "-addext",
            "subjectAltName=email:anna@example.com",
        ),
        folder=folder,
    )
    sign = ["-signer", "cert.pem", "-inkey", "key.pem"]
    (folder / "mixed.eml").write_bytes(
        b'Content-Type: multipart/mixed; boundary="m"\n\n--m\n\nHello\n\n--m\nContent-Type: application/zip\n'
        b"Content-Disposition: attachment; filename=invoice.zip\nContent-Transfer-Encoding: base64\n\n"
        + encodebytes((folder / "zip-crypto.zip").read_bytes())
        + b"\n--m--\n"
    )
    found, signed = [ENCRYPTED, "smime"], [SIGNED, "smime"]
    for name, command, options, source, expected in (
        ("smime-encrypted.eml", "smime", ["-encrypt", "-aes256"], "invoice.txt", [found]),
        ("smime-gcm.eml", "cms", ["-encrypt", "-aes-128-gcm"], "invoice.txt", [found]),
        ("smime-clear.eml", "smime", ["-sign", *sign], "invoice.txt", [signed]),
        ("smime-opaque.eml", "smime", ["-sign", "-nodetach", *sign], "invoice.txt", [signed]),
        ("smime-opaque-zip.eml", "cms", ["-sign", "-nodetach", *sign], "mixed.eml", [signed, [ENCRYPTED, "zip"]]),
        ("smime-opaque-pieces.eml", "cms", ["-sign", "-nodetach", "-stream", *sign], "mixed.eml",
         [signed, [ENCRYPTED, "zip"]]),
    ):  # fmt: skip
        last = ["cert.pem"] if "-encrypt" in options else []
        run("openssl", command, *options, "-in", source, "-out", name, *last, folder=folder)
        keep(folder / name, *expected)
    encrypt = ("openssl", "smime", "-encrypt", "-aes256", "-outform", "DER")
    run(*encrypt, "-in", "invoice.txt", "-out", "smime.p7m", "cert.pem", folder=folder)
    keep(folder / "smime.p7m", found)


def office(folder: Path) -> None:
    """Write documents with LibreOffice. Runs in a Python that has its bridge."""
    import uno  # noqa: PLC0415  not in every Python
    from com.sun.star.beans import PropertyValue  # noqa: PLC0415

    def setting(name: str, value: object) -> PropertyValue:
        found = PropertyValue()
        found.Name, found.Value = name, value
        return found

    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    pipe = f"pipe,name=attachments{os.getpid()};urp;"
    server = subprocess.Popen(
        ["soffice", "--headless", "--norestore", f"-env:UserInstallation=file://{folder}/profile", f"--accept={pipe}"]
    )
    for _ in range(120):
        try:
            context = resolver.resolve(f"uno:{pipe}StarOffice.ComponentContext")
            break
        except Exception:  # noqa: BLE001  it has not started yet
            time.sleep(0.5)
    desktop = context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
    filters = {
        "swriter": {"doc": "MS Word 97", "docx": "MS Word 2007 XML", "odt": "writer8"},
        "scalc": {"xls": "MS Excel 97", "xlsx": "Calc MS Excel 2007 XML", "ods": "calc8"},
    }
    for program, formats in filters.items():
        document = desktop.loadComponentFromURL(f"private:factory/{program}", "_blank", 0, (setting("Hidden", True),))
        if program == "swriter":
            document.Text.setString("Invoice 17")
        for extension, name in formats.items():
            for kind, more in (("plain", []), ("encrypted", [setting("Password", PASSWORD)])):
                url = f"file://{folder}/office-{kind}.{extension}"
                document.storeToURL(url, (setting("FilterName", name), *more))
        document.close(True)
    desktop.terminate()
    server.wait(30)


def documents(folder: Path) -> None:
    """Make documents with LibreOffice, and encrypt some of them with msoffcrypto-tool."""
    subprocess.run(["/usr/bin/python3", __file__, "office", str(folder)], check=True)
    for extension, kind in (("docx", "ooxml"), ("xlsx", "ooxml")):
        # LibreOffice does not encrypt these without its dialog
        run(sys.executable, "-m", "msoffcrypto", "-e", "-p", PASSWORD, f"office-plain.{extension}",
            f"office-encrypted.{extension}", folder=folder)  # fmt: skip
        keep(folder / f"office-encrypted.{extension}", [ENCRYPTED, kind])
        keep(folder / f"office-plain.{extension}")
    for extension, kind in (("doc", "word"), ("xls", "excel"), ("odt", "odf"), ("ods", "odf")):
        keep(folder / f"office-encrypted.{extension}", [ENCRYPTED, kind])
        keep(folder / f"office-plain.{extension}")


def main() -> None:
    """Make everything."""
    if sys.argv[1:2] == ["office"]:
        office(Path(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "invoice.txt").write_bytes(TEXT)
        (folder / "note.txt").write_bytes(b"Thank you\r\n")
        (folder / "lines.txt").write_bytes(b"The quick brown fox jumps over the lazy dog.\r\n" * 40)
        for make in (zips, sevenzips, rars, pdfs, pgp, smime, documents):
            make(folder)
    (HERE / "cases.json").write_text(json.dumps(CASES, indent=1) + "\n")


if __name__ == "__main__":
    main()
