"""Reports as other software might write them: XML of any shape, archives and mail around them."""

from __future__ import annotations

import base64
import gzip
import io
import zipfile
from collections.abc import Iterable
from xml.sax.saxutils import escape

from mailauth.reports.values import Counted, Metadata

NAMESPACE = ' xmlns="urn:ietf:params:xml:ns:dmarc-2.0"'
METADATA = (
    "<report_metadata><org_name>Receiver</org_name><email>dmarc@receiver.example</email>"
    "<report_id>r1@receiver.example</report_id>"
    "<date_range><begin>1764201600</begin><end>1764288000</end></date_range></report_metadata>"
)
POLICY = "<policy_published><domain>example.com</domain><p>reject</p></policy_published>"
NAME = "receiver.example!example.com!1764201600!1764288000.xml"


def element(name: str, text: str | None) -> str:
    return "" if text is None else f"<{name}>{escape(text)}</{name}>"


def record(
    ip: str = "192.0.2.1", count: str = "1", *, evaluated: str | None = None, row: str = "",
    identifiers: str = "<header_from>example.com</header_from>", results: str = "", more: str = "",
) -> str:  # fmt: skip
    inner = "<disposition>none</disposition><dkim>pass</dkim><spf>fail</spf>" if evaluated is None else evaluated
    return (
        f"<record><row>{element('source_ip', ip)}{element('count', count)}"
        f"<policy_evaluated>{inner}</policy_evaluated>{row}</row><identifiers>{identifiers}</identifiers>"
        f"<auth_results>{results}</auth_results>{more}</record>"
    )


def feedback(*records: str, head: str = METADATA + POLICY, attributes: str = NAMESPACE, before: str = "") -> str:
    return f"{before}<feedback{attributes}><version>1.0</version>{head}{''.join(records)}</feedback>"


def aggregate(*records: str, **other: str) -> bytes:
    return feedback(*(records or (record(),)), **other).encode()


def written(metadata: Metadata, rows: Iterable[Counted]) -> bytes:
    """Return a report of values, by a writer that knows nothing of the reader."""
    given, policy = metadata.reporter, metadata.policy
    head = element("org_name", given.org_name) + element("email", given.email)
    head += element("extra_contact_info", given.extra_contact_info or None) + element("report_id", metadata.report_id)
    head += f"<date_range><begin>{metadata.period.begin}</begin><end>{metadata.period.end}</end></date_range>"
    head += "".join(element("error", error) for error in metadata.errors)
    head += element("generator", metadata.generator or None)
    tags = {**policy._asdict(), "discovery_method": policy.discovery}
    published = "".join(element(name, text or None) for name, text in tags.items() if name != "discovery")
    body = "".join(_record(each) for each in rows)
    start = f"<feedback{NAMESPACE}>{element('version', metadata.version or None)}"
    parts = f"<report_metadata>{head}</report_metadata><policy_published>{published}</policy_published>"
    return f'<?xml version="1.0"?>{start}{parts}{body}</feedback>'.encode()


def _record(counted: Counted) -> str:
    row = counted.row
    names = ("disposition", "dkim", "spf")
    evaluated = "".join(element(name, getattr(row, name)) for name in names)
    evaluated += "".join(
        f"<reason>{element('type', each.type)}{element('comment', each.comment or None)}</reason>"
        for each in row.overrides
    )
    identifiers = "".join(element(name, getattr(row, name)) for name in ("envelope_to", "envelope_from", "header_from"))
    results = ""
    for name, found in (("dkim", row.dkim_results), ("spf", row.spf_results)):
        for each in found:
            inner = "".join(element(key, text or None) for key, text in each._asdict().items())
            results += f"<{name}>{inner}</{name}>"
    return record(row.source_ip, str(counted.messages), evaluated=evaluated, identifiers=identifiers, results=results)


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def part(content: bytes, type_: str = "application/gzip", name: str = "", encoding: str = "base64") -> bytes:
    disposition = f'Content-Disposition: attachment; filename="{name}"\r\n'.encode() if name else b""
    body = base64.encodebytes(content).replace(b"\n", b"\r\n") if encoding == "base64" else content
    kind = f"Content-Type: {type_}\r\n".encode() if type_ else b""
    how = f"Content-Transfer-Encoding: {encoding}\r\n".encode() if encoding else b""
    return kind + how + disposition + b"\r\n" + body


def mail(*parts: bytes, subject: str = "", sender: str = "dmarc@receiver.example", kind: str = "mixed") -> bytes:
    head = f"From: {sender}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n".encode()
    delimiter = f"b{sum(map(len, parts))}"  # one that no message inside of this one has
    head += f'Content-Type: multipart/{kind}; boundary="{delimiter}"\r\n\r\n'.encode()
    line = f"--{delimiter}".encode()
    return head + b"".join(line + b"\r\n" + each + b"\r\n" for each in parts) + line + b"--\r\n"


def compressed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)
