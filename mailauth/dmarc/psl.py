"""The public suffix list: Organizational Domains of RFC 7489 §3.2, through publicsuffix2.

The list is data that ages: a path of the caller, the system's list, the data of the `publicsuffixlist` package, and
last, with a warning, the list of 2019 inside publicsuffix2. An unlisted top-level domain is a suffix of one label.
"""

from __future__ import annotations

import warnings
from functools import cache, lru_cache
from importlib import util
from pathlib import Path

from mailauth.errors import UsageError

_SYSTEM = Path("/usr/share/publicsuffix/public_suffix_list.dat")


class SuffixList:
    """A public suffix list; names in normal form (A-labels, lower case, no final dot)."""

    def __init__(self, path: str | None) -> None:
        """Read the list at a path; None is the one inside publicsuffix2."""
        import publicsuffix2  # noqa: PLC0415  only who asks for suffixes pays for the list

        # Its rules are right, its look-up is not: it takes every name above a rule for a rule (salesforce.com, because
        # of my.salesforce.com), and an unlisted top-level domain for everybody's organization
        self._rules = frozenset(publicsuffix2.PublicSuffixList(path).tlds)
        self._known = lru_cache(maxsize=1024)(self._suffix)

    def suffix(self, domain: str) -> str:
        """Return the public suffix of a domain, which may be the domain itself."""
        return self._known(domain)

    def _suffix(self, domain: str) -> str:
        name = domain
        while True:
            _, _, parent = name.partition(".")
            if f"!{name}" in self._rules:
                return parent
            if not parent or name in self._rules or f"*.{parent}" in self._rules:
                return name
            name = parent

    def is_suffix(self, domain: str) -> bool:
        """Whether the domain is a public suffix, under which strangers register names."""
        return self.suffix(domain) == domain

    def organizational_domain(self, domain: str) -> str:
        """Return the Organizational Domain: the suffix and one label; a suffix is its own (RFC 7489 §3.2)."""
        suffix = self.suffix(domain)
        if suffix == domain:
            return domain
        return domain[: -len(suffix) - 1].rpartition(".")[2] + "." + suffix


def load_suffix_list(path: str | None = None) -> SuffixList:
    """Return the list at a path, or the best one installed; each is read once.

    Raises:
        UsageError: for a path that cannot be read.
    """
    if path is not None:
        if not Path(path).is_file():
            msg = f"public_suffix_list={path!r} is no file: give the path of a public_suffix_list.dat, or None"
            raise UsageError(msg)
        return _load(path)
    return _load(_best())


@cache
def _best() -> str | None:
    """Return the path of the best list that is installed, None for the one inside publicsuffix2."""
    paths = [_SYSTEM]
    package = util.find_spec("publicsuffixlist")
    if package is not None and package.origin:
        paths.append(Path(package.origin).with_name("public_suffix_list.dat"))
    return next((str(path) for path in paths if path.is_file()), None)


def warn_if_old(path: str | None) -> None:
    """Warn when Organizational Domains would come from the list of 2019."""
    if load_suffix_list(path) is _load(None):
        warnings.warn(
            "no current public suffix list: install mailauth[psl] or Debian's publicsuffix, or set "
            "Options(public_suffix_list=…); the list of 2019 inside publicsuffix2 is used",
            stacklevel=3,
        )


@lru_cache(maxsize=8)
def _load(path: str | None) -> SuffixList:
    return SuffixList(path)
