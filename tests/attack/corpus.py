"""The corpus: every case of the section modules, and what the library says of each."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from attack.case import RECEIVER, Case
from mailauth import Authentication, Question, aio, authenticate
from mailauth.testing import Faults, Zone

# Each section and its entries in the catalogue of attacks
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "author": tuple(f"A{n}" for n in range(1, 17)),
    "dkim": tuple(f"B{n}" for n in range(1, 17)),
    "spf": tuple(f"C{n}" for n in range(1, 11)),
    "dmarc": tuple(f"D{n}" for n in range(1, 6)),
    "arc": tuple(f"E{n}" for n in range(1, 8)),
    "authres": ("F1", "F2", "F3"),
    "transport": ("G1", "G2", "G3"),
    "dns_faults": ("H",),
}


@cache
def sections() -> dict[str, list[Case]]:
    """Return the cases of each section module of this package."""
    return {name: importlib.import_module(f"attack.{name}").CASES for name in SECTIONS}


@cache
def cases() -> tuple[Case, ...]:
    """Return all cases, in the order of the catalogue."""
    return tuple(case for section in sections().values() for case in section)


def arguments(case: Case) -> dict[str, Any]:
    """Return what both fronts are called with, but for the resolver."""
    return {
        "raw": case.raw,
        "connection": case.connection,
        "authserv_id": RECEIVER,
        "now": case.now,
        "limits": case.limits,
        "options": case.options,
    }


def resolver(case: Case) -> Faults:
    """Return the DNS of a case."""
    return Faults(Zone(case.zone), case.faults)


def found(case: Case) -> Authentication:
    """Return what the library says of a case."""
    return authenticate(resolver=resolver(case), **arguments(case))


def found_async(case: Case) -> Authentication:
    """Return what its asynchronous front says, asking an asynchronous function."""
    dns = resolver(case)

    async def ask(name: str, rdtype: str) -> Any:
        await asyncio.sleep(0)
        return dns.resolve((Question(name, rdtype),))[0]

    return asyncio.run(aio.authenticate(resolver=ask, **arguments(case)))


def word(auth: Authentication, place: str) -> str:
    """Return the word at a place such as "spf", "dkim.0" or "dmarc.author_domain"; "none" for no outcome."""
    check, _, rest = place.partition(".")
    if check == "dkim":
        return str(auth.dkim[int(rest)].result) if int(rest) < len(auth.dkim) else "none"
    outcome = getattr(auth, check)
    value = None if outcome is None else getattr(outcome, rest or "result")
    return "none" if value is None else str(value)
