"""The Python peers of the benchmarks, one in a process: `python tests/benchmarks/peers/python.py PEER`.

Each peer is a function that returns its version and its jobs. A job takes a case (the path of a message, or a
reverse-path for `spf`) and returns the call to be timed; that call returns the verdict: "pass", or what else it says.
Every peer has the same DNS, in memory. The process reads `job TAB case TAB repeats` and writes `seconds TAB verdict`.
"""

from __future__ import annotations

import asyncio
import email.parser
import email.policy
import functools
import gc
import importlib.util
import itertools
import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeAlias

from mailauth import Context
from mailauth.dmarc import author_of

sys.path[0] = str(Path(__file__).resolve().parents[1])

from corpus import AUTHSERV_ID, HELO, IP, MAIL_FROM, NOW, folder, records  # noqa: E402

Call: TypeAlias = Callable[[], object]
Job: TypeAlias = Callable[[str], Call]
Peer: TypeAlias = tuple[str, dict[str, Job]]


@functools.lru_cache(maxsize=1)
def raw(case: str) -> bytes:
    return Path(case).read_bytes()


def verdict(*results: object) -> str:
    """Return "pass" where all results are that, else the results."""
    words = [str(result) for result in results]
    return "pass" if words and set(words) <= {"pass"} else " ".join(words) or "none"


# --- ours ------------------------------------------------------------------------------------------------------------


def ours() -> Peer:
    import mailauth
    from mailauth import Connection, Message, Options, arc, authres, dkim, dmarc, run, spf
    from mailauth.dns import Answer, Answers, Batch
    from mailauth.resolvers import Zone

    zone = Zone(json.loads((folder() / "zone.json").read_text()))
    connection = Connection(ip=IP, helo=HELO, mail_from=MAIL_FROM)
    nameless = Connection(ip=IP, mail_from=MAIL_FROM)
    theirs = Options(checks=frozenset({"spf", "dkim", "arc", "dmarc"}))

    class Cold:
        """A resolver whose answers are always new, so that nothing parsed from them is kept."""

        immediate = True

        def resolve(self, questions: Batch) -> Answers:
            return tuple(Answer(a.status, a.records, a.ttl, a.cnames) for a in zone.resolve(questions))

    def whole(resolver: Any, known: Connection = connection, options: Options | None = None) -> Job:
        def job(case: str) -> Call:
            message = raw(case)

            def call() -> str:
                found = mailauth.authenticate(message, known, resolver, AUTHSERV_ID, NOW, options=options)
                assert found.spf is not None
                assert found.arc is not None
                assert found.dmarc is not None
                chain = [found.arc.result] if found.arc.instances else []
                return verdict(found.spf.result, found.dmarc.result, *(each.result for each in found.dkim), *chain)

            return call

        return job

    def dkim_job(case: str) -> Call:
        return lambda: verdict(*(d.result for d in run(dkim.verify(Message.parse(raw(case)), Context(now=NOW)), zone)))

    def dmarc_job(case: str) -> Call:
        message = Message.parse(raw(case))
        sender, signatures = run(spf.check(connection), zone), run(dkim.verify(message, Context(now=NOW)), zone)
        author = author_of(message)
        return lambda: verdict(run(dmarc.check(author, spf=sender, dkim=signatures), zone).result)

    def outcomes(case: str) -> mailauth.Authentication:
        return mailauth.authenticate(raw(case), connection, zone, AUTHSERV_ID, NOW)

    def write_job(case: str) -> Call:
        reported = [outcome for outcome in outcomes(case).outcomes if outcome.method != "iprev"]

        def call() -> str:
            field = authres.write_outcomes(AUTHSERV_ID, reported, connection)
            return verdict("pass" if "dmarc=pass" in field else field)

        return call

    def read_job(case: str) -> Call:
        value = outcomes(case).headers[0].value
        return lambda: verdict(*(r.result for r in authres.parse(value).results if r.method == "dmarc"))

    return mailauth.__version__, {
        "all": whole(zone),
        "all-theirs": whole(zone, nameless, theirs),
        "all-cold": whole(Cold()),
        "parse": lambda case: lambda: "pass" if Message.parse(raw(case)).fields else "none",
        "dkim": dkim_job,
        "arc": lambda case: lambda: verdict(run(arc.verify(Message.parse(raw(case))), zone).result),
        "spf": lambda case: (
            lambda: verdict(
                run(
                    spf.check(Connection(ip=IP, helo=HELO, mail_from=case), Context(receiver=AUTHSERV_ID, now=NOW)),
                    zone,
                ).result
            )
        ),
        "dmarc": dmarc_job,
        "write": write_job,
        "read": read_job,
    }


# --- floors ----------------------------------------------------------------------------------------------------------


def floor(path: str = "") -> Peer:
    """Our reference, or a module of the same form at a path: Msg, dkim, arc, spf, run and e2e."""
    file = Path(path) if path else Path(__file__).resolve().parents[1] / "reference.py"
    spec = importlib.util.spec_from_file_location(f"{file.stem}_as_floor", file)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if hasattr(module, "load_psl"):
        package = importlib.util.find_spec("publicsuffix2")
        assert package is not None
        assert package.origin is not None
        module.load_psl(str(Path(package.origin).with_name("public_suffix_list.dat")))
    caches = [each for each in vars(module).values() if hasattr(each, "cache_clear")]

    def all_job(case: str) -> Call:
        def call() -> str:
            field = module.e2e(raw(case), IP, HELO, MAIL_FROM, records)
            return "pass" if "dmarc=pass" in field and "fail" not in field else field.replace("\r\n\t", " ")

        return call

    def cold_job(case: str) -> Call:
        job = all_job(case)

        def call() -> object:
            for each in caches:
                each.cache_clear()
            return job()

        return call

    def dkim_job(case: str) -> Call:
        def call() -> str:
            message = module.Msg(raw(case))
            return verdict(*(module.run(each, records)[0] for each in module.dkim(message)))

        return call

    return "", {
        "all": all_job,
        "all-cold": cold_job,
        "parse": lambda case: lambda: "pass" if module.Msg(raw(case)) else "none",
        "dkim": dkim_job,
        "arc": lambda case: lambda: verdict(module.run(module.arc(module.Msg(raw(case))), records)[0]),
        "spf": lambda case: lambda: verdict(module.run(module.spf(IP, case, HELO), records)[0]),
    }


# --- others ----------------------------------------------------------------------------------------------------------


def text_of(name: str | bytes, timeout: int = 5) -> str | None:
    """Return the first TXT record of a name, as authheaders wants it."""
    found = records("TXT", name.decode() if isinstance(name, bytes) else name)
    return found[0] if found else None


def octets_of(name: bytes, timeout: int = 5) -> bytes | None:
    """Return the first TXT record of a name, as dkimpy wants it."""
    found = text_of(name)
    return None if found is None else found.encode()


def dkimpy() -> Peer:
    import dkim

    def all_signatures(case: str) -> Call:
        def call() -> str:
            verifier = dkim.DKIM(raw(case))
            count = sum(name.lower() == b"dkim-signature" for name, _ in verifier.headers)
            return verdict(*("pass" if verifier.verify(idx=n, dnsfunc=octets_of) else "fail" for n in range(count)))

        return call

    return version("dkimpy"), {
        "parse": lambda case: lambda: "pass" if dkim.DKIM(raw(case)).headers else "none",
        "dkim": all_signatures,
        "arc": lambda case: lambda: verdict(dkim.arc_verify(raw(case), dnsfunc=octets_of)[0].decode()),
    }


def standard() -> Peer:
    """The parsers of the standard library, for the parse stage only."""
    parser = email.parser.BytesParser(policy=email.policy.compat32)
    return sys.version.split()[0], {
        "parse": lambda case: lambda: "pass" if parser.parsebytes(raw(case), headersonly=True).keys() else "none"
    }


def with_zone(module: Any) -> Any:
    """Give pyspf the DNS in memory."""

    def lookup(name: str, rdtype: str, strict: bool = True, timeout: int = 20) -> list[Any]:  # noqa: FBT001, FBT002
        found = records(rdtype, name) or ()
        if rdtype == "TXT":
            return [((name, rdtype), [text.encode()]) for text in found]
        return [((name, rdtype), tuple(item) if isinstance(item, list) else item) for item in found]

    module.DNSLookup = lookup
    return module


def pyspf() -> Peer:
    spf = with_zone(import_module("spf"))
    return version("pyspf"), {"spf": lambda case: lambda: verdict(spf.check2(i=IP, s=case, h=HELO)[0])}


def authheaders() -> Peer:
    module = import_module("authheaders")
    lookup: Any = import_module("authheaders.dmarc_lookup")
    with_zone(import_module("spf"))
    load = lookup.get_org_domain_from_suffix_list

    @functools.cache
    def suffixes(location: str) -> Any:
        with Path(location).open(encoding="utf-8") as file:
            return lookup.PublicSuffixList(file)

    def kept(location: Any, domain: str) -> str:
        found: str = suffixes(str(location)).get_public_suffix(domain)
        return found

    def whole(of_suffix_list: Any) -> Job:
        def job(case: str) -> Call:
            lookup.get_org_domain_from_suffix_list = of_suffix_list

            def call() -> str:
                field = module.authenticate_message(
                    raw(case), AUTHSERV_ID, spf=True, dkim=True, arc=True, dmarc=True, ip=IP, mail_from=MAIL_FROM,
                    helo=HELO, dnsfunc=text_of,
                )  # fmt: skip
                return "pass" if "dmarc=pass" in field and "fail" not in field else " ".join(field.split())

            return call

        return job

    def dmarc_job(case: str) -> Call:
        lookup.get_org_domain_from_suffix_list = kept
        authres = import_module("authres")
        signature = authres.DKIMAuthenticationResult(result="pass", header_d="example.com")

        def call() -> str:
            # Made anew: it is changed by who reads it
            sender = authres.SPFAuthenticationResult(result="pass", smtp_mailfrom=MAIL_FROM, smtp_helo=HELO)
            return verdict(module.check_dmarc(raw(case), sender, signature, text_of).result)

        return call

    return version("authheaders"), {"all": whole(load), "all-kept": whole(kept), "dmarc": dmarc_job}


def emailsec() -> Peer:
    package = import_module("emailsec")
    resolver = import_module("emailsec._dns_resolver")
    check_dkim = import_module("emailsec.dkim.checker").check_dkim
    check_arc = import_module("emailsec.arc").check_arc
    check_spf = import_module("emailsec.spf.checker").check_spf
    lists: Any = import_module("publicsuffixlist")
    load, keep = lists.PublicSuffixList, functools.cache(lists.PublicSuffixList)
    loop = asyncio.new_event_loop()

    class Memory:
        """The DNS in memory, as that of emailsec would answer."""

        def __init__(self, no_max_lookups: bool = False) -> None:  # noqa: FBT001, FBT002
            pass

        async def txt(self, name: str) -> Any:
            return [resolver.TXTRecord(text, 60) for text in records("TXT", name) or ()] or None

        async def mx(self, name: str) -> Any:
            return [resolver.MXRecord(host, order, 60) for order, host in records("MX", name) or ()] or None

        async def a(self, name: str) -> Any:
            return [resolver.ARecord(host, 60) for host in records("A", name) or ()] or None

        async def aaaa(self, name: str) -> Any:
            return [resolver.AAAARecord(host, 60) for host in records("AAAA", name) or ()] or None

        async def ptr(self, name: str) -> Any:
            return [resolver.PTRRecord(host, 60) for host in records("PTR", name) or ()] or None

    for name in ("txt", "mx", "a", "aaaa", "ptr", "__init__"):
        setattr(resolver.DNSResolver, name, vars(Memory)[name])
    smtp = package.SMTPContext(sender_ip_address=IP, client_hostname=HELO, mail_from=MAIL_FROM)

    def word(check: Any) -> str:
        found = str(check.result.value).lower()
        return "pass" if found == "success" else found

    def whole(suffix_list: Any) -> Job:
        def job(case: str) -> Call:
            lists.PublicSuffixList = suffix_list

            def call() -> str:
                found = loop.run_until_complete(package.authenticate_message(smtp, raw(case)))
                chain = [] if word(found.arc_check) == "none" else [word(found.arc_check)]
                return verdict(word(found.spf_check), word(found.dkim_check), word(found.dmarc_check), *chain)

            return call

        return job

    def one(check: Callable[[str], Any]) -> Job:
        def job(case: str) -> Call:
            lists.PublicSuffixList = keep
            return lambda: verdict(word(loop.run_until_complete(check(case))))

        return job

    return version("emailsec"), {
        "all": whole(load),
        "all-kept": whole(keep),
        "dkim": one(lambda case: check_dkim(raw(case))),
        "arc": one(lambda case: check_arc(raw(case))),
        "spf": one(lambda case: check_spf(IP, case)),
    }


def authres() -> Peer:
    module = import_module("authres")
    arc, dmarc = import_module("authres.arc"), import_module("authres.dmarc")
    features = module.FeatureContext(arc, dmarc)

    def write() -> str:
        results = [
            module.SPFAuthenticationResult(result="pass", smtp_mailfrom="mail.example.com"),
            module.DKIMAuthenticationResult(
                result="pass",
                header_d="example.com",
                header_i="@example.com",
                header_s="rsa2048",
                header_a="rsa-sha256",
            ),
            arc.ARCAuthenticationResult(result="none"),
            dmarc.DMARCAuthenticationResult(result="pass", header_from="mail.example.com", policy="reject"),
        ]
        return str(module.AuthenticationResultsHeader(authserv_id=AUTHSERV_ID, results=results))

    def read(field: str) -> str:
        return verdict(*(r.result for r in features.parse(field).results if r.method == "dmarc"))

    def read_job(case: str) -> Call:
        field = write()
        return lambda: read(field)

    return version("authres"), {
        "write": lambda case: lambda: "pass" if "dmarc=pass" in write() else "none",
        "read": read_job,
    }


# --- the process -----------------------------------------------------------------------------------------------------

PEERS: dict[str, Callable[..., Peer]] = {
    each.__name__: each for each in (ours, floor, dkimpy, standard, pyspf, authheaders, emailsec, authres)
}


def timed(call: Call, repeats: int) -> tuple[float, object]:
    """Call as often as told; return the seconds that took, and the last verdict."""
    found: object = None
    gc.collect()
    start = time.perf_counter()
    for _ in itertools.repeat(None, repeats):
        found = call()
    return time.perf_counter() - start, found


def main() -> None:
    """Say what can be done, then do what is asked for until the input ends."""

    def say(*fields: object) -> None:
        text = "\t".join(str(field).replace("\t", " ").replace("\n", " ") for field in fields)
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    try:
        number, jobs = PEERS[sys.argv[1]](*sys.argv[2:])
    except (ImportError, PackageNotFoundError) as error:
        say("missing", error)
        return
    say("ready", number, *jobs)
    prepared: tuple[str, str] = "", ""
    for line in sys.stdin:
        job, case, repeats = line.rstrip("\n").split("\t")
        try:
            if prepared != (job, case):
                call = jobs[job](case)
                prepared = job, case
            seconds, found = timed(call, int(repeats))
        except Exception as error:  # noqa: BLE001  what a peer raises is its verdict
            say("error", repr(error))
        else:
            say(f"{seconds:.9f}", found)


if __name__ == "__main__":
    main()
