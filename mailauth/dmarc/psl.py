"""The public suffix list: Organizational Domains of RFC 7489 §3.2.

The list is data that ages; the sources are a path given by the caller, the system's list, the data of the
`publicsuffixlist` package, and last, with a warning, the list of 2019 that comes with publicsuffix2. An unlisted
top-level domain is a suffix of one label. An incomplete list would make strangers one organization: it is refused,
never used.
"""

from __future__ import annotations

import re
import warnings
from functools import cache, lru_cache
from importlib import util
from pathlib import Path

from mailauth import names
from mailauth.errors import UsageError

_SYSTEM = Path("/usr/share/publicsuffix/public_suffix_list.dat")
_SOURCE = "https://publicsuffix.org/list/public_suffix_list.dat"
_MAX_BYTES = 16 * 1024 * 1024
_MARKER = re.compile(r"// ===(BEGIN|END) ([A-Z ]+)===")
_ICANN = "ICANN DOMAINS"
# A domain name in any script, perhaps with a wildcard for its first label, or an exception to one
_LABEL = r"[^\s!*.:;,/\\<>()\[\]{}\"'=&|]{1,63}"
_RULE = re.compile(rf"(?:!|\*\.)?{_LABEL}(?:\.{_LABEL})*")


class SuffixList:
    """A public suffix list; names in normal form (A-labels, lower case, no final dot)."""

    def __init__(self, path: str | None) -> None:
        """Read the list at a path; None is the one that comes with publicsuffix2.

        Raises:
            UsageError: for a file that cannot be read or is not a complete list.
        """
        if path is None:
            import publicsuffix2  # noqa: PLC0415  large, and seldom the best list

            path = publicsuffix2.PSL_FILE
        # publicsuffix2 would read it in several times the time, and look names up wrongly: it takes every name above a
        # rule for a rule (salesforce.com, because of my.salesforce.com)
        try:
            icann, others = _sections(_text(path))
        except (OSError, ValueError) as problem:
            msg = f"the public suffix list {path!a} cannot be used ({problem}): put a fresh copy of {_SOURCE} there"
            raise UsageError(msg) from None
        self._icann, self._rules = frozenset(icann), frozenset(icann + others)
        self._known = lru_cache(maxsize=1024)(_suffix)

    def suffix(self, domain: str) -> str:
        """Return the public suffix of a domain, which may be the domain itself."""
        return self._known(domain, self._rules)

    def is_suffix(self, domain: str) -> bool:
        """Whether the domain is a public suffix, under which strangers have names."""
        return self.suffix(domain) == domain

    def is_icann_suffix(self, domain: str) -> bool:
        """Whether the domain is a suffix in the ICANN part of the list, under which names are registered."""
        return self._known(domain, self._icann) == domain

    def organizational_domain(self, domain: str) -> str:
        """Return the Organizational Domain: the suffix and one label; a suffix is its own (RFC 7489 §3.2)."""
        suffix = self.suffix(domain)
        if suffix == domain:
            return domain
        return domain[: -len(suffix) - 1].rpartition(".")[2] + "." + suffix


def _suffix(domain: str, rules: frozenset[str]) -> str:
    # The rules are in U-labels, which are few: so that no rule has to be converted, the name is
    name = names.to_unicode(domain)
    while True:
        _, _, parent = name.partition(".")
        if f"!{name}" in rules:
            name = parent
            break
        if not parent or name in rules or f"*.{parent}" in rules:
            break
        name = parent
    return domain if name == domain else ".".join(domain.split(".")[-name.count(".") - 1 :])


def _text(path: str) -> str:
    """Return the text of a file.

    Raises:
        OSError: when it cannot be read.
        ValueError: when it is not text.
    """
    with Path(path).open("rb") as file:
        octets = file.read(_MAX_BYTES + 1)
    if not octets:
        msg = "the file is empty"
        raise ValueError(msg)
    if len(octets) > _MAX_BYTES:
        msg = f"the file has more than {_MAX_BYTES} octets"
        raise ValueError(msg)
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        msg = "the file is not UTF-8 text"
        raise ValueError(msg)
    return text


def _sections(text: str) -> tuple[list[str], list[str]]:
    """Return the rules of the ICANN section, and those of the others.

    Raises:
        ValueError: if this is not a list, or not a complete one.
    """
    # Choice D37: a list is complete if each section that begins ends, and the ICANN section has .com; so a list of few
    # rules can be complete, and part of a long one never is
    sections: dict[str, list[str]] = {}
    section: str | None = None
    for number, line in enumerate(text.split("\n"), 1):
        rule = line.strip()
        if not rule:
            continue
        if not rule.startswith("//"):
            # The format: a rule ends at the first white space
            rule = rule.split()[0].lower()
            if section is None or _RULE.fullmatch(rule) is None:
                msg = f"line {number} is not a rule in a section"
                raise ValueError(msg)
            sections[section].append(names.to_unicode(rule))
        elif marker := _MARKER.fullmatch(rule):
            word, name = marker.groups()
            if (word == "BEGIN") is (section is not None) or (word == "END" and name != section):
                msg = f"line {number} has {word} {name} out of place"
                raise ValueError(msg)
            section = name if word == "BEGIN" else None
            sections.setdefault(name, [])
    if section is not None:
        msg = f"it ends inside its section {section}"
        raise ValueError(msg)
    icann = sections.pop(_ICANN, [])
    if "com" not in icann:
        msg = f"it has no section {_ICANN} with the rule com"
        raise ValueError(msg)
    return icann, [rule for rules in sections.values() for rule in rules]


def load_suffix_list(path: str | None = None) -> SuffixList:
    """Return the list at a path, or the best one installed; each is read once.

    Raises:
        UsageError: for a path that cannot be read, and for an incomplete list.
    """
    if path is not None:
        if not Path(path).is_file():
            msg = f"public_suffix_list={path!r} is not a file: give the path of a public_suffix_list.dat, or None"
            raise UsageError(msg)
        return _load(path)
    return _best()


@cache
def _best() -> SuffixList:
    """Return the best list that is installed; the last choice is the one that comes with publicsuffix2."""
    paths = [_SYSTEM]
    package = util.find_spec("publicsuffixlist")
    if package is not None and package.origin:
        paths.append(Path(package.origin).with_name("public_suffix_list.dat"))
    for path in paths:
        if path.is_file():
            try:
                return _load(str(path))
            except UsageError as problem:
                warnings.warn(f"{problem}; the next best list is used", stacklevel=3)
    return _load(None)


def warn_if_old(path: str | None) -> None:
    """Warn if Organizational Domains would come from the list of 2019."""
    if load_suffix_list(path) is _load(None):
        warnings.warn(
            "no current public suffix list: install mailauth[psl] or Debian's publicsuffix, or set "
            "Options(public_suffix_list=…); using the list of 2019 that comes with publicsuffix2",
            stacklevel=3,
        )


@lru_cache(maxsize=8)
def _load(path: str | None) -> SuffixList:
    return SuffixList(path)
