"""Verification of every DKIM signature of a message (RFC 6376 §6).

A bad signature never harms a good one, and their order does not matter. All keys are asked in one round. The mapping
from cause to result word follows the table in `docs/decisions.md`, which completes RFC 8601 §2.7.1.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable

from mailauth import names
from mailauth.context import Context, context_of
from mailauth.dkim.key import Key, keys_of
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dkim.signature import Read, Signature, header_digest, read_signatures
from mailauth.dns.values import Answer, Evaluation, Question, unanswered
from mailauth.limits import Limits, Options
from mailauth.message.fields import Message
from mailauth.results import Problem, Reason, Result
from mailauth.text import one_line

# Choice D4: a signature that cannot be parsed says nothing (neutral); one that breaks a MUST is a permerror, as is
# every reason not listed here
_RESULTS = {
    Reason.SIGNATURE_SYNTAX: Result.NEUTRAL,
    Reason.SIGNATURE_VERSION: Result.NEUTRAL,
    Reason.UNKNOWN_ALGORITHM: Result.NEUTRAL,
    Reason.UNKNOWN_CANONICALIZATION: Result.NEUTRAL,
    Reason.UNKNOWN_QUERY_METHOD: Result.NEUTRAL,
    Reason.BODY_TOO_SHORT: Result.NEUTRAL,
    Reason.BODY_HASH_MISMATCH: Result.FAIL,
    Reason.SIGNATURE_MISMATCH: Result.FAIL,
    Reason.DNS_TIMEOUT: Result.TEMPERROR,
    Reason.DNS_FAILURE: Result.TEMPERROR,
    Reason.UNSIGNED_FROM: Result.POLICY,
    Reason.PARTIAL_BODY: Result.POLICY,
    Reason.EXPIRED: Result.POLICY,
    Reason.FUTURE: Result.POLICY,
    Reason.PUBLIC_SUFFIX: Result.POLICY,
    Reason.UNSIGNED_DUPLICATES: Result.POLICY,
    Reason.LIMIT_HEADER_BYTES: Result.POLICY,
    Reason.LIMIT_HEADER_FIELDS: Result.POLICY,
    Reason.LIMIT_SIGNATURES: Result.POLICY,
    Reason.LIMIT_SIGNATURE_BYTES: Result.POLICY,
    Reason.LIMIT_TAGS: Result.POLICY,
    Reason.LIMIT_SIGNED_HEADERS: Result.POLICY,
}

_SIGNATURES_PER_KEY = 5
_FEW = 12

# RFC 5322 §3.6: at most one of each; and the MIME fields that mail programs obey
_SINGLE = (
    b"subject", b"date", b"to", b"cc", b"reply-to", b"sender", b"message-id", b"in-reply-to", b"references",
    b"mime-version", b"content-type", b"content-transfer-encoding", b"content-disposition",
)  # fmt: skip


def verify(
    message: Message,
    context: Context | None = None,
    *,
    signatures: list[Read] | None = None,
    author_domain: str | None = None,
    is_public_suffix: Callable[[str], bool] | None = None,
    publishes: Callable[[Answer], bool] | None = None,
) -> Evaluation[tuple[DkimOutcome, ...]]:
    """Verify the DKIM signatures of a message, one outcome a field from the top. Never raises for any input.

    Args:
        message: the message.
        context: t= and x= are judged where it has a time; `Options` say what is locally acceptable.
        signatures: the result of `read_signatures`, if they were parsed before.
        author_domain: signatures that could align with it come first when there are more than the limit.
        is_public_suffix: says whether a domain is a public suffix; None: only single labels count as one.
        publishes: says whether a TXT answer for `_dmarc` below a domain contains a DMARC record: a public suffix that
            publishes one may sign. None: this is not asked.
    """
    context = context_of(context)
    limits, options = context.limits, context.options
    fields = read_signatures(message, limits) if signatures is None else signatures
    fields = _apply_limit(fields, message, author_domain, limits)
    # RFC 6376 §3.6.2: keys are TXT records
    questions = {s.key_name: Question(s.key_name, "TXT") for _, s, problem in fields if problem is None}
    suffixes: dict[str, Question] = {}
    if is_public_suffix is not None and not options.allow_public_suffix:
        domains = (s.domain or "" for _, s, problem in fields if problem is None)
        suffixes = {d: Question(f"_dmarc.{d}", "TXT") for d in domains if "." in d and is_public_suffix(d)}
    batch = (*questions.values(), *(suffixes.values() if publishes is not None else ()))
    answers = dict(zip(batch, (yield batch), strict=True)) if batch else {}
    registry_suffixes = {
        d for d, question in suffixes.items() if _belongs_to_registry(answers.get(question), publishes)
    }
    if publishes is not None:
        for domain, question in suffixes.items():
            context.used(question, "dkim", f"whether the public suffix {domain} may sign", "RFC 6376 §6.1.1")
    outcomes = []
    for position, signature, unread in fields:
        if unread is not None:
            outcomes.append(_outcome(position, signature, unread))
            continue
        question = questions[signature.key_name]
        answer = answers[question]
        context.used(question, "dkim", f"field {position}", "RFC 6376 §6.1.2")
        key, problem = check_signature(message, position, signature, answer, limits)
        unsigned = unsigned_octets(message, signature)
        duplicates = _unsigned_duplicates(message, signature)
        problem = problem or _unacceptable(message, signature, unsigned, duplicates, context, registry_suffixes)
        outcomes.append(_outcome(position, signature, problem, key, unsigned, duplicates, answer.secure))
    return tuple(outcomes)


def _belongs_to_registry(answer: Answer | None, publishes: Callable[[Answer], bool] | None) -> bool:
    # Choice D32: a public suffix with a DMARC record sends mail of its own; if DNS fails, it may have one
    return answer is None or publishes is None or not (answer.failed or publishes(answer))


def _apply_limit(fields: list[Read], message: Message, author_domain: str | None, limits: Limits) -> list[Read]:
    """Keep the signatures most likely to matter; the others become policy, without a lookup."""
    candidates = [i for i, read in enumerate(fields) if read.problem is None]
    if len(candidates) <= limits.signatures:
        return fields

    def rank(i: int) -> tuple[bool, bool]:
        signature = fields[i].signature
        aligned = bool(
            author_domain and signature.domain and names.may_share_organization(signature.domain, author_domain)
        )
        # Junk can claim any domain, but a correct body hash requires the whole body of a good message
        body_hash, length = message.body_hash(relaxed=signature.relaxed_body, length=signature.body_length)
        right_body = signature.body_length in (None, length) and body_hash == signature.body_hash
        return not aligned, not right_body

    candidates.sort(key=rank)
    # The cost of a signature is its lookup: those that share a key share a place, within reason
    keys: set[str] = set()
    beyond: set[int] = set()
    for number, i in enumerate(candidates):
        key = fields[i].signature.key_name
        if (key in keys or len(keys) < limits.signatures) and number < limits.signatures * _SIGNATURES_PER_KEY:
            keys.add(key)
        else:
            beyond.add(i)
    detail = f"more than {limits.signatures} keys to look up, or too many signatures: this one was not evaluated"
    problem = Problem(Reason.LIMIT_SIGNATURES, detail)
    return [read._replace(problem=problem) if i in beyond else read for i, read in enumerate(fields)]


def check_signature(
    message: Message, position: int, signature: Signature, answer: Answer, limits: Limits
) -> tuple[Key | None, Problem | None]:
    """Return the key that a parsed signature was checked with, and what is wrong; None if it verifies."""
    key, verified, problem = try_keys(signature, answer, lambda: header_digest(message, position, signature), limits)
    if problem is not None:
        return key, problem
    if key is not None and key.strict and not signature.at_domain:
        # RFC 6376 §3.6.1, §3.10: with t=s the domain of i= must be d= itself
        return key, Problem(Reason.IDENTITY_MISMATCH, f"the key says t=s, but i= is not at {signature.domain} itself")
    body_hash, length = message.body_hash(relaxed=signature.relaxed_body, length=signature.body_length)
    # RFC 6376 §3.5: l= must not exceed the canonical body
    if signature.body_length is not None and signature.body_length > length:
        return key, Problem(
            Reason.BODY_TOO_SHORT, f"l={signature.body_length}, but the canonical body has {length} octets"
        )
    if body_hash != signature.body_hash:
        hashes = f"bh={_base64(signature.body_hash)}, but {length} octets of body give {_base64(body_hash)}"
        # RFC 6376 §6.1: nobody vouches for what an unverified signature says about the body
        detail = f"the body was changed after signing ({hashes}); the signed header fields are unchanged"
        if not verified:
            detail = f"the body hash differs from the one that the unverified signature claims ({hashes}); "
            detail += "the header signature fails too"
        return key, Problem(Reason.BODY_HASH_MISMATCH, detail)
    if not verified:
        return key, Problem(
            Reason.SIGNATURE_MISMATCH,
            f"the signature does not verify: one of the signed fields ({_few(signature.signed_headers)}) or the "
            "signature itself was changed, or another key made it; the body is as signed, if the signature is genuine",
        )
    return key, None


def try_keys(
    signature: Signature, answer: Answer, digest: Callable[[], bytes], limits: Limits
) -> tuple[Key | None, bool, Problem | None]:
    """Find the key in an answer (RFC 6376 §6.1.2) and try it: (key, whether it verifies, problem with the key)."""
    if answer.failed:
        return None, False, unanswered(Question(signature.key_name, "TXT"), answer)
    if not answer.records:
        return None, False, Problem(Reason.KEY_MISSING, f"no key at {signature.key_name}")
    usable: list[Key] = []
    problem: Problem | None = None
    for each in answer.parsed(keys_of):
        unusable = each if isinstance(each, Problem) else each.unusable(signature.kind, limits)
        if isinstance(each, Key) and unusable is None:
            usable.append(each)
        else:
            problem = problem or unusable
    if problem is not None:
        problem = Problem(problem.reason, f"key at {signature.key_name}: {problem.detail}")
    if not usable:
        return None, False, problem
    data = digest()
    # Choice D6: a few of the key records at one name are tried in turn
    for key in usable[: limits.key_records]:
        if key.verifies(signature.octets, data):
            return key, True, None
    return usable[0], False, None


def _base64(octets: bytes) -> str:
    return b2a_base64(octets, newline=False).decode()


def _few(items: tuple[str, ...]) -> str:
    distinct = list(dict.fromkeys(items))
    return ", ".join(distinct[:_FEW]) + (" …" if len(distinct) > _FEW else "")


def unsigned_octets(message: Message, signature: Signature) -> int:
    """Return how many octets of the canonical body l= leaves unsigned."""
    if signature.body_length is None:
        return 0
    _, length = message.body_hash(relaxed=signature.relaxed_body, length=signature.body_length)
    return max(length - signature.body_length, 0)


def hides_text(message: Message, signature: Signature) -> bool:
    """Whether l= leaves octets of the body unsigned that a reader could see."""
    # Choice D27: nothing can be hidden in white space and line ends at the end
    unsigned = unsigned_octets(message, signature)
    return unsigned > 0 and unsigned > message.blank_octets(relaxed=signature.relaxed_body)


def time_problem(signature: Signature, now: int, options: Options) -> Problem | None:
    """Return whether a signature is expired or from the future, as a problem; None if neither."""
    # RFC 6376 §3.5: x= is compared with the time of receipt
    end, start = signature.expiration, signature.timestamp
    if end is not None and now > end + options.clock_skew and not options.allow_expired:
        return Problem(Reason.EXPIRED, f"the signature expired {now - end} s ago")
    if start is not None and start > now + options.clock_skew and not options.allow_future:
        return Problem(Reason.FUTURE, f"the signature is dated {start - now} s in the future")
    return None


def unsigned_from(message: Message, signature: Signature) -> Problem | None:
    """Return what is wrong when a signature leaves a From field unsigned, None when it covers every one."""
    # Choice D23: readers may see the From that is not signed; never a pass
    present, signed = len(message.find(b"from")), signature.signed_headers.count("from")
    if present <= signed:
        return None
    return Problem(Reason.UNSIGNED_FROM, f"the message has {present} From fields, but h= signs {signed}")


def _unsigned_duplicates(message: Message, signature: Signature) -> tuple[str, ...]:
    """RFC 6376 §8.15: fields that a reader sees and that were added to the signed ones."""
    if message.repeated.isdisjoint(_SINGLE):
        return ()
    return tuple(
        name.decode()
        for name in _SINGLE
        if name in message.repeated and len(message.find(name)) > signature.signed_names.count(name)
    )


def _unacceptable(
    message: Message,
    signature: Signature,
    unsigned: int,
    duplicates: tuple[str, ...],
    context: Context,
    registry_suffixes: set[str],
) -> Problem | None:
    """Return why a signature that verifies is not acceptable here (RFC 8601 §2.7.1 policy)."""
    domain, options, now = signature.domain or "", context.options, context.timestamp
    if problem := unsigned_from(message, signature):
        return problem
    if not options.allow_partial_body and hides_text(message, signature):
        return Problem(Reason.PARTIAL_BODY, f"l= leaves {unsigned} octets at the end of the body unsigned")
    if now is not None and (problem := time_problem(signature, now, options)):
        return problem
    # RFC 6376 §6.1.1: a d= such as "com" or "co.uk", which belongs to a registry, may be ignored
    if ("." not in domain or domain in registry_suffixes) and not options.allow_public_suffix:
        return Problem(Reason.PUBLIC_SUFFIX, f"d={domain} is a public suffix, not the signer's own domain")
    if duplicates and options.strict:
        return Problem(Reason.UNSIGNED_DUPLICATES, f"not signed: a second {', '.join(duplicates)}")
    return None


def _outcome(
    position: int,
    signature: Signature,
    problem: Problem | None,
    key: Key | None = None,
    unsigned: int = 0,
    duplicates: tuple[str, ...] = (),
    secure: bool | None = None,  # noqa: FBT001  as the outcome has it
) -> DkimOutcome:
    testing = key is not None and key.testing
    if problem is None:
        result, reason = Result.PASS, Reason.SIGNATURE_VERIFIED
        detail = f"the signature of {signature.domain} verifies with its {key.bits if key else 0}-bit key"
        if unsigned:
            detail += f"; l= leaves {unsigned} octets at the end of the body unsigned"
        if duplicates:
            detail += f"; not signed: a second {', '.join(duplicates)}"
    else:
        reason, detail = problem.reason, problem.detail
        result = _RESULTS.get(reason, Result.PERMERROR)
        # RFC 6376 §3.6.1: a failing signature of a key in testing is no worse than none
        if testing and result is Result.FAIL:
            result = Result.NEUTRAL
    # RFC 6376 §3.9, §3.11, §6.3, RFC 9989 §5.3.3: d= and s= of every signature, and the reason of every failure
    return DkimOutcome(
        result=result,
        reason=reason,
        detail=one_line(detail),
        index=position,
        domain=signature.domain,
        selector=signature.selector,
        identity=signature.identity,
        algorithm=signature.algorithm,
        key_bits=key.bits if key else None,
        b=signature.b,
        signed_headers=signature.signed_headers,
        body_length=signature.body_length,
        unsigned_bytes=unsigned,
        timestamp=signature.timestamp,
        expiration=signature.expiration,
        testing=testing,
        unsigned_duplicates=duplicates,
        secure=secure,
    )
