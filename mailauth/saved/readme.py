"""README.txt of a folder of evidence: what is in it, what it shows and what it does not, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from mailauth._version import __version__
from mailauth.saved.how import How
from mailauth.saved.verdict import Saved
from mailauth.text import safe

_TEXT = """\
Evidence for the verdict on one e-mail message
==============================================

mailauth {version} checked who sent the message in message.eml. Its verdict:

{verdict}

The time of receipt that was assumed: {moment}
The DNS answers are from: {asked}

What is in this folder
----------------------

message.eml          the message, octet for octet as it was stored
dns.json             every DNS question that was asked, and its answer; also
                     "there is no such name" and "no answer"
verdict.json         the verdict on each check, with its reason
explanation.html     the same for people: open it in a browser
second-opinion.json  what other programs say of the same message and answers,
                     or that they were not asked
about.json           versions of the programs, and the options that were used
{keys}SHA256SUMS           the SHA-256 sum of each file
README.txt           this text

What it shows
-------------

- With this message and these DNS answers, the rules of SPF, DKIM, ARC and
  DMARC lead to this verdict. Anybody can repeat that, with mailauth or with
  other software, without asking DNS.
- A DKIM signature that verifies was made with the private key that belongs to
  the public key in {where}.
  What it covers has not changed since.

What it does not show
---------------------

- That these DNS answers were given. Whoever wrote this folder could have
  written other ones. Other people may have asked the same questions on the
  same day: compare.
- That a person wrote the message. A signature is that of a domain. The text may
  be untrue, and the key may have been stolen, or published since.
- When the message was sent, unless you trust the server that wrote the topmost
  Received fields.
- That the folder was not changed. The sums show that only if you have the sum of
  SHA256SUMS from somebody whom you trust, or with a time stamp or a signature.
{guess}{vouched}
How to check it
---------------

    sha256sum -c SHA256SUMS
    mailauth evidence --check .

The second command verifies the message again from this folder alone, and says
what differs. It does not ask DNS, and writes nothing.
"""
_GUESS = """\
- From which server the message came: the address was read from the message. The
  results of SPF and iprev are as good as that.
"""
_VOUCHED = """\
- That the keys in {keys} were ever in DNS. Whoever gave them vouches for them.
"""


def text(saved: Saved, how: How, asked: str, keys: Sequence[str]) -> str:
    """Return the text for a verdict.

    Args:
        saved: the verdict.
        how: the options.
        asked: where the answers are from.
        keys: the names of the files of old keys.
    """
    found = saved.authentication
    outcomes = [f"  {each.check:10} {each.result:10} {safe(each.subject)}".rstrip() for each in found.outcomes[:50]]
    files = "".join(f"{name:20} old keys, which DNS did not publish\n" for name in keys)
    return _TEXT.format(
        version=__version__,
        verdict="\n".join(outcomes),
        moment=(saved.received_at or how.now).isoformat(),
        asked=safe(asked),
        keys=files,
        where="dns.json or in a file of old keys" if keys else "dns.json",
        guess=_GUESS if found.connection.is_guess else "",
        vouched=_VOUCHED.format(keys=", ".join(keys)) if keys else "",
    )
