"""Where reports may go, and what is written: for any record, any answer and any text."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from support.strategies import texts

from mailauth import Answer, Status, run
from mailauth.reports import Counted, DkimResult, Metadata, Override, Period, Policy, Reporter, Row, SpfResult
from mailauth.reports.aggregate import write
from mailauth.reports.destinations import MAX_DESTINATIONS, check, parse

HOSTS = ["example.com", "a.example.com", "reports.example.net", "reports.example.net.", "B\u00fccher.example", "x" * 64]
PARTS = ["mailto:", "https://", "a", "%40", "%0d%0a", "@", "!", "10m", "9" * 20, ",", " ", "?to=b", "[", "]", *HOSTS]
uris = st.one_of(st.text(), st.lists(st.sampled_from(PARTS), max_size=12).map("".join))
records = st.builds(
    lambda version, rua: f"{version}rua={rua}".encode("utf-8", "surrogatepass"),
    st.sampled_from(["v=DMARC1;", "v=DMARC1; ", "", "v=DMARC1"]),
    uris,
)
answers = st.one_of(
    st.just(Answer(Status.NXDOMAIN)),
    st.just(Answer(Status.TIMEOUT)),
    st.just(Answer(Status.OK, (b"v=DMARC1; psd=n",))),
    st.lists(records, min_size=1, max_size=3).map(lambda found: Answer(Status.OK, tuple(found))),
)


@given(uris)
def test_what_is_sent_to_is_one_address(value: str) -> None:
    for each in parse(value):
        if each.address:
            local, _, domain = each.address.rpartition("@")
            assert domain == each.host
            assert local.isascii()
            assert not set(local) & set(' \t\r\n"(),:;<>@[\\]')


@given(st.lists(uris, max_size=15), st.data())
def test_no_answer_sends_a_report_to_somebody_who_did_not_agree(rua: list[str], data: Any) -> None:
    agreed: set[str] = set()

    def resolver(name: str, _: str) -> Answer:
        answer: Answer = data.draw(answers)
        if "._report._dmarc." in name and any(text.startswith(b"v=DMARC1") for text in answer.records):
            agreed.add(name.partition("._report._dmarc.")[2])
        return answer

    found = run(check("example.com", rua), resolver)
    assert len(found) <= MAX_DESTINATIONS
    for each in found:
        assert bool(each.recipients) == (each.state == "authorized")
        assert each.detail.isprintable()
        for recipient in each.recipients:
            assert recipient.host == each.destination.host
            assert each.external is False or recipient.host in agreed


@given(texts, texts, texts)
def test_any_text_can_be_written(one: str, two: str, three: str) -> None:
    metadata = Metadata(
        reporter=Reporter(org_name=one or "a", email=two or "b", extra_contact_info=three),
        report_id="a1b2",
        period=Period(0, 1),
        policy=Policy("example.com", fo=one),
        errors=(two,),
    )
    row = Row(
        "192.0.2.1", "none", "fail", "fail", "example.com", two, three, (Override("other", one),),
        (DkimResult(one, two, "fail", three),), (SpfResult(two, "none", human_result=three),),
    )  # fmt: skip
    file = BytesIO()
    write(metadata, [Counted(row, 1)], file)
    root = ET.fromstring(file.getvalue())
    comment = root.findtext(".//{*}comment") or ""
    assert len(comment) <= max(len(one), 1001)
    if one.isprintable():
        assert comment == (one if len(one) <= 1000 else f"{one[:1000]}…")
