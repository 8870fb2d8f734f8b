"""The opinion of authres: whether it reads our Authentication-Results field as it was meant."""

from __future__ import annotations

from mailauth.authentication import Authentication
from mailauth.opinions.answers import Opinion, printable_words

_MAX_HEADER_FIELD = 16 * 1024
_MAX_NESTING = 50


def header_opinion(authentication: Authentication) -> Opinion:
    """Compare what authres reads in our field with what we wrote."""
    import authres  # noqa: PLC0415 optional: imported on use
    import authres.arc  # noqa: PLC0415
    import authres.dmarc  # noqa: PLC0415

    header = authentication.headers[0]
    from mailauth.authres import parse  # noqa: PLC0415  the name is that of the engine here

    ours = [f"{r.method}={r.result}" for r in parse(header).results]
    shown = ", ".join(ours) or "none"
    if len(header) > _MAX_HEADER_FIELD or header.count("(") > _MAX_NESTING:
        return Opinion("header", "authres", shown, None, None, "the field is too large for authres")
    try:
        context = authres.FeatureContext(authres.dmarc, authres.arc)
        read = context.parse(header.replace("\r\n", ""))
        found = [f"{r.method}={r.result}" for r in read.results]
        theirs = ", ".join(found) or "none"
        agrees = found == ours
    except Exception as error:  # noqa: BLE001  it lets many types out
        theirs, agrees = f"error ({type(error).__name__}: {printable_words(error)})", False
    explanation = None
    if not agrees:
        if not header.isascii():
            explanation = "authres refuses UTF-8 (RFC 8601 §2.2 allows it in SMTPUTF8 mail)"
        elif header.partition(":")[2].lstrip().startswith('"'):
            explanation = "authres refuses a quoted authserv-id"
    return Opinion("header", "authres", shown, theirs, agrees, explanation)
