"""Which conformance suites there are, where they are, and how their cases become our own types.

The suites are not part of this project: they carry their own licences. `MAILAUTH_SUITES` names the folder that
holds them; without it `../shared/suites` beside the repository is tried. Where a suite is absent its tests skip.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pytest

import mailauth
from mailauth import Answer, Authentication, Connection, Context, Limits, Options, Question, run, spf
from mailauth.dns import Use
from mailauth.resolvers import Zone

Case: TypeAlias = dict[str, Any]

FOLDER = Path(os.environ.get("MAILAUTH_SUITES") or Path(__file__).resolve().parents[3] / "shared" / "suites")
# The suites leave the time open where a signature does not expire
NOW = datetime(2026, 11, 21, tzinfo=UTC)

# Every suite that is run, by the kind of its cases, and how many it has. `suite/file#list` names a file other than
# cases.json, and a list in it other than that of the cases or records; a folder has one case a file
SUITES = {
    "spf": {
        "spf-blitiri": 21,
        "spf-jspf-mailzone": 135,
        "spf-jspf-tests": 20,
        "spf-kumomta": 28,
        "spf-macros": 85,
        "spf-mailauth": 28,
        "spf-mox": 132,
        "spf-openspf-rfc4408": 191,
        "spf-openspf-rfc7208": 203,
        "spf-pyspf": 16,
        "spf-rspamd": 38,
        "spf-stalwart": 163,
    },
    "spf-records": {"spf-syntax-libspf2/records.json": 80},
    "dkim": {
        "dkim-chasquid": 10,
        "dkim-dkimpy": 6,
        "dkim-exim": 23,
        "dkim-jdkim": 7,
        "dkim-lieser": 36,
        "dkim-mimekit": 3,
        "dkim-opendkim": 78,
        "dkim-perl": 79,
        "dkim-real": 17,
        "dkim-rfc": 8,
        "dkim-rspamd": 16,
        "dkim-stalwart": 6,
    },
    "arc-sign": {"arc-valimail-sign": 17},
    "arc": {"arc-exim": 4, "arc-real": 22, "arc-valimail-validate": 171},
    "authres": {
        "ar-authres": 15,
        "ar-gomsgauth": 12,
        "ar-lieser": 78,
        "ar-mimekit": 88,
        "ar-mox": 12,
        "ar-perl": 23,
        "ar-rfc8601": 9,
    },
    "from": {"from-header": 80, "dmarc-opendmarc/records.json#from_domain": 14},
    "dmarc": {
        "dmarc-kumomta": 16,
        "dmarc-mailauth": 27,
        "dmarc-mox": 20,
        "dmarc-perl": 16,
        "dmarc-rfc9989": 26,
        "dmarc-rfc9989-mailauth": 27,
        "dmarc-stalwart": 12,
    },
    "dmarc-alignment": {"dmarc-opendmarc/records.json#alignment": 10},
    "dmarc-records": {"dmarc-opendmarc/records.json": 19, "dmarc-records/records.json": 32},
    "dmarc-lookups": {"dmarc-records/mailauth_get.json": 26},
    "psl": {"psl/test_psl.json": 78},
    "e2e": {"e2e-authheaders": 11, "e2e-authmilter": 17, "e2e-rspamd-dmarc": 17},
    "attack": {"attacks-espoofer": 22},
    "received": {"received-rspamd": 13, "received-spamassassin": 144},
    "received-clauses": {"received-mail-parser": 20},
    "received-chains": {"received-trust-chains": 32},
    "reports": {"dmarc-reports/reports.json#reports": 52},
    "mta-sts-records": {"mta-sts-mox": 18},
    "mta-sts-policies": {"mta-sts-mox/cases.json#policies": 24},
    "mta-sts-lookups": {"mta-sts-mox/cases.json#lookups": 9},
    "mta-sts-pages": {"mta-sts-mox/cases.json#fetch": 8},
    "tls-rpt-records": {"tlsrpt": 20},
    "tls-rpt-lookups": {"tlsrpt/cases.json#lookups": 7},
    "tls-reports": {"tlsrpt/cases.json#reports": 4, "tlsrpt-parsedmarc/files": 4},
    "bimi-svg": {"bimi-email-auth-rs": 16, "bimi-mailauth/cases.json#svg": 35, "bimi-perl/cases.json#svg": 4},
    "bimi-vmc": {"bimi-mailauth/cases.json#vmc": 1},
    "bimi-records": {"bimi-perl/cases.json#records": 12},
    "bimi-lookups": {"bimi-mailauth/cases.json#lookups": 8, "bimi-perl/cases.json#lookups": 12},
}
# What no test here runs, and why
NOT_RUN = {
    "ar-openarc": "fields of other servers are not merged into our results",
    "bimi-roots": "it has no cases; test_bimi compares our roots with it",
    "dkim2": "DKIM2 is not implemented",
    "mailbox-mox": "mailboxes are not read",
}


# Policy discovery by the tree walk, and by the public suffix list
MODES = ("9989", "7489")
SUFFIX_LIST = FOLDER / "psl" / "public_suffix_list.dat"
# What names a case, the first that it has
NAMES = ("id", "record", "from", "input", "policy", "domain")


class Differs(NamedTuple):
    """A case that we do not answer as its suite does: why, and what we answer where the two differ."""

    reason: str
    answers: Case


def is_absent(suite: str) -> str:
    """Return what to say of a suite that is absent, nothing of one that is there."""
    if (FOLDER / suite).is_dir():
        return ""
    return f"{FOLDER / suite} is missing: set MAILAUTH_SUITES to the folder that holds the suite {suite}"


def cases(row: str) -> list[Case]:
    """Return the cases of a row of the table, each with its suite, a name of its own, and the zone that concerns it.

    Skips the test or the module that asks where the suite is absent.
    """
    suite, _, place = row.partition("/")
    if words := is_absent(suite):
        pytest.skip(words, allow_module_level=True)
    file, _, part = place.partition("#")
    if file and (folder := FOLDER / suite / file).is_dir():
        return [{"id": path.name, "suite": suite, "file": f"{file}/{path.name}"} for path in sorted(folder.iterdir())]
    data = json.loads((FOLDER / suite / (file or "cases.json")).read_text(encoding="utf-8"))
    found: dict[str, Case] = {}
    for scenario in data.get("scenarios", [data]):
        for case in scenario[part] if part else scenario.get("cases") or scenario["records"]:
            name = str(next((case[key] for key in NAMES if key in case), " ".join(map(str, case.values()))))
            # Two cases may have one name
            name = f"{scenario.get('id', 'again')}/{name}" if name in found else name
            zone = {**scenario.get("zone", {}), **case.get("zone", {})}
            found[name] = {**case, "id": name, "suite": suite, "zone": zone}
    return list(found.values())


def each(kind: str, differing: Mapping[str, Differs] | None = None, modes: tuple[str, ...] = ()) -> list[Any]:
    """Return pytest parameters for the cases of a kind: the case and, where asked for, what we answer otherwise.

    Args:
        kind: of the suites.
        differing: the cases that we do not answer as their suite does, by `suite/case`, with ` mode` where there are
            modes. A name that no suite has is a mistake.
        modes: of DMARC, each to be tried; the case has the one that is meant in `rfc`.
    """
    known = dict(differing or {})
    found = []

    def add(name: str, case: Case, answers: Case, *marks: Any) -> None:
        found.append(pytest.param(*((case,) if differing is None else (case, answers)), id=name, marks=marks))

    for row in SUITES[kind]:
        suite = row.partition("/")[0]
        if words := is_absent(suite):
            add(suite, {}, {}, pytest.mark.skip(reason=words))
            known = {name: differs for name, differs in known.items() if not name.startswith(f"{suite}/")}
            continue
        for case in cases(row):
            for mode in modes or ("",):
                if not mode or case.get("rfc", "both") in {"both", mode}:
                    name = f"{suite}/{case['id']} {mode}".rstrip()
                    add(name, {**case, "rfc": mode}, known.pop(name, Differs("", {})).answers)
    assert not known, f"no suite has these cases: {', '.join(known)}"
    return found


def message_path(case: Case) -> Path:
    """Return the file that holds the message of a case."""
    return FOLDER / str(case["suite"]) / "messages" / str(case["message"])


def moment(case: Case) -> datetime:
    """Return the time of receipt: that of the case, else the same late day for all."""
    return datetime.fromtimestamp(case["now"], UTC) if "now" in case else NOW


def zone_data(zone: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the zone of a case in the form of our zone files.

    The record type SPF is dead (RFC 7208 §3.1). Code points up to U+00FF of a character-string are octets there, text
    that is UTF-8 or surrogate escapes here.
    """
    return {
        owner: {
            rdtype: [[_text(string) for string in record] for record in data]
            if rdtype == "TXT" and isinstance(data, list)
            else data
            for rdtype, data in records.items()
            if rdtype != "SPF"
        }
        for owner, records in zone.items()
    }


def _text(string: str) -> str:
    return string.encode("latin-1").decode("utf-8", "surrogateescape")


def zone_of(case: Case) -> Zone:
    """Return the resolver of a case."""
    return Zone(zone_data(case["zone"]))


def connection_of(case: Case) -> Connection:
    """Return what SMTP knew, of a case or of the connection it holds."""
    given = case.get("connection", case)
    sender = given.get("mailfrom")
    # In some suites a domain alone is the <sender> (RFC 7208 §4.3); it is not a reverse-path (RFC 5321 §4.1.2)
    if sender and "@" not in sender:
        sender = f"@{sender}"
    return Connection(ip=given.get("ip"), helo=given.get("helo"), mail_from=sender)


def options_of(case: Case) -> Options:
    """Return the options for the DMARC of a case: the tree walk, or the public suffix list of the suites."""
    if case["rfc"] == "9989":
        return Options()
    if words := is_absent("psl"):
        pytest.skip(words)
    return Options(mode="rfc7489", public_suffix_list=str(SUFFIX_LIST))


def authenticate(case: Case, options: Options | None = None, limits: Limits | None = None) -> Authentication:
    """Return all that we find of the message of a case."""
    receiver = case.get("connection", {}).get("authserv_id", "mx.example.org")
    raw = message_path(case).read_bytes()
    return mailauth.authenticate(raw, connection_of(case), zone_of(case), receiver, moment(case), limits, options)


def questions(case: Case) -> tuple[int, int, int]:
    """Return for an SPF case what a left-to-right reading needs of DNS, the questions asked, and their rounds."""
    zone, asked = zone_of(case), list[int]()

    class Counted:
        def resolve(self, questions: tuple[Question, ...]) -> tuple[Answer, ...]:
            asked.append(len(questions))
            return zone.resolve(questions)

    trace: list[Use] = []
    run(spf.check(connection_of(case), Context(options=Options(strict=True), uses=trace)), Counted())
    return len({use.question for use in trace}), sum(asked), len(asked)
