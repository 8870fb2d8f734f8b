"""The names that are to be protected, prepared once so that a look-up costs the same for one name and for a thousand.

A name is found by its forms of `shape`, and for a slip of typing by what is left of it without one letter. Knows no
message.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mailauth import names
from mailauth.dmarc.psl import load_suffix_list
from mailauth.errors import UsageError
from mailauth.lookalike.shape import decoded, glance, plain
from mailauth.lookalike.slip import shortened
from mailauth.text import shown

BEGINNING = 4  # letters of a name that is looked for among other words, at least
_LEAST = 2  # letters of a brand: fewer are in everything


@dataclass(frozen=True, slots=True)
class Core:
    """The part of a name that is imitated: "example" of example.com and example.net, or a brand."""

    shown: str
    plain: str
    glance: str
    domains: Mapping[str, str]  # by public suffix, in the order given; none for a brand

    def target(self, suffix: str) -> str:
        """Return the protected domain with a suffix, or the first one; a brand is itself."""
        return self.domains.get(suffix) or next(iter(self.domains.values()), self.shown)


class Index(NamedTuple):
    """Cores by how they are looked up."""

    domains: frozenset[str]
    glances: Mapping[str, tuple[Core, ...]]
    slips: Mapping[str, tuple[Core, ...]]
    beginnings: Mapping[str, frozenset[int]]  # first letters of a key of `glances`, and how long these are
    longest: int  # letters of a core


@dataclass(frozen=True, slots=True, init=False)
class Protected:
    """Domains and brands whose imitations are looked for. Prepared when made, so make it once, and share it.

    Args:
        names: domains as they were registered, such as "example.com", with all their subdomains, and brands, such as
            "sparfuchs": words without a dot. A subdomain counts as the domain that it is in. List every domain that is
            yours: one that is not here may count as an imitation.

    Raises:
        UsageError: for what is neither a domain that can be registered nor a word.
    """

    names: tuple[str, ...]
    index: Index = field(init=False, repr=False, compare=False)

    def __init__(self, names: Collection[str]) -> None:
        """Prepare the names."""
        if isinstance(names, (str, bytes)) or not all(isinstance(each, str) for each in names):
            msg = f"Protected({shown(names)}): give a list of domains and brands, such as ['example.com', 'sparfuchs']"
            raise UsageError(msg)
        object.__setattr__(self, "names", tuple(dict.fromkeys(map(_normal, names))))
        object.__setattr__(self, "index", _index(self.names))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.names,)

    def owner(self, domain: str) -> str | None:
        """Return which of these a domain is, or is below, None for another. Never raises for any input."""
        name = names.to_ascii(domain)
        while name and name not in self.index.domains:
            name = name.partition(".")[2]
        return name or None


def split(name: str) -> tuple[list[str], str]:
    """Return the labels of a domain above its public suffix, and that suffix; a suffix is read as a registered name."""
    suffix = load_suffix_list().suffix(name)
    if suffix == name:
        suffix = name.rpartition(".")[2]
    return name[: -len(suffix) - 1].split("."), suffix


def _normal(name: str) -> str:
    ascii_name = names.to_ascii(name.strip())
    if ascii_name is not None and "." in ascii_name:
        labels, suffix = split(ascii_name)
        if not load_suffix_list().is_icann_suffix(ascii_name):
            return f"{labels[-1]}.{suffix}"
    elif ascii_name is not None and len(plain(decoded(ascii_name))) >= _LEAST:
        return ascii_name
    msg = (
        f"Protected([{shown(name)}]): this is neither a domain that can be registered, such as 'example.com', nor a "
        "brand in one word, such as 'sparfuchs'"
    )
    raise UsageError(msg)


def _index(protected: tuple[str, ...]) -> Index:
    cores: dict[str, dict[str, str]] = {}
    for name in protected:
        if "." in name:
            labels, suffix = split(name)
            cores.setdefault(decoded(labels[-1]), {}).setdefault(suffix, name)
        else:
            cores.setdefault(decoded(name), {})
    glances: dict[str, list[Core]] = defaultdict(list)
    slips: dict[str, list[Core]] = defaultdict(list)
    beginnings: dict[str, set[int]] = defaultdict(set)
    for word, domains in cores.items():
        core = Core(word, plain(word), glance(plain(word)), domains)
        if not core.plain:
            continue  # nothing in it can be seen, so that nothing looks like it
        glances[core.glance].append(core)
        if len(core.plain) >= BEGINNING:
            beginnings[core.glance[:BEGINNING]].add(len(core.glance))
        for rest in shortened(core.plain):
            slips[rest].append(core)
    return Index(
        frozenset(name for name in protected if "." in name),
        {key: tuple(value) for key, value in glances.items()},
        {key: tuple(value) for key, value in slips.items()},
        {key: frozenset(value) for key, value in beginnings.items()},
        max(map(len, slips), default=0),
    )
