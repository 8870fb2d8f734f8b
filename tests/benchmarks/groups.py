"""What `compare.py` measures: the tables, their cases, and who takes part."""

from __future__ import annotations

from dataclasses import dataclass

import corpus


@dataclass(frozen=True)
class Contestant:
    """One column: a program and its job; `only` names the cases it takes part in, where these are not all."""

    label: str
    program: str
    job: str
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """One table: cases by contestants."""

    cases: tuple[str, ...]
    contestants: tuple[Contestant, ...]


def both_floors(job: str) -> tuple[Contestant, ...]:
    return Contestant("floor", "floor", job), Contestant("given floor", "given floor", job)


# What loads the suffix list anew for each message says the same on every message
_AS_IS = ("2k-prose-rsa", "20k-html-rsa")
_STAGES = ("2k-prose-rsa", "20k-html-rsa", "200k-html-rsa")

GROUPS = {
    "mix": Group(
        corpus.MIXES,
        (
            Contestant("mailauth", "mailauth", "mix"),
            Contestant("mailauth, peers' checks", "mailauth", "mix-theirs"),
            Contestant("limit", "limit", "mix"),
            *both_floors("mix"),
            Contestant("Stalwart mail-auth", "Stalwart mail-auth", "mix"),
            Contestant("mox", "mox", "mix"),
            Contestant("npm mailauth", "npm mailauth", "mix"),
            Contestant("authheaders, list kept", "authheaders", "mix"),
            Contestant("emailsec, list kept", "emailsec", "mix"),
        ),
    ),
    "mix-dkim": Group(
        corpus.MIXES,
        (
            Contestant("mailauth", "mailauth", "mix-dkim"),
            Contestant("limit", "limit", "mix-dkim"),
            *both_floors("mix-dkim"),
            Contestant("Stalwart mail-auth", "Stalwart mail-auth", "mix-dkim"),
            Contestant("go-msgauth", "go-msgauth", "mix-dkim"),
            Contestant("mox", "mox", "mix-dkim"),
            Contestant("OpenDKIM", "OpenDKIM", "mix-dkim"),
            Contestant("npm mailauth", "npm mailauth", "mix-dkim"),
            Contestant("dkimpy", "dkimpy", "mix-dkim"),
            Contestant("emailsec", "emailsec", "mix-dkim"),
            Contestant("Mail::DKIM", "Mail::DKIM", "mix-dkim"),
        ),
    ),
    "all": Group(
        (
            "2k-prose-rsa", "2k-prose-ed25519", "20k-html-rsa", "20k-html-dual", "2k-prose-arc3", "2k-prose-arc10",
            "200k-prose-rsa", "200k-html-rsa", "5m-base64-rsa", "25m-base64-rsa",
        ),
        (
            Contestant("mailauth", "mailauth", "all"),
            Contestant("mailauth, peers' checks", "mailauth", "all-theirs"),
            Contestant("mailauth, cold", "mailauth", "all-cold"),
            *both_floors("all"),
            Contestant("floor, cold", "floor", "all-cold"),
            Contestant("authheaders", "authheaders", "all", _AS_IS),
            Contestant("authheaders, list kept", "authheaders", "all-kept"),
            Contestant("emailsec", "emailsec", "all", _AS_IS),
            Contestant("emailsec, list kept", "emailsec", "all-kept"),
            Contestant("npm mailauth", "npm mailauth", "all"),
            Contestant("Stalwart mail-auth", "Stalwart mail-auth", "all"),
            Contestant("mox", "mox", "all"),
        ),
    ),
    "dkim": Group(
        (
            "2k-prose-rsa", "2k-prose-rsa-simple", "2k-prose-ed25519", "2k-prose-dual", "20k-html-rsa", "20k-prose-rsa",
            "200k-prose-rsa", "200k-html-rsa", "200k-base64-rsa", "200k-html-rsa-simple", "5m-base64-rsa",
            "5m-base64-rsa-simple", "25m-base64-rsa",
        ),
        (
            Contestant("mailauth", "mailauth", "dkim"),
            *both_floors("dkim"),
            Contestant("OpenDKIM", "OpenDKIM", "dkim"),
            Contestant("dkimpy", "dkimpy", "dkim"),
            Contestant("emailsec", "emailsec", "dkim"),
            Contestant("npm mailauth", "npm mailauth", "dkim"),
            Contestant("Mail::DKIM", "Mail::DKIM", "dkim"),
            Contestant("Stalwart mail-auth", "Stalwart mail-auth", "dkim"),
            Contestant("go-msgauth", "go-msgauth", "dkim"),
            Contestant("mox", "mox", "dkim"),
        ),
    ),
    "arc": Group(
        ("2k-prose-arc1", "2k-prose-arc3", "2k-prose-arc10", "2k-prose-arc50"),
        (
            Contestant("mailauth", "mailauth", "arc"),
            Contestant("mailauth, oldest_pass=False", "mailauth", "arc-newest"),
            *both_floors("arc"),
            Contestant("dkimpy", "dkimpy", "arc"),
            Contestant("emailsec", "emailsec", "arc"),
            Contestant("npm mailauth", "npm mailauth", "arc"),
            Contestant("Stalwart mail-auth", "Stalwart mail-auth", "arc"),
            # 50 sets take it half a minute
            Contestant("Mail::DKIM", "Mail::DKIM", "arc", ("2k-prose-arc1", "2k-prose-arc3", "2k-prose-arc10")),
        ),
    ),
    "spf": Group(
        tuple(corpus.SPF),
        (
            Contestant("mailauth", "mailauth", "spf"),
            *both_floors("spf"),
            Contestant("pyspf", "pyspf", "spf"),
            Contestant("emailsec", "emailsec", "spf"),
            Contestant("npm mailauth", "npm mailauth", "spf"),
        ),
    ),
    "parse": Group(
        _STAGES,
        (
            Contestant("mailauth", "mailauth", "parse"),
            *both_floors("parse"),
            Contestant("email", "email", "parse"),
            Contestant("dkimpy", "dkimpy", "parse"),
        ),
    ),
    "dmarc": Group(
        _STAGES[:1],
        (Contestant("mailauth", "mailauth", "dmarc"), Contestant("authheaders, list kept", "authheaders", "dmarc")),
    ),
    "write": Group(
        _STAGES[:1], (Contestant("mailauth", "mailauth", "write"), Contestant("authres", "authres", "write"))
    ),
    "read": Group(_STAGES[:1], (Contestant("mailauth", "mailauth", "read"), Contestant("authres", "authres", "read"))),
    "memory": Group(
        ("5m-base64-rsa", "25m-base64-rsa", "25m-base64-rsa-simple"),
        (
            Contestant("mailauth", "mailauth", "all"),
            *both_floors("all"),
            Contestant("authheaders, list kept", "authheaders", "all-kept"),
            Contestant("emailsec, list kept", "emailsec", "all-kept"),
            Contestant("npm mailauth", "npm mailauth", "all"),
            Contestant("dkimpy", "dkimpy", "dkim"),
            Contestant("Mail::DKIM", "Mail::DKIM", "dkim"),
            Contestant("OpenDKIM", "OpenDKIM", "dkim"),
        ),
    ),
}  # fmt: skip
SMALL = "2k-prose-rsa"

IMPORTS = {
    "mailauth": "import mailauth",
    "cryptography RSA": "from cryptography.hazmat.primitives.asymmetric import rsa",
    "dkimpy": "import dkim",
    "authheaders": "import authheaders",
    "emailsec": "import emailsec",
}
