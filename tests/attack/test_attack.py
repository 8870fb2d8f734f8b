"""Every attack of the corpus: no outcome is unsafe, nearly all are the recommended one, and the invariants hold."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import authres
import pytest

from attack import corpus
from attack.__main__ import figures, write
from attack.case import ATTACKER, RECEIVER, Case
from mailauth import Authentication, Connection, Limits, Message, Options, authenticate
from mailauth.authres import parse
from mailauth.testing import Faults, Zone

# Entries of the catalogue that have no case, and why
WITHOUT_CASE: dict[str, str] = {}
CASES = corpus.cases()
BY_ID = {case.id: case for case in CASES}
# The property that names the identity of a result
IDENTITY = {
    "dkim": ("header.d",),
    "dmarc": ("header.from",),
    "spf": ("smtp.mailfrom", "smtp.helo"),
    "iprev": ("policy.iprev",),
    "arc": (),
}
each_case = pytest.mark.parametrize("identity", BY_ID)


@cache
def found(identity: str) -> Authentication:
    return corpus.found(BY_ID[identity])


# --- verdicts --------------------------------------------------------------------------------------------------------


@each_case
def test_verdict(identity: str) -> None:
    case, auth = BY_ID[identity], found(identity)
    words = {place: corpus.word(auth, place) for place in case.safe}
    assert not {place: word for place, word in words.items() if word not in case.safe[place]}, case.why
    assert case.forged is None or auth.forged == case.forged, case.why
    assert len(auth.dns) <= (100 if case.questions is None else case.questions)


@each_case
def test_the_asynchronous_front_says_the_same(identity: str) -> None:
    assert corpus.found_async(BY_ID[identity]) == found(identity)


def test_nearly_all_are_recommended() -> None:
    pairs = [(case, place) for case in CASES for place in case.recommended]
    right = [corpus.word(found(case.id), place) == case.recommended[place] for case, place in pairs]
    assert sum(right) >= 0.98 * len(pairs)


# --- invariants ------------------------------------------------------------------------------------------------------


class Claim(NamedTuple):
    """What a reader of a field takes from it."""

    method: str
    result: str
    identity: str | None


def claims(case: Case, auth: Authentication) -> Counter[Claim]:
    """Return what the field may say, from the outcomes."""
    connection = auth.connection
    spf = auth.spf if connection.mail_from is not None or auth.helo_spf is None else auth.helo_spf
    rows: list[tuple[str, str, str | None]] = [("dkim", d.result, d.domain) for d in auth.dkim]
    if not rows and "dkim" in (case.options or Options()).checks:
        rows = [("dkim", "none", None)]
    if spf is not None:
        rows.append(("spf", spf.result, spf.domain))
    if auth.arc is not None:
        rows.append(("arc", auth.arc.result, None))
    if auth.dmarc is not None:
        rows.append(("dmarc", auth.dmarc.result, auth.dmarc.author_domain))
    if auth.iprev is not None:
        rows.append(("iprev", auth.iprev.result, str(connection.ip)))
    return Counter(Claim(method, str(result), identity) for method, result, identity in rows)


def ours(field: str) -> Counter[Claim]:
    read = parse(field)
    assert read.authserv_id == RECEIVER
    assert not read.problems
    return Counter(
        Claim(r.method, r.result, next((v for name in IDENTITY[r.method] if (v := r.get(name))), None))
        for r in read.results
    )


def theirs(field: str) -> Counter[Claim]:
    read = authres.all_features().parse(field)
    assert read.authserv_id == RECEIVER
    return Counter(
        Claim(
            r.method,
            r.result,
            next((str(p.value) for p in r.properties if f"{p.type}.{p.name}" in IDENTITY[r.method]), None),
        )
        for r in read.results
        if r.method != "none"
    )


@each_case
def test_a_field_says_what_was_found_and_no_more(identity: str) -> None:
    case, auth = BY_ID[identity], found(identity)
    field, said = auth.headers[0], claims(case, auth)
    assert ours(field) <= said
    if case.limits is None and len(field) < 8000:
        assert ours(field) == said
    if field.isascii():
        # That reader loses a quoted value here and there, but invents none
        said += Counter(Claim(c.method, c.result, None) for c in said.elements() if c.identity)
        assert theirs(field) <= said
    utf8 = Message.parse(case.raw).utf8
    for header in auth.headers:
        octets = header.encode()
        assert max(map(len, octets.split(b"\r\n"))) <= 998
        assert len(octets) <= 16 * 1024
        # RFC 5322 §3.2.2: a fold is CRLF before white space, and a line has more than white space
        flat = re.sub(rb"\r\n\t(?=[^ \t\r\n])", b"", octets)
        assert not re.search(rb"[\x00-\x1f\x7f]", flat)
        assert utf8 or octets.isascii()
        assert not re.search("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", header)


@each_case
def test_the_outcome_is_sound_and_can_be_told(identity: str) -> None:
    case, auth = BY_ID[identity], found(identity)
    # RFC 9989 §5.3: one author, and an aligned pass
    assert (auth.dmarc is None) is ("dmarc" not in (case.options or Options()).checks)
    if auth.dmarc is not None and auth.dmarc.result == "pass":
        passed = {"dkim": "pass" in [d.result for d in auth.dkim], "spf": corpus.word(auth, "spf") == "pass"}
        assert auth.dmarc.author_domain
        assert auth.dmarc.aligned
        assert all(passed[mechanism] for mechanism in auth.dmarc.aligned)
    assert json.loads(json.dumps(auth.to_dict()))["schema"] == 1
    for story in auth.explain(), auth.explain(case.raw):
        # It is shown on a terminal
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", story)


@each_case
def test_apply_removes_the_forged_fields_and_nothing_else(identity: str) -> None:
    case, auth = BY_ID[identity], found(identity)
    line_end = b"\n" if auth.normalised else b"\r\n"
    on_top = b"".join(h.encode().replace(b"\r\n", line_end) + line_end for h in auth.headers)
    rest = case.raw
    if auth.forged:
        # Each field with its line end, then the rest of the message
        pieces = re.split(rb"(?<=\n)(?![ \t])" if auth.normalised else rb"(?<=\r\n)(?![ \t])", rest)
        rest = b"".join(piece for n, piece in enumerate(pieces) if n not in auth.forged)
    # RFC 4155 §A: nothing is above the line with which a message of an mbox begins
    first = re.match(rb"(?:From \S+@\S+ \w+ \w+ +\d+ \d+:\d+:\d+ \d+\r\n)?", rest)
    assert first
    assert auth.apply(case.raw) == first[0] + on_top + rest[first.end() :]


# --- the corpus itself -----------------------------------------------------------------------------------------------


def test_identities_are_unique() -> None:
    assert [i for i, n in Counter(case.id.lower() for case in CASES).items() if n > 1] == []
    assert [i for i in BY_ID if not re.fullmatch(r"[A-H][0-9]*\.[\w.-]+", i)] == []


def test_few_cases_are_the_same_to_the_library() -> None:
    """Some differ in what the attacker does only: a zone identifier, say, is gone before the library sees it."""

    def key(case: Case) -> tuple[object, ...]:
        return (case.raw, case.connection, repr(case.zone), repr(case.faults), case.limits, case.options, case.now)

    assert len(set(map(key, CASES))) > 0.98 * len(CASES)


def test_a_recommended_word_is_a_safe_one() -> None:
    for case in CASES:
        assert case.safe.keys() == case.recommended.keys() != set(), case.id
        assert not [p for p, word in case.recommended.items() if word not in case.safe[p]], case.id
        assert case.why, case.id


def test_the_corpus_is_large() -> None:
    for name in corpus.SECTIONS:
        assert len(corpus.sections()[name]) >= 80
    assert len(CASES) >= 400


@pytest.mark.parametrize("section", corpus.SECTIONS)
def test_every_entry_of_the_catalogue_has_a_case(section: str) -> None:
    covered = {case.id.partition(".")[0] for case in CASES}
    entries = set(corpus.SECTIONS[section])
    assert entries - covered == entries & WITHOUT_CASE.keys()


@pytest.mark.parametrize("section", corpus.sections())
def test_genuine_messages_pass_so_every_section_can_fail(section: str) -> None:
    assert [case for case in corpus.sections()[section] if "pass" in case.recommended.values()]


def test_the_attacker_is_armed() -> None:
    """Where a spoofed author is to be found out, the attacker's own domain really passes."""
    for case in corpus.sections()["author"]:
        auth = found(case.id)
        assert auth.spf is not None
        signed = [d.domain for d in auth.dkim if d.result == "pass"]
        assert auth.spf.result == "pass" or signed, case.id
        if b"d=" + ATTACKER.encode() in case.raw and case.id.partition(".")[0] in ("A4", "A5", "A6", "A7", "A8", "A9"):
            assert signed == [ATTACKER], case.id


def test_the_corpus_is_written_the_same_each_time(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    for out in first, second:
        write(out)
    files = sorted(p.relative_to(first) for p in first.rglob("*") if p.is_file())
    assert len(files) == 2 * len(CASES) + 1
    for file in files:
        assert (first / file).read_bytes() == (second / file).read_bytes()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(SystemExit, match="is not empty"):
        write(tmp_path)
    assert (tmp_path / "letter.txt").read_text() == "mine"


def test_the_files_are_enough_to_run_the_corpus(tmp_path: Path) -> None:
    write(tmp_path)
    index = json.loads((tmp_path / "cases.json").read_text())
    for entry in index["cases"]:
        faults = {(rest[0], rest[1]) if len(rest) == 2 else rest[0]: word for *rest, word in entry["faults"]}
        auth = authenticate(
            (tmp_path / entry["message"]).read_bytes(),
            Connection(**entry["connection"]),
            Faults(Zone.load(tmp_path / entry["zone"]), faults),
            index["authserv_id"],
            entry["now"],
            Limits(**entry["limits"]),
            Options(**entry["options"]),
        )
        assert {place: corpus.word(auth, place) for place in entry["safe"]} == {
            place: corpus.word(found(entry["id"]), place) for place in entry["recommended"]
        }


def test_the_figures() -> None:
    text, safe = figures()
    assert safe
    assert text.startswith(f"{len(CASES)} cases, all safe, ")
