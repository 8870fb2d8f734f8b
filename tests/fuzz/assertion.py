"""The target for BIMI of a message: two records, the value of BIMI-Selector and a page, with a NUL between them."""

from __future__ import annotations

from importlib import util

from support import marks

from mailauth import Context, Reason, Result, Status
from mailauth.bimi import check, fields
from mailauth.connection import Connection
from mailauth.dkim import DkimOutcome
from mailauth.dmarc import DmarcOutcome, Identifier
from mailauth.dns import Answer, Question
from mailauth.dns.fetch import Fetched, FetchStatus, Requests, run_fetching
from mailauth.message import Message

TOKENS = (
    b"v=BIMI1;", b"l=https://a.example/l.svg;", b"a=https://a.example/m.pem;", b"avp=personal;", b"lps=;", b"lps=an,b;",
    b"s=brand", b"l=;", b"a=;", b".png", b"%2F", b"?x#y", b"\0", b"\0<svg", b"\r\nBIMI-Indicator:", b"=", b",", b"\xff",
)  # fmt: skip
_EXTRA = util.find_spec("lxml") is not None
_CONTEXT = Context(now=marks.NOW)
_NAME = "example.com"
_VERDICT = DmarcOutcome(
    result=Result.PASS, reason=Reason.DMARC_ALIGNED, detail="", author_domain=_NAME, policy_domain=_NAME,
    organizational_domain=_NAME, policy="reject", published={"p": "reject"}, aligned=("dkim",),
    identifiers=(Identifier("dkim", _NAME, Result.PASS, aligned=True),),
)  # fmt: skip
_SIGNATURE = DkimOutcome(
    result=Result.PASS, reason=Reason.SIGNATURE_VERIFIED, detail="", domain=_NAME, index=0,
    signed_headers=("from", "bimi-selector"),
)  # fmt: skip


class _World:
    """The first record is at every selector but that of the local part, where the second is; one page is everywhere."""

    immediate = True

    def __init__(self, record: bytes, other: bytes, page: bytes) -> None:
        self._record, self._other, self._page = record, other, page
        self.asked = 0

    def resolve(self, questions: tuple[Question, ...]) -> tuple[Answer, ...]:
        return tuple(
            Answer(Status.OK, (self._other if question.name.startswith("anna.") else self._record,))
            for question in questions
        )

    def fetch(self, requests: Requests, _: float | None) -> tuple[Fetched, ...]:
        self.asked += len(requests)
        assert all(request.url[:8].lower() == "https://" for request in requests)
        code = FetchStatus.OK if self._page else FetchStatus.TLS
        return (Fetched(code, 200 if self._page else None, self._page),) * len(requests)


def assertion(data: bytes) -> None:
    """BIMI: an outcome, at most two pages, and header fields that hold nothing but what they are for."""
    if not _EXTRA:
        return
    record, other, selector, page = (*data.split(b"\0", 3), b"", b"", b"")[:4]
    field = b"BIMI-Selector: " + selector.replace(b"\r", b"").replace(b"\n", b"") + b"\r\n" if selector else b""
    message = Message.parse(b"From: anna@example.com\r\n" + field + b"\r\n")
    world = _World(record, other, page)
    found = run_fetching(
        check(message, _VERDICT, [_SIGNATURE], _CONTEXT, roots=[marks.root().certificate]), world, world
    )
    assert world.asked <= 2
    assert found.detail.isprintable()
    assert found.to_dict()["result"] == found.result
    assert len(found.rows(Connection())) == 1
    written = fields.write(found)
    assert bool(written) == (found.result == "pass")
    for header in written:
        first, *rest = header.split("\r\n")
        assert first.startswith("BIMI-")
        assert all(line.startswith("\t") and line.isascii() for line in rest)
        assert all(line[1:].isprintable() and len(line) <= 998 for line in rest)
