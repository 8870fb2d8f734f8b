"""The reasons of BIMI (draft-brand-indicators-for-message-identification)."""

from __future__ import annotations

from collections.abc import Mapping

from mailauth.explain.reasons.entry import Entry
from mailauth.results import Reason

_NO_LOGO = "Show no logo."

ENTRIES: Mapping[Reason, Entry] = {
    Reason.BIMI_VERIFIED: Entry(
        meaning="The domain publishes a logo that is fit to be shown, and the message is authentic.",
        source="BIMI §8.6, §8.7",
        sender="",
        receiver="You may show the logo. Without a mark certificate (`authority`) nobody has checked whose it is.",
        results=("bimi=pass",),
    ),
    Reason.BIMI_NO_RECORD: Entry(
        meaning="Neither the domain nor its organization publishes a BIMI record for the selector.",
        source="BIMI §8.2, §8.7",
        sender="Publish a record for this selector if you want a logo to be shown.",
        receiver=_NO_LOGO,
        results=("bimi=none",),
    ),
    Reason.BIMI_DECLINED: Entry(
        meaning="The domain publishes that it does not take part.",
        source="BIMI §5.3.1, §8.5",
        sender="Nothing, if that is what you want.",
        receiver="Show no logo, not even one that you know from elsewhere.",
        results=("bimi=declined",),
    ),
    Reason.BIMI_NOT_AUTHENTICATED: Entry(
        meaning="DMARC did not pass, so that nothing was looked up.",
        source="BIMI §8.1",
        sender="See the reason of DMARC.",
        receiver=_NO_LOGO,
        results=("bimi=skipped",),
    ),
    Reason.BIMI_AUTHORS: Entry(
        meaning="From does not have exactly one address in the form of RFC 5322.",
        source="BIMI §8.1",
        sender="Name one author in From.",
        receiver=_NO_LOGO,
        results=("bimi=skipped",),
    ),
    Reason.BIMI_POLICY: Entry(
        meaning="The DMARC policy of the domain or its organization is too weak for logos.",
        source="BIMI §2, §8.1, RFC 9989 §4.7",
        sender="Publish `p=quarantine` or `p=reject` at the Organizational Domain; no `sp=none`, `t=y` or `pct=`.",
        receiver=_NO_LOGO,
        results=("bimi=skipped",),
    ),
    Reason.BIMI_NO_EVIDENCE: Entry(
        meaning="The record names no mark certificate, which `Options.require_evidence` requires.",
        source="BIMI §8.5, §8.7",
        sender="Get a mark certificate for the logo, and name it in `a=`.",
        receiver=_NO_LOGO,
        results=("bimi=skipped",),
    ),
    Reason.BIMI_SEVERAL_RECORDS: Entry(
        meaning="There are several BIMI records at one name.",
        source="BIMI §8.2",
        sender="Publish one record.",
        receiver=_NO_LOGO,
        results=("bimi=fail",),
    ),
    Reason.BIMI_RECORD: Entry(
        meaning="The BIMI record has an error, and errors are not repaired.",
        source="BIMI §5.3, §8.3",
        sender="Correct the record as `detail` says.",
        receiver=_NO_LOGO,
        results=("bimi=fail",),
    ),
    Reason.BIMI_UNREACHABLE: Entry(
        meaning="The logo or the mark certificate was not fetched, for a cause that may pass, or because nobody asked.",
        source="BIMI §8.3, §8.7",
        sender="Make the server of the URI in `detail` answer.",
        receiver="Show no logo now. If you gave no fetcher, give one.",
        results=("bimi=temperror",),
    ),
    Reason.BIMI_NOT_FETCHED: Entry(
        meaning="The logo or the mark certificate could not be fetched over HTTPS, within the bounds of its size.",
        source="BIMI §8.5, §8.6",
        sender="Offer the file at the URI in `detail`, with a certificate for its host that everybody trusts.",
        receiver=_NO_LOGO,
        results=("bimi=fail",),
    ),
    Reason.BIMI_INDICATOR: Entry(
        meaning="The logo is not SVG of the profile for logos.",
        source="BIMI §5.3.2, §8.6",
        sender="Convert the logo to SVG Tiny P/S; `problems` has what is wrong with it.",
        receiver="Show no logo. It may be harmful.",
        results=("bimi=fail",),
    ),
    Reason.BIMI_EVIDENCE: Entry(
        meaning="The mark certificate does not prove that the domain may use the logo.",
        source="BIMI §8.4, §8.9",
        sender="Ask whoever issued the certificate; `problems` has what is wrong with it.",
        receiver=_NO_LOGO,
        results=("bimi=fail",),
    ),
}
