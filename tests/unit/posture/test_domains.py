"""Our own domains in testdata, from safe to unsafe: what is found, counted and shown; arguments; hostile zones."""

from __future__ import annotations

import asyncio
import json
import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.page import EVIL, FORBIDDEN, read
from support.signing import MAIL, signature

from mailauth import Answer, Context, Limits, Message, Question, Status, UsageError, aio, run, spf
from mailauth.connection import Connection
from mailauth.dns.fetch import run_fetching
from mailauth.posture import LETTERS, POINTS, Posture, examine, learn
from mailauth.posture.html import as_html
from mailauth.posture.text import as_text, row
from mailauth.testing import Faults, Zone

DOMAINS = Path(__file__).resolve().parents[3] / "testdata" / "domains"
CASES: list[dict[str, Any]] = json.loads((DOMAINS / "cases.json").read_text())
each_domain = pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
MOST = 500  # questions


def posture(name: str, **arguments: Any) -> Posture:
    found: Posture = run(examine(f"{name}.example", **arguments), Zone.load(DOMAINS / f"{name}.json"))
    return found


@each_domain
def test_what_is_found_about_our_domains(case: dict[str, Any]) -> None:
    found = posture(case["name"])
    assert sorted({str(finding.code) for finding in found.findings}) == case["codes"]
    assert (found.rating.letter, found.rating.points, found.sends) == (case["letter"], case["points"], case["sends"])
    assert (found.spf.lookups, found.spf.voids) == (case["lookups"], case["voids"])
    assert (found.spf.senders.ip4, found.spf.senders.ip6) == (case["ip4"], case["ip6"])
    assert found.unchecked == ()


@each_domain
def test_what_pages_add(case: dict[str, Any]) -> None:
    zone = Zone.load(DOMAINS / f"{case['name']}.json")
    found = run_fetching(examine(case["domain"], pages=True), zone, zone)
    assert sorted({str(each.code) for each in found.findings}) == sorted(case["codes"] + case["page_codes"])
    assert (found.fetched, found.unchecked) == (True, ())
    assert json.dumps(found.to_dict())


@each_domain
def test_the_same_in_one_zone_and_with_coroutines(case: dict[str, Any]) -> None:
    zone = Zone.load(DOMAINS / "all.json")
    assert asyncio.run(aio.run(examine(case["domain"]), zone)) == posture(case["name"])


def test_the_files_are_as_the_script_makes_them(tmp_path: Path) -> None:
    subprocess.run([sys.executable, DOMAINS / "make.py", tmp_path], check=True)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in DOMAINS.glob("*.json")}


@each_domain
def test_a_posture_is_a_value(case: dict[str, Any]) -> None:
    found = posture(case["name"])
    assert pickle.loads(pickle.dumps(found)) == found
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(found)
    data = json.loads(json.dumps(found.to_dict()))
    assert (data["schema"], data["domain"]) == (1, case["domain"])
    assert [finding["code"] for finding in data["findings"]] == [str(finding.code) for finding in found.findings]
    assert "mechanisms" not in data["spf"]["records"][0]


@each_domain
def test_the_points_are_what_the_findings_take_away(case: dict[str, Any]) -> None:
    found = posture(case["name"])
    taken = {finding.code: POINTS[finding.severity] for finding in found.findings}
    assert found.rating.points == max(0, 100 - sum(taken.values()))
    assert (
        found.rating.letter
        == max((least, letter) for letter, least in LETTERS.items() if found.rating.points >= least)[1]
    )
    assert found.rating.arithmetic.startswith("100")
    order = [*POINTS]
    assert [*found.findings] == sorted(found.findings, key=lambda finding: order.index(finding.severity))


@each_domain
def test_the_text_and_the_page_say_all(case: dict[str, Any]) -> None:
    found = posture(case["name"])
    text, page = as_text(found), read(as_html([found]))
    for finding in found.findings:
        for words in (finding.threat, finding.detail, finding.remedy, *(fix.line for fix in finding.fix)):
            assert words in text
            assert words in page.texts["body"][0]
        assert finding.code in page.texts["body"][0]
    assert found.rating.arithmetic in text
    assert found.rating.letter in page.texts["title"][0]


def test_the_page_of_several_domains() -> None:
    found = [posture(case["name"]) for case in CASES]
    page = read(as_html(found))
    body = page.texts["body"][0]
    assert page.tags.count("details") >= len(found)
    assert page.texts["h1"] == ["5 domains"]
    assert "2 A, 1 D, 2 F" in body
    assert all(cell in body for each in found for cell in row(each))


def test_records_to_publish_are_lines_of_a_master_file(tmp_path: Path) -> None:
    found = posture("bare")
    lines = [fix.line for finding in found.findings for fix in finding.fix]
    zone = tmp_path / "fixed.zone"
    zone.write_text(
        "$ORIGIN .\n$TTL 300\n@ IN SOA ns. h. 1 2 3 4 5\nbare.example. IN A 192.0.2.82\n" + "\n".join(lines) + "\n"
    )
    fixed = run(examine("bare.example"), Zone.load(zone))
    assert (fixed.rating.letter, fixed.findings) == ("A", ())


# --- arguments


@pytest.mark.parametrize(
    "domain", ["", "a..b", "-a.example", "a b.example", "x" * 64 + ".example", "\0", "a@b.example"]
)
def test_what_is_not_a_domain(domain: str) -> None:
    with pytest.raises(UsageError, match="give a domain name"):
        examine(domain)


def test_other_arguments() -> None:
    with pytest.raises(TypeError, match="give a domain name"):
        examine(b"example.com")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"such as \['s1'\]"):
        examine("example.com", selectors="s1")
    with pytest.raises(UsageError, match="is not a DKIM selector"):
        examine("example.com", selectors=["a b"])
    with pytest.raises(UsageError, match="at most 40"):
        examine("example.com", selectors=map(str, range(41)))
    with pytest.raises(TypeError, match="Context"):
        examine("example.com", context=Limits())  # type: ignore[call-overload]
    # RFC 8616 §3: U-labels are asked as A-labels
    assert run(examine("B\u00fccher.example"), Zone({})).domain == "xn--bcher-kva.example"


def test_whether_it_sends_may_be_said() -> None:
    # RFC 7208 §10.1.2
    said = posture("good", sends=False)
    assert (said.sends, said.sends_stated) == (False, True)
    assert {"spf_not_parked"} <= {str(finding.code) for finding in said.findings}
    assert "as you said" in as_text(said)


def test_limits_of_keys_are_those_of_mail() -> None:
    found = posture("good", context=Context(limits=Limits(min_key_bits=3072)))
    assert {str(finding.code) for finding in found.findings} == {"dkim_short_key"}


# --- selectors that mail shows


def test_selectors_are_learnt_from_signatures() -> None:
    def mail(selector: str, domain: str = "example.com") -> bytes:
        return signature(MAIL, tags={"s": selector, "d": domain}) + MAIL

    messages: list[Any] = [
        mail("a"),
        mail("b"),
        mail("b"),
        mail("c", "example.net"),
        b"",
        b"\xff" * 9,
        Message.parse(mail("B")),
    ]
    assert learn(messages, ["example.com", "other.example"]) == {"example.com": ("b", "a"), "other.example": ()}


def test_learning_is_bounded() -> None:
    many = b"".join(b"DKIM-Signature: d=example.com; s=s%d\r\n" % n for n in range(2000))
    assert len(learn([many + b"\r\n"], ["example.com"])["example.com"]) == 40


# --- trouble with DNS is not held against the domain


@pytest.mark.parametrize("fault", ["TIMEOUT", "SERVFAIL"])
@pytest.mark.parametrize("name", ["good.example", "_dmarc.good.example", "_spf.good.example", "mx.good.example",
                                  "s1._domainkey.good.example", "_mta-sts.good.example",
                                  "_smtp._tls.good.example", "default._bimi.good.example"] )  # fmt: skip
def test_what_cannot_be_checked_is_no_finding(name: str, fault: str) -> None:
    found = run(examine("good.example"), Faults(Zone.load(DOMAINS / "good.json"), {name: fault}))
    assert found.findings == ()
    assert any(name in why for why in found.unchecked)
    assert (found.rating.letter, found.rating.points) == ("?", 100)
    assert "could not be checked" in as_text(found)
    assert "Could not be checked" in as_html([found])


def test_a_resolver_that_answers_nothing() -> None:
    found = run(examine("good.example"), lambda *_: None)
    assert found.findings == ()
    assert found.rating.letter == "?"


# --- hostile zones


class Counting:
    """Counts what it is asked."""

    def __init__(self, zone: Any) -> None:
        self.zone, self.questions = zone, 0

    def resolve(self, questions: tuple[Question, ...]) -> Any:
        self.questions += len(questions)
        return self.zone.resolve(questions)


def includes(count: int, *, each: int = 1) -> dict[str, Any]:
    """A chain of records, each of which includes the next several times."""
    return {f"n{n}.example": {"TXT": ["v=spf1 " + f"include:n{n + 1}.example " * each + "-all"]} for n in range(count)}


ODD = EVIL.replace("\ud800", "")  # which no zone file can have
HOSTILE: dict[str, dict[str, Any]] = {
    "a thousand includes": {
        "n0.example": {"TXT": [["v=spf1 ", *(f"include:i{n}.example " for n in range(800)), "-all"]]}
    },
    "a long chain": includes(1000),
    "a chain that doubles": includes(100, each=2),
    "itself": {"n0.example": {"TXT": ["v=spf1 " + "include:n0.example " * 200 + "-all"]}},
    "a circle": {
        f"n{n}.example": {"TXT": [f"v=spf1 include:n{(n + 1) % 50}.example include:n{(n * 7) % 50}.example -all"]}
        for n in range(50)
    },
    "a huge record": {"n0.example": {"TXT": [["v=spf1 "] + ["a:x.example "] * 4000 + ["-all"]]}},
    "many records": {
        "n0.example": {"TXT": ["v=spf1 -all"] * 500 + ["v=spf1\t"] * 500},
        "_dmarc.n0.example": {"TXT": ["v=DMARC1; p=none"] * 500},
    },
    "many exchanges": {
        "n0.example": {"TXT": ["v=spf1 mx -all"], "MX": [[n, f"m{n}.free.example"] for n in range(1000)]}
    },
    "many terms of one name": {"n0.example": {"TXT": [["v=spf1 ", *(f"a:gone.free.example/{n} " for n in range(33)),
                                                       *(f"mx:gone.free.example//{n} " for n in range(129)), "-all"]]}},
    "many addresses for reports": {
        "_dmarc.n0.example": {
            "TXT": [["v=DMARC1; p=none; rua=", *(f"mailto:a@r{n}.example," for n in range(500))]]
        },
        "n0.example": {"TXT": ["v=spf1 -all"]},
    },
    "names with escapes": {
        "n0.example": {
            "TXT": ["v=spf1 include:\\000.x.example a:%{d}.example exists:\\.\\..example mx -all", ODD],
            "MX": [[1, "a\x00b.free.example"], [2, "\x1b[31m.example"], [4, "x\\.y.free.example"]],
        },
        "_dmarc.n0.example": {"TXT": [f"v=DMARC1; p=none; {ODD}", ODD]},
        "s1._domainkey.n0.example": {"TXT": [f"v=DKIM1; p={ODD}"]},
    },
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_zones(name: str) -> None:
    resolver = Counting(Zone(HOSTILE[name]))
    began = time.process_time()
    found = run(examine("n0.example"), resolver)
    text, page = as_text(found), as_html([found, found])
    data = json.dumps(found.to_dict())
    assert time.process_time() - began < 3
    assert resolver.questions <= MOST
    assert max(map(len, (text, page, data))) < 3_000_000
    assert FORBIDDEN.search(text) is None
    read(page)
    assert all(
        finding.detail.isprintable() and all(each.isascii() for each in finding.evidence) for finding in found.findings
    )


def test_answers_that_no_zone_gives() -> None:
    def resolver(name: str, rdtype: str) -> Answer:
        if rdtype == "MX":
            return Answer(Status.OK, ((1, "\x00\ud800"), (0, ""), (2, "." * 300)), cnames=("\x1b[31m", "x" * 300))
        if rdtype == "TXT":
            return Answer(Status.OK, (b"\xff\x00", b"", b"v=spf1 " + b"\xff" * 9))
        return Answer(Status.NXDOMAIN, cnames=("a..b", "\x1b]0;x\x07"))

    found = run(examine("n0.example"), resolver)
    read(as_html([found]))
    assert FORBIDDEN.search(as_text(found)) is None
    json.dumps(found.to_dict()).encode()


def test_the_counts_are_those_of_a_check_of_mail() -> None:
    # RFC 7208 §4.6.4: no term matches this client, so all of them are evaluated
    for case in CASES:
        found = posture(case["name"])
        connection = Connection(ip="240.0.0.1", mail_from=f"a@{case['domain']}")
        outcome = run(spf.check(connection), Zone.load(DOMAINS / f"{case['name']}.json"))
        if found.spf.own.problem:
            continue
        if outcome.result == "permerror":
            # Two limits are exceeded: by more than 10 terms, and by more than 2 names without records
            assert outcome.reason in {"limit:spf_terms", "limit:spf_void"}
            assert min(found.spf.lookups - 10, found.spf.strict_voids - 2) > 0
        else:
            assert outcome.lookups == found.spf.lookups
