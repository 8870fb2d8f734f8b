"""The Python peers of the benchmarks, one in a process: `python tests/benchmarks/peers/python.py PEER`.

Each peer is a function that returns its version and its jobs. A job takes a case (the path of a message, or a
reverse-path for `spf`) and returns the call to be timed; that call returns the verdict: "pass", or what else it says.
The case of `mix` and `mix-dkim` is the list of a mix, and one call verifies all its messages.
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
from typing import Any, NamedTuple, TypeAlias

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


# --- the mix ---------------------------------------------------------------------------------------------------------


class Mail(NamedTuple):
    """A message of a mix, and its connection."""

    raw: bytes
    ip: str
    helo: str
    mail_from: str


def new_senders(case: str) -> bool:
    return Path(case).stem == "mix-new"


def mails_of(case: str) -> list[Mail]:
    lines = [line.split("\t") for line in Path(case).read_text().splitlines()]
    return [Mail(Path(path).read_bytes(), ip, helo, mail_from) for path, ip, helo, mail_from in lines]


def each_of(case: str, one: Callable[[Mail], object]) -> Call:
    """Return what verifies all messages of a mix. No cache has heard of a new sender."""
    mails = mails_of(case)
    one(mails[0])  # so that a cache made late is there, and what is loaded once is loaded
    kept = caches() if new_senders(case) else []

    def call() -> object:
        for each in kept:
            each.cache_clear()
        return next((found for mail in mails if (found := one(mail)) != "pass"), "pass")

    return call


def caches() -> list[Any]:
    """Return the caches of this process that can hold what is known of senders."""
    found: list[Any] = [each for each in gc.get_objects() if isinstance(each, functools._lru_cache_wrapper)]
    return [each for each in found if (each.cache_parameters()["maxsize"] or 0) >= 64]


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
    newest = Context(options=Options(oldest_pass=False))

    class Cold:
        """A resolver whose answers are always new, so that nothing parsed from them is kept."""

        immediate = True

        def resolve(self, questions: Batch) -> Answers:
            return tuple(Answer(a.status, a.records, a.ttl, a.cnames) for a in zone.resolve(questions))

    def whole(resolver: Any, known: Connection = connection, options: Options | None = None) -> Job:
        def job(case: str) -> Call:
            message = raw(case)

            return lambda: words(mailauth.authenticate(message, known, resolver, AUTHSERV_ID, NOW, options=options))

        return job

    def words(found: mailauth.Authentication) -> str:
        assert found.spf is not None
        assert found.arc is not None
        assert found.dmarc is not None
        chain = [found.arc.result] if found.arc.instances else []
        return verdict(found.spf.result, found.dmarc.result, *(each.result for each in found.dkim), *chain)

    def signatures(message: bytes, resolver: Any) -> str:
        return verdict(*(d.result for d in run(dkim.verify(Message.parse(message), Context(now=NOW)), resolver)))

    def mix(*, peers_checks: bool) -> Job:
        options = theirs if peers_checks else None

        # The two take turns in one process, and neither is to find its messages read a moment ago
        @functools.lru_cache(maxsize=1)
        def job(case: str) -> Call:
            resolver: Any = Cold() if new_senders(case) else zone

            def one(mail: Mail) -> str:
                helo = None if peers_checks else mail.helo
                known = Connection(ip=mail.ip, helo=helo, mail_from=mail.mail_from)
                return words(mailauth.authenticate(mail.raw, known, resolver, AUTHSERV_ID, NOW, options=options))

            return each_of(case, one)

        return job

    def mix_dkim(case: str) -> Call:
        resolver: Any = Cold() if new_senders(case) else zone
        return each_of(case, lambda mail: signatures(mail.raw, resolver))

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
        "mix": mix(peers_checks=False),
        "mix-theirs": mix(peers_checks=True),
        "mix-dkim": mix_dkim,
        "all": whole(zone),
        "all-theirs": whole(zone, nameless, theirs),
        "all-cold": whole(Cold()),
        "parse": lambda case: lambda: "pass" if Message.parse(raw(case)).fields else "none",
        "dkim": lambda case: lambda: signatures(raw(case), zone),
        "arc": lambda case: lambda: verdict(run(arc.verify(Message.parse(raw(case))), zone).result),
        "arc-newest": lambda case: lambda: verdict(run(arc.verify(Message.parse(raw(case)), newest), zone).result),
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


def loaded_floor(path: str = "") -> Any:
    """Return our reference, or a module of the same form at a path: Msg, dkim, arc, spf, run and e2e."""
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
    return module


def floor(path: str = "") -> Peer:
    module = loaded_floor(path)
    forgetful = [each for each in vars(module).values() if hasattr(each, "cache_clear")]

    def whole(mail: Mail) -> str:
        field = module.e2e(mail.raw, mail.ip, mail.helo, mail.mail_from, records)
        return "pass" if "dmarc=pass" in field and "fail" not in field else field.replace("\r\n\t", " ")

    def all_job(case: str) -> Call:
        return lambda: whole(Mail(raw(case), IP, HELO, MAIL_FROM))

    def cold_job(case: str) -> Call:
        job = all_job(case)

        def call() -> object:
            for each in forgetful:
                each.cache_clear()
            return job()

        return call

    def signatures(message: bytes) -> str:
        return verdict(*(module.run(each, records)[0] for each in module.dkim(module.Msg(message))))

    return "", {
        "mix": lambda case: each_of(case, whole),
        "mix-dkim": lambda case: each_of(case, lambda mail: signatures(mail.raw)),
        "all": all_job,
        "all-cold": cold_job,
        "parse": lambda case: lambda: "pass" if module.Msg(raw(case)) else "none",
        "dkim": lambda case: lambda: signatures(raw(case)),
        "arc": lambda case: lambda: verdict(module.run(module.arc(module.Msg(raw(case))), records)[0]),
        "spf": lambda case: lambda: verdict(module.run(module.spf(IP, case, HELO), records)[0]),
    }


def limit() -> Peer:
    """What no verifier can leave out: one split of the header section, SHA-256 of the body, and the RSA operations."""
    module = loaded_floor()
    checks: list[tuple[Any, bytes, bytes]] = []
    right = module.right

    def noted(record: str, tags: dict[bytes, bytes], digest: bytes) -> bool:
        checks.append((module.key_of(record), module.a2b_base64(tags[b"b"]), digest))
        found: bool = right(record, tags, digest)
        return found

    module.right = noted

    def limited(verify: Callable[[Mail], object]) -> Job:
        def job(case: str) -> Call:
            def prepared(mail: Mail) -> tuple[bytes, bytes, list[tuple[Any, bytes, bytes]]]:
                checks.clear()
                verify(mail)
                header, _, body = mail.raw.partition(b"\r\n\r\n")
                return header, body, checks[:]

            works = [prepared(mail) for mail in mails_of(case)]

            def call() -> str:
                for header, body, signatures in works:
                    module.FIELD_END.split(header)
                    module.sha256(body).digest()
                    for key, signature, digest in signatures:
                        key.verify(signature, digest, module.PADDING, module.HASH)
                return "pass"

            return call

        return job

    def all_of(mail: Mail) -> None:
        module.e2e(mail.raw, mail.ip, mail.helo, mail.mail_from, records)

    def dkim_of(mail: Mail) -> None:
        for each in module.dkim(module.Msg(mail.raw)):
            module.run(each, records)

    return "", {"mix": limited(all_of), "mix-dkim": limited(dkim_of)}


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

    def all_signatures(message: bytes) -> str:
        verifier = dkim.DKIM(message)
        count = sum(name.lower() == b"dkim-signature" for name, _ in verifier.headers)
        return verdict(*("pass" if verifier.verify(idx=n, dnsfunc=octets_of) else "fail" for n in range(count)))

    return version("dkimpy"), {
        "parse": lambda case: lambda: "pass" if dkim.DKIM(raw(case)).headers else "none",
        "mix-dkim": lambda case: each_of(case, lambda mail: all_signatures(mail.raw)),
        "dkim": lambda case: lambda: all_signatures(raw(case)),
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
            # It has no rule for suffixes that are not listed, such as the reserved one of our new senders
            return lookup.PublicSuffixList([*file, "example\n"])

    def kept(location: Any, domain: str) -> str:
        found: str = suffixes(str(location)).get_public_suffix(domain)
        return found

    def one(mail: Mail) -> str:
        field = module.authenticate_message(
            mail.raw, AUTHSERV_ID, spf=True, dkim=True, arc=True, dmarc=True, ip=mail.ip, mail_from=mail.mail_from,
            helo=mail.helo, dnsfunc=text_of,
        )  # fmt: skip
        return "pass" if "dmarc=pass" in field and "fail" not in field else " ".join(field.split())

    def whole(of_suffix_list: Any) -> Job:
        def job(case: str) -> Call:
            lookup.get_org_domain_from_suffix_list = of_suffix_list
            return lambda: one(Mail(raw(case), IP, HELO, MAIL_FROM))

        return job

    def mix_job(case: str) -> Call:
        lookup.get_org_domain_from_suffix_list = kept
        return each_of(case, one)

    def dmarc_job(case: str) -> Call:
        lookup.get_org_domain_from_suffix_list = kept
        authres = import_module("authres")
        signature = authres.DKIMAuthenticationResult(result="pass", header_d="example.com")

        def call() -> str:
            # Made anew: it is changed by who reads it
            sender = authres.SPFAuthenticationResult(result="pass", smtp_mailfrom=MAIL_FROM, smtp_helo=HELO)
            return verdict(module.check_dmarc(raw(case), sender, signature, text_of).result)

        return call

    return version("authheaders"), {"mix": mix_job, "all": whole(load), "all-kept": whole(kept), "dmarc": dmarc_job}


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

    def word(check: Any) -> str:
        found = str(check.result.value).lower()
        return "pass" if found == "success" else found

    def one(mail: Mail) -> str:
        smtp = package.SMTPContext(sender_ip_address=mail.ip, client_hostname=mail.helo, mail_from=mail.mail_from)
        found = loop.run_until_complete(package.authenticate_message(smtp, mail.raw))
        chain = [] if word(found.arc_check) == "none" else [word(found.arc_check)]
        return verdict(word(found.spf_check), word(found.dkim_check), word(found.dmarc_check), *chain)

    def whole(suffix_list: Any) -> Job:
        def job(case: str) -> Call:
            lists.PublicSuffixList = suffix_list
            return lambda: one(Mail(raw(case), IP, HELO, MAIL_FROM))

        return job

    def mix(check: Callable[[Mail], object]) -> Job:
        def job(case: str) -> Call:
            lists.PublicSuffixList = keep
            return each_of(case, check)

        return job

    def single(check: Callable[[str], Any]) -> Job:
        def job(case: str) -> Call:
            lists.PublicSuffixList = keep
            return lambda: verdict(word(loop.run_until_complete(check(case))))

        return job

    return f"{version('emailsec')} (Python {sys.version.split()[0]})", {
        "mix": mix(one),
        "mix-dkim": mix(lambda mail: verdict(word(loop.run_until_complete(check_dkim(mail.raw))))),
        "all": whole(load),
        "all-kept": whole(keep),
        "dkim": single(lambda case: check_dkim(raw(case))),
        "arc": single(lambda case: check_arc(raw(case))),
        "spf": single(lambda case: check_spf(IP, case)),
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
    each.__name__: each for each in (ours, floor, limit, dkimpy, standard, pyspf, authheaders, emailsec, authres)
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
