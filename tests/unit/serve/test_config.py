"""The configuration file: every problem of one run with its line and remedy, and the defaults of what it configures."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, cast

import pytest

from mailauth import Connection, Disposition, Limits, Options
from mailauth.policy import Decision, Rules
from mailauth.resolvers import AsyncDnspythonResolver
from mailauth.serve.milter import MilterServer

pytest.importorskip("pydantic", reason="pydantic is not installed: pip install 'mailauth[milter]'")
from mailauth.errors import UsageError
from mailauth.serve.config import Config, ConfigError, Dns, Filters, Log, Metrics, Milter, load, parse
from mailauth.serve.service import Parts, collector


def problems(text: str | bytes) -> list[tuple[int, str, str]]:
    octets = text.encode() if isinstance(text, str) else text
    with pytest.raises(ConfigError) as refused:
        parse(octets)
    found = refused.value.problems
    assert str(refused.value) == "\n".join(f"configuration: {each}" for each in found)
    assert all(line.isprintable() and len(line) < 500 for line in str(refused.value).split("\n"))
    return [(each.line, each.where, each.what) for each in found]


def test_an_empty_file_is_the_default() -> None:
    assert parse(b"") == Config()


def test_a_whole_configuration() -> None:
    config = parse(b"""
authserv_id = "mx.example.org"
[milter]
listen = ["inet:8891@127.0.0.1", "unix:/run/mailauth/milter"]
idle_seconds = 60
on_error = "accept"
[dns]
nameservers = ["192.0.2.53", "2001:db8::53", "tls://192.0.2.1#dns.example"]
timeout = 1.5
[options]
checks = ["spf", "dkim", "dmarc"]
trusted_sealers = ["lists.example.org"]
[limits]
signatures = 3
[policy]
requirements = "gmail-yahoo-2024"
local = ["192.0.2.0/24"]
[policy.domains]
"example.org" = "reject"
[policy.lists]
"dev.lists.example.net" = "lists.example.net"
[filters]
files = ["/etc/mailauth/filters.py"]
[log]
form = "json"
personal = true
[metrics]
port = 9891
""")
    assert config == Config(
        authserv_id="mx.example.org",
        milter=Milter(
            listen=("inet:8891@127.0.0.1", "unix:/run/mailauth/milter"), idle_seconds=60.0, on_error="accept"
        ),
        dns=Dns(nameservers=("192.0.2.53", "2001:db8::53", "tls://192.0.2.1#dns.example"), timeout=1.5),
        options=Options(checks=frozenset({"spf", "dkim", "dmarc"}), trusted_sealers=frozenset({"lists.example.org"})),
        limits=Limits(signatures=3),
        policy=Rules(
            requirements="gmail-yahoo-2024",
            local=frozenset({"192.0.2.0/24"}),
            domains={"example.org": "reject"},
            lists={"dev.lists.example.net": "lists.example.net"},
        ),
        filters=Filters(files=("/etc/mailauth/filters.py",)),
        log=Log(form="json", personal=True),
        metrics=Metrics(port=9891),
    )


WRONG = """\
autserv_id = "mx.example.org"
authserv_id = "two words\\n"
milter.lissten = ["inet:8891@127.0.0.1"]
milter.mode = 660

[dns]
nameservers = ["ns.example.org"]
port = 70000
timeout = 0

[options]
checks = ["spf", "dmark"]
mode = "rfc822"
strict = "yes"

[limits]
signatures = -1
seconds = 1.5
tags = true

[policy]
reject = "maybe"
local = [
    "192.0.2.0/24",
    "192.0.2.1/24",
]
folder = 07:32:00
requirements = ["tls", "manners"]
[policy.domains]
"example.org" = "bounce"

[filters]
files = ["/etc/mailauth/filters.py", 3]

[log]
level = "loud"
from = "json"

[metrics]
port = -1
address = "localhost"

[tls]
certificate = "x"
"""
EXPECTED = [
    (1, "autserv_id", "did you mean authserv_id?"),
    (2, "authserv_id", "give the name of this host"),
    (3, "[milter] lissten", "did you mean listen?"),
    (4, "[milter] mode", "give text in quotes, not 660"),
    (7, "[dns] nameservers", "give its address"),
    (8, "[dns] port", "give a port from 1 to 65535"),
    (9, "[dns] timeout", "give a number above 0"),
    (12, "[options] checks", "the checks are ['arc', 'bimi', 'dkim', 'dmarc', 'iprev', 'spf']"),
    (13, "[options] mode", "give 'rfc9989' or 'rfc7489', not 'rfc822'"),
    (14, "[options] strict", "give true or false, not 'yes'"),
    (17, "[limits] signatures", "give a whole number of at least 0"),
    (18, "[limits] seconds", "give a whole number, not 1.5"),
    (19, "[limits] tags", "give a whole number, not True"),
    (22, "[policy] reject", "give 'advice', 'never' or 'always', not 'maybe'"),
    (23, "[policy] local", "give '192.0.2.0/24'"),
    (27, "[policy] folder", "give text in quotes, a number, true or false"),
    (28, "[policy] requirements", "'manners' is not one of 'one-from'"),
    (29, "[policy] domains", "example.org: give 'quarantine' or 'reject'"),
    (33, "[filters] files", "2.: give text in quotes"),
    (36, "[log] level", "give 'debug', 'info', 'warning' or 'error', not 'loud'"),
    (37, "[log] from", "did you mean form?"),
    (40, "[metrics] port", "give a port from 0 to 65535"),
    (41, "[metrics] address", "give an IP address, such as '127.0.0.1'"),
    (43, "tls", "the keys are authserv_id, milter, dns,"),
]


def test_every_problem_is_told_in_one_run() -> None:
    found = problems(WRONG)
    assert [each[:2] for each in found] == [each[:2] for each in EXPECTED]
    for (_, _, told), (_, _, remedy) in zip(found, EXPECTED, strict=True):
        assert remedy in told


@pytest.mark.parametrize(
    ("text", "line", "where", "remedy"),
    [
        ('[milter]\nlisten = "inet:8891@127.0.0.1"', 2, "[milter] listen", "give a list in brackets"),
        ("[milter]\nlisten = []", 2, "[milter] listen", "at least one address"),
        ('[milter]\nlisten = ["inet:8891"]', 2, "[milter] listen", "give 'inet:8891@127.0.0.1'"),
        ('[milter]\nmode = "0999"', 2, "[milter] mode", "octal digits"),
        ('[milter]\nmarker = "X Spam"', 2, "[milter] marker", "the name of a header field"),
        ('[milter]\nmarker = "Received"', 2, "[milter] marker", "of your own, such as 'X-Spam'"),
        ('[milter]\nmarker = "X-A:"', 2, "[milter] marker", "the name of a header field"),
        ("[milter]\nmax_bytes = 0", 2, "[milter] max_bytes", "a number above 0"),
        ("[milter]\njudge_seconds = -1.0", 2, "[milter] judge_seconds", "a number above 0"),
        ("[milter]\ngrace_seconds = -1", 2, "[milter] grace_seconds", "a number of at least 0"),
        ('[milter]\non_error = "reject"', 2, "[milter] on_error", "give 'tempfail' or 'accept'"),
        ("[[milter]]\nmax_bytes = 1", 1, "milter", "write [milter] and its keys below"),
        ("milter = 3", 1, "milter", "write [milter] and its keys below"),
        ('[policy]\ndomains = ["example.org"]', 2, "[policy] domains", "give a table"),
        ('[policy]\ndomains = { "org" = "reject" }', 2, "[policy] domains", "at least two labels"),
        ('policy.domains."example.org" = 1', 1, "[policy] domains", "give 'quarantine' or 'reject'"),
        ('[policy]\nlocal = ["mx.example.org"]', 2, "[policy] local", "only networks"),
        ('[policy]\nfolder = "a\\nb"', 2, "[policy] folder", "without control characters"),
        ('authserv_id = ""', 1, "authserv_id", "give the name of this host"),
        ("# a comment\r\n\r\n[log]\r\nlevel = 1\r\n", 4, "[log] level", "'debug'"),
    ],
)
def test_a_problem_has_its_line_and_remedy(text: str, line: int, where: str, remedy: str) -> None:
    ((found, place, told),) = problems(text)
    assert (found, place) == (line, where)
    assert remedy in told


@pytest.mark.parametrize(
    "value",
    ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01", "07:32:00", "inf", "-inf", "nan", "0x" + "f" * 5000],
)
@pytest.mark.parametrize("key", ["authserv_id", "milter.idle_seconds", "milter.max_bytes", "policy.folder"])
def test_what_only_toml_has_is_refused(key: str, value: str) -> None:
    ((line, where, _),) = problems(f"{key} = {value}")
    assert (line, where.rpartition(" ")[2]) == (1, key.rpartition(".")[2])


@pytest.mark.parametrize(
    "octets",
    [
        b"#" * ((1 << 20) + 1),
        b"authserv_id = '\xff'",
        b"\xff\xfe[\0m\0",
        b"authserv_id = 'a\0b'",
        b"a = " + b"[" * 100_000,
        b"a = " + b"[" * 5000 + b"]" * 5000,
        b"[policy]\nlists = " + b"{a=" * 400 + b"1" + b"}" * 400,
        b"[policy]\nlists = " + b"[" * 400 + b"]" * 400,
        b"a." * 5000 + b"b = 1",
        b"[policy." + b"a." * 5000 + b"b]\nx = 1",
        b"[policy]\nfolder = 'a'\nfolder = 'b'\n",
        b"[policy]\n[policy]\n",
        b"[milter]\nmax_bytes = " + b"9" * 5000,
        b'[dns]\nzone = "a\\u0000b"',
        b'[filters]\nfiles = ["a\\u0000b"]',
        b'[policy]\n"" = 1',
        '"\x85\u2028error: forged line\u202e" = 1'.encode(),
        b"\x1b[31m = 1",
        b"[milter",
        b"=",
    ],
    ids=range(20),
)
def test_hostile_files(octets: bytes) -> None:
    assert problems(octets)


def test_a_file_at_the_limit_of_size() -> None:
    assert parse(b"#" * (1 << 20)) == Config()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read it: No such file"):
        load(str(tmp_path / "mailauth.toml"))
    with pytest.raises(ConfigError, match="cannot read it: Is a directory"):
        load(str(tmp_path))


# What `parse` cannot know, because it is on the disk: `--check` tells it too
@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ('[dns]\nzone = "missing.json"', "give the path of a zone file"),
        ('[filters]\nfiles = ["missing.py"]', "give the path of a Python file with filters"),
        ('[options]\npublic_suffix_list = "missing.dat"', "give the path of a public_suffix_list.dat"),
    ],
)
def test_files_that_the_configuration_names(
    text: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=remedy):
        Parts(parse(text.encode()))


MESSAGE = b"From: anna@example.com\r\nAuthentication-Results: b\xc3\xbccher.example; spf=pass\r\n\r\n"


def test_the_field_of_a_message_that_was_not_judged_has_our_name_as_it_is_written_there() -> None:
    for name, written in (("bücher.example", "xn--bcher-kva.example"), ("mail host", '"mail host"')):
        parts = Parts(Config(authserv_id=name, dns=Dns(zone="testdata/messages/spoof.json")))
        decision = asyncio.run(parts.unjudged(MESSAGE, Connection()))
        assert decision.add == (f"Authentication-Results: {written}; none",)
        assert decision.remove == ((1,) if name == "bücher.example" else ())


def test_users_who_log_in_are_not_checked_and_cannot_write_our_verdicts() -> None:
    text = (
        'authserv_id = "mx.example.org"\n[milter]\ntoo_large = "reject"\n[dns]\nzone = "testdata/messages/spoof.json"'
    )
    parts = Parts(parse(text.encode()))
    forged = MESSAGE.replace(b"b\xc3\xbccher.example", b"mx.example.org")
    for ip in ("127.0.0.1", "192.0.2.1"):
        user = Connection(ip=ip, login="anna")
        assert not parts.skip(user)
        for judge in (parts.judge, parts.too_large):
            assert asyncio.run(judge(forged, user)) == Decision(rule="local", remove=(1,))
    assert parts.skip(Connection(ip="127.0.0.1"))


def test_the_name_of_this_host_must_be_one_that_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "mx\u00a0host")
    with pytest.raises(UsageError, match=r"give the name of this host, such as 'mx\.example\.org'"):
        Parts(Config(dns=Dns(zone="testdata/messages/spoof.json")))


def test_a_policy_that_fails_lets_nothing_through() -> None:
    parts = Parts(Config(policy=cast(Rules, None), dns=Dns(zone="testdata/messages/spoof.json")))
    assert asyncio.run(parts.judge(MESSAGE, Connection(ip="192.0.2.1"))).action is Disposition.DEFER


def argument_defaults(function: Any) -> dict[str, Any]:
    found = inspect.signature(function).parameters.values()
    return {each.name: each.default for each in found if each.default is not inspect.Parameter.empty}


def test_the_defaults_are_those_of_what_is_configured() -> None:
    milter: dict[str, Any] = {each.name: each.default for each in fields(Milter)}
    server = argument_defaults(MilterServer.__init__)
    same = {"marker", "max_bytes", "max_held", "max_connections", "idle_seconds", "judge_seconds"}
    assert {name: milter[name] for name in same} == {name: server[name] for name in same}
    # None asks the client to try again
    assert (milter["on_error"], server["on_error"]) == ("tempfail", None)
    start = argument_defaults(MilterServer.start)
    assert (int(milter["mode"], 8), milter["user"], milter["group"]) == (start["mode"], start["user"], start["group"])
    assert milter["grace_seconds"] == argument_defaults(MilterServer.stop)["grace"]
    resolver = argument_defaults(AsyncDnspythonResolver.__init__)
    assert (Dns().timeout, Dns().port) == (resolver["timeout"], resolver["port"])
    assert (Config().limits, Config().options, Config().policy) == (Limits(), Options(), Rules())


def test_every_key_has_a_default() -> None:
    for kind in (Config, Milter, Dns, Filters, Log, Metrics, Limits, Options, Rules):
        assert all(each.default is not MISSING or each.default_factory is not MISSING for each in fields(kind))


WRONG_REPORTS = [
    ('store = "mysql://me:secret@x/y"', "store", "give the path of a file for SQLite, or postgresql://"),
    ('store = ""', "store", "give the path of a file"),
    ('email = "postmaster"', "email", "give an address, such as 'postmaster@example.org'"),
    ('email = "a@b\\nBcc: c@d"', "email", "give an address"),
    ("email = '\"a b\"@example.org'", "email", "give an address"),
    ("email = 'a..b@example.org'", "email", "give an address"),
    (f"email = 'a@{'x' * 64}.example'", "email", "give an address"),
    ('relay = "127.0.0.1:99999"', "relay", "give HOST:PORT"),
    ('relay = "mx..example.org:25"', "relay", "give HOST:PORT"),
    ('org_name = "Ex\\nample"', "org_name", "give one line of text"),
    ("period_hours = 5", "period_hours", "give 1, 2, 3, 4, 6, 8, 12 or 24"),
    ("period_hours = 48", "period_hours", "give 1, 2, 3"),
    ("retention_days = 0", "retention_days", "give a number above 0"),
]


@pytest.mark.parametrize(("line", "key", "remedy"), WRONG_REPORTS)
def test_reports_that_cannot_be(line: str, key: str, remedy: str) -> None:
    ((number, where, what),) = problems(f"[reports]\n{line}\n")
    assert (number, where) == (2, f"[reports] {key}")
    assert remedy in what
    assert "secret" not in what


@pytest.mark.parametrize("line", ['org_name = "Example"', 'email = "postmaster@example.org"'])
def test_a_report_says_who_sent_it(line: str, tmp_path: Path) -> None:
    config = parse(f'[reports]\nstore = "{tmp_path}/a.db"\n{line}\n'.encode())
    with pytest.raises(UsageError, match="give org_name and email too"):
        collector(config.reports)


def test_nothing_is_opened_before_the_service_starts(tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'mailauth[reports]'")
    text = f'store = "{tmp_path}/a.db"\norg_name = "Example"\nemail = "postmaster@example.org"\n'
    assert collector(parse(f"[reports]\n{text}".encode()).reports) is not None
    assert collector(Config().reports) is None
    assert not list(tmp_path.iterdir())
