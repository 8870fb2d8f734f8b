"""Whether a stranger's authserv-id is one of ours (RFC 8601 §2.5, §5), without IDNA of what the stranger wrote.

A field costs its sender thirty octets, and IDNA for a name in it costs more than everything else. Our own
names are converted once; the stranger's labels are compared with ours in both forms.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from mailauth import names

# Invisible characters: some readers drop them, others do not
_UNSEEN = "\x7f-\xa0\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffd"
INVISIBLE = re.compile(f"[\x00-\x20{_UNSEEN}]")
# What may be inside a name, and is not part of it
NOISE = re.compile(f'["\\\\\x00-\x08\x0b\x0c\x0e-\x1f{_UNSEEN}]')
# RFC 8601 §2.2: the value of a property is not an authserv-id
_PROPERTY = r'[\w-]++\.[\w-]++=[^\s;("]*+'


class OurNames:
    """The names of a receiver.

    Attributes:
        words: how they can be written: A-labels and U-labels, without case and without `NOISE`.
        whole: finds a word as a whole name, its first group; perhaps with a final dot, but no part of another name, nor
            of a property such as smtp.mailfrom; a single label on neither side of "=".
    """

    def __init__(self, authserv_ids: tuple[str, ...]) -> None:
        """Convert the names."""
        normal = {_normal(authserv_id) for authserv_id in authserv_ids}
        shown = {name: names.to_unicode(name) for name in normal}
        texts = normal | {text.casefold() for text in shown.values()}
        self.words = frozenset(NOISE.sub("", text) for text in texts) - {""}
        labels, several = (_either(word for word in self.words if ("." in word) is dots) for dots in (False, True))
        self.whole = re.compile(rf"(?<![\w.-])(?:((?:{several})|(?<!=)(?:{labels})(?!\s*+=))(?!\.?[\w-])|{_PROPERTY})")
        pairs = [pair for name, text in shown.items() for pair in zip(text.split("."), name.split("."), strict=True)]
        self._a_labels = {u_label: label for u_label, label in pairs if u_label != label}
        self._folded = {u_label.casefold(): label for u_label, label in pairs if u_label != label}
        self._names = (normal | {INVISIBLE.sub("", NOISE.sub("", name)) for name in normal}) - {""}

    def __contains__(self, claimed: str) -> bool:
        """Whether an authserv-id is one of them, in U-labels or A-labels, in any case."""
        if _converted(names.lower_ascii(claimed), self._a_labels) in self._names:
            return True
        if claimed.isascii() or _converted(claimed.casefold(), self._folded) not in self._names:
            return False
        # RFC 5890 §2.3.2.4: two U-labels are two names, also where case folding makes them one (ß and ss)
        return names.to_ascii(claimed) is None


def _either(words: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(words))) or "(?!)"


@lru_cache(maxsize=64)
def our_names(authserv_ids: tuple[str, ...]) -> OurNames:
    """Return the names of a receiver, converted once."""
    return OurNames(authserv_ids)


def _normal(authserv_id: str) -> str:
    """RFC 8601 §5: compared without case, and as U-labels for EAI; the A-label form is the same comparison."""
    folded = authserv_id.casefold()
    return names.to_ascii(authserv_id) or names.to_ascii(folded) or folded.removesuffix(".")


def _converted(name: str, a_labels: Mapping[str, str]) -> str:
    """Return a name with the U-labels that are ours as A-labels, without final dot."""
    labels = name.removesuffix(".").split(".")
    return ".".join([a_labels.get(label, label) for label in labels])
