"""Evidence for a verdict: all that another person needs to reach it without us, and the repetition from it.

`collect` verifies a message and returns the files; `check` reads a folder, verifies again from it alone, and says what
differs. A folder may come from a stranger: it is read with bounds, and nothing in it raises. What such a folder proves
is in `docs/evidence.md`. Asks DNS in `collect` only, and writes nothing.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from typing import Any, NamedTuple

from mailauth._version import __version__
from mailauth.dns.values import Answer, Question
from mailauth.errors import UsageError
from mailauth.explain import tell
from mailauth.message.fields import Octets
from mailauth.resolvers.archived import MAX_OLD
from mailauth.resolvers.keyfile import KeyFile
from mailauth.resolvers.recorder import Recorder
from mailauth.resolvers.zone import NOT_RECORDED, Zone
from mailauth.resolvers.zonefile import is_recording, parse_json
from mailauth.saved import bundle, readme
from mailauth.saved.how import How
from mailauth.saved.keys import notes
from mailauth.saved.same import Difference, differences
from mailauth.saved.verdict import Saved
from mailauth.text import shown

_FORMAT = 1
_MAX_NAMES = 10_000  # of a recording: a message asks 100 questions
_PACKAGES = ("cryptography", "dnspython", "idna", "authres", "dkimpy", "publicsuffix2", "pyspf", "publicsuffixlist")


class Collected(NamedTuple):
    """The verdict on a message, and the files for it."""

    saved: Saved
    files: dict[str, bytes]


class Checked(NamedTuple):
    """What came of a repetition.

    Attributes:
        unusable: what cannot be used, each with its reason.
        differs: what is not as the manifest says, or otherwise than the folder says.
        verdict: the differences between the verdict of the folder and that of now, if there is one.
        remarks: what is worth knowing, and no difference of a verdict.
        saved: the verdict of now; None if there is none.
    """

    unusable: tuple[str, ...]
    differs: tuple[str, ...]
    verdict: tuple[Difference, ...] = ()
    remarks: tuple[str, ...] = ()
    saved: Saved | None = None

    @property
    def is_usable(self) -> bool:
        """Whether everything could be read and repeated."""
        return not self.unusable

    @property
    def is_same(self) -> bool:
        """Whether the repetition gave the same, up to the words."""
        return self.is_usable and not self.differs and all(each.words for each in self.verdict)


def collect(
    raw: Octets, resolver: Any, how: How, files: Sequence[KeyFile] = (), asked: str = "the caller's resolver"
) -> Collected:
    """Verify a message, and return the evidence for the verdict as files.

    Args:
        raw: the octets of the message, as stored.
        resolver: a synchronous resolver; see `mailauth.authenticate`.
        how: the options.
        files: old keys, which the caller vouches for.
        asked: where the resolver has its answers from, in words.

    Raises:
        UsageError, TypeError: for an argument that cannot be used.
    """
    from mailauth.explain.html import as_html  # noqa: PLC0415  large, and not needed to check

    if len(files) > bundle.MAX_KEY_FILES:
        msg = f"give at most {bundle.MAX_KEY_FILES} files of old keys"
        raise UsageError(msg)
    if how.authserv_id is None:
        import socket  # noqa: PLC0415  only for a caller who gives no name

        how = replace(how, authserv_id=socket.gethostname())
    recorder = Recorder(resolver)
    saved = how.verify(raw, recorder, files)
    opinions = _opinions(saved, recorder)
    names = {question.name for question, _ in saved.authentication.dns}
    keys = {f"keys-{number}.json": _keys(file, names) for number, file in enumerate(files, 1)}
    about = {
        "format": _FORMAT,
        "written": datetime.now(UTC).isoformat(),
        "versions": _versions(),
        "asked": asked,
        "options": how.to_dict(),
        "keys": [{"file": name, "source": file.source} for name, file in zip(keys, files, strict=True)],
    }
    recording = recorder.to_dict(how.now, datetime.now(UTC))
    data = {
        bundle.DNS: recording,
        bundle.VERDICT: _verdict(saved),
        bundle.OPINION: opinions,
        bundle.ABOUT: about,
        **keys,
    }
    content = {name: f"{json.dumps(value, indent=1)}\n".encode("ascii") for name, value in data.items()}
    story = tell(saved.authentication, saved.raw, (*saved.notes(), *notes(saved, files)))
    content |= {
        bundle.MESSAGE: bytes(raw),
        bundle.PAGE: as_html(story, saved.authentication).encode(),
        bundle.README: readme.text(saved, how, asked, list(keys)).encode(),
    }
    return Collected(saved, content)


def check(path: str) -> Checked:
    """Verify the message of a folder again, from the folder alone, and compare. Never raises for anything in it.

    Raises:
        MailauthError: if there is no such folder.
    """
    folder = bundle.read(path)
    unusable, differs = [*folder.unusable], tuple(folder.differs)
    data: dict[str, Any] = {}
    for name, content in folder.files.items():
        if name.endswith(".json") and not bundle.KEYS.fullmatch(name):
            try:
                data[name] = parse_json(content.decode("ascii"), name, "JSON as mailauth writes it")
            except ValueError as error:
                # A UsageError, or octets that are not ASCII
                unusable.append(str(error) if isinstance(error, UsageError) else f"{name}: not ASCII")
    if unusable:
        return Checked(tuple(unusable), differs)
    try:
        zone = _zone(data[bundle.DNS])
        how, files = _about(data[bundle.ABOUT], folder.files)
        saved = how.verify(folder.files[bundle.MESSAGE], zone, files)
    except (UsageError, TypeError) as error:
        return Checked((str(error),), differs)
    found = differences(data[bundle.VERDICT], json.loads(json.dumps(_verdict(saved))))
    return Checked((), differs, found, tuple(_remarks(data, saved, zone)), saved)


def _verdict(saved: Saved) -> dict[str, Any]:
    return {**saved.authentication.to_dict(), "saved": saved.to_dict()}


def _opinions(saved: Saved, resolver: Any) -> dict[str, Any]:
    """Return what the independent engines say, or why they were not asked."""
    try:
        from mailauth.opinions import second_opinion  # noqa: PLC0415  it loads four more packages

        opinions = second_opinion(saved.raw, saved.authentication, resolver)
    except ImportError as error:
        return {"asked": False, "why": f"a package is missing: {error.name}", "opinions": []}
    return {"asked": True, "why": "", "opinions": [opinion.to_dict() for opinion in opinions]}


def _keys(file: KeyFile, names: set[str]) -> list[dict[str, str]]:
    """Return the keys of a file that could matter here, in the form that `KeyFile` reads."""
    rows = []
    for name in sorted(names & file.records.keys()):
        selector, _, domain = name.partition("._domainkey.")
        # More than are tried, because those that DNS has are passed over
        for record in file.records[name][: 4 * MAX_OLD]:
            value = record.decode("utf-8", "surrogateescape")
            rows.append({"domain": domain, "selector": selector, "value": value})
    return rows


def _versions() -> dict[str, str]:
    from cryptography.hazmat.backends.openssl import backend  # noqa: PLC0415  only here

    found = {"mailauth": __version__, "python": platform.python_version(), "openssl": backend.openssl_version_text()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def _zone(data: Any) -> Zone:
    if not is_recording(data) or not isinstance(data["zone"], dict):
        msg = f"{bundle.DNS}: not a recording"
        raise UsageError(msg)
    if len(data["zone"]) > _MAX_NAMES or len(data.get("answers") or ()) > _MAX_NAMES:
        msg = f"{bundle.DNS}: more than {_MAX_NAMES} names, which no message asks for"
        raise UsageError(msg)
    try:
        return Zone(data)
    except UsageError as error:
        msg = f"{bundle.DNS}: {error}"
        raise UsageError(msg) from None


def _about(data: Any, contents: Mapping[str, bytes]) -> tuple[How, list[KeyFile]]:
    if not isinstance(data, dict) or data.get("format") != _FORMAT or not isinstance(data.get("keys"), list):
        msg = f"{bundle.ABOUT}: not of format {_FORMAT}; a newer version of mailauth may read it"
        raise UsageError(msg)
    files: dict[str, KeyFile] = {}
    for row in data["keys"]:
        name, source = (row.get("file"), row.get("source")) if isinstance(row, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(source, str) or name in files or not bundle.KEYS.fullmatch(name):
            msg = f"{bundle.ABOUT}: keys: {shown(row)} is not a file of old keys and its source, named once"
            raise UsageError(msg)
        if name not in contents:
            msg = f"{bundle.ABOUT}: keys: {name} is not in {bundle.SUMS}"
            raise UsageError(msg)
        files[name] = KeyFile.parse(contents[name], name, source)
    try:
        return How.from_dict(data.get("options")), list(files.values())
    except UsageError as error:
        msg = f"{bundle.ABOUT}: options: {error}"
        raise UsageError(msg) from None


def _remarks(data: Mapping[str, Any], saved: Saved, zone: Zone) -> list[str]:
    asked = dict(saved.authentication.dns)

    def resolve(name: str, rdtype: str) -> Answer:
        question = Question(name, rdtype)
        (asked[question],) = zone.resolve((question,))
        return asked[question]

    now, about = _versions(), data[bundle.ABOUT].get("versions")
    then = about if isinstance(about, dict) else {}
    remarks = [f"{name} was {shown(then.get(name))}, is {now[name]}" for name in now if then.get(name) != now[name]]
    old = data[bundle.OPINION]
    again = _opinions(saved, resolve)
    if isinstance(old, dict) and old.get("asked") and again["asked"] and old.get("opinions") != again["opinions"]:
        remarks.append(f"the second opinion is another one now than that in {bundle.OPINION}")
    missing = [question for question, answer in asked.items() if answer == NOT_RECORDED]
    remarks += [f"{name} {rdtype} was not asked then" for name, rdtype in missing[:10]]
    return remarks
