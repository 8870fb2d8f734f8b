"""The chain: order, ends, fields, filters that fail, and both drivers."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable
from typing import Any

import pytest
import trio

from mailauth import Authentication, Connection, Disposition, HeaderField, Limits, Message, UsageError, authenticate
from mailauth.filters import Chain, Filter, accept, add, defer, filter, quarantine, reject, remove  # noqa: A004
from mailauth.policy import Decision, Override, reply
from mailauth.testing import Zone

RAW = (
    b"Authentication-Results: mx.example.org; dmarc=pass\r\n"
    b"X-External: no\r\n"
    b"From: anna@example.com\r\n"
    b"x-external : no\r\n"
    b"\r\n"
    b"Hello\r\n"
)
CLIENT = Connection(ip="192.0.2.1", helo="out.example.com", mail_from="anna@example.com", login="anna")


def authenticated(raw: bytes = RAW, limits: Limits | None = None) -> Authentication:
    return authenticate(raw, CLIENT, Zone({}), "mx.example.org", 0, limits)


AUTH = authenticated()


def step(answer: Any, name: str = "step", **options: Any) -> Filter:
    return filter(lambda auth, message, connection: answer, name=name, **options)


def asynchronous(answer: Any) -> Filter:
    async def waits(auth: Authentication, message: Message, connection: Connection) -> Any:
        await asyncio.sleep(0)
        return answer

    return filter(waits)


def run(*steps: Any) -> Decision:
    return Chain(steps).run(AUTH, RAW)


def added(decision: Decision) -> list[str]:
    """Return the fields of the filters."""
    assert decision.add[:1] == AUTH.headers
    return list(decision.add[1:])


# --- what a filter is ------------------------------------------------------------------------------------------------


@filter
def external(auth: Authentication, message: Message, connection: Connection) -> Any:
    """Tag."""
    return None if connection.login else add("X-External", "yes")


def test_a_filter_is_still_a_function() -> None:
    message = Message.parse(RAW)
    assert external(AUTH, message, Connection()) == add("X-External", "yes")
    assert external(AUTH, message, CLIENT) is None
    assert (external.name, external.__doc__, external.on_error) == ("external", "Tag.", "skip")
    assert repr(external) == "<filter external>"


def test_every_callable_has_a_name() -> None:
    class Judge:
        def __call__(self, auth: Authentication, message: Message, connection: Connection) -> None: ...

    def named(rules: str, auth: Authentication, message: Message, connection: Connection) -> None: ...

    steps: list[Any] = [Judge(), functools.partial(named, "rules"), named, filter(Judge(), name="own"), external]
    assert [each.name for each in Chain(steps).steps] == ["Judge", "named", "named", "own", "external"]


def test_a_filter_may_be_given_other_options() -> None:
    one = filter(step(None, "one"), on_error="defer")
    assert (one.name, one.on_error, one(AUTH, Message.parse(RAW), CLIENT)) == ("one", "defer", None)
    assert filter(asynchronous(None), name="slow", seconds=1).is_async


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": ""}, "give a name such as 'external'"),
        ({"name": "a\nb"}, "give a name such as 'external'"),
        ({"on_error": "raise"}, "give 'skip' or 'defer'"),
        ({"seconds": 5}, "cannot be interrupted: make it an async function"),
    ],
)
def test_what_cannot_be_a_filter(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        filter(**arguments)(lambda *_: None)


@pytest.mark.parametrize("seconds", [0, -1, "5"])
def test_a_bound_is_a_number_of_seconds(seconds: Any) -> None:
    async def waits(*_: Any) -> None: ...

    with pytest.raises(UsageError, match="give a number of seconds above 0"):
        filter(waits, seconds=seconds)


def test_a_chain_is_made_of_callables() -> None:
    with pytest.raises(UsageError, match="'policy' is not a filter: give a function"):
        Chain(["policy"])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="give a list of filters"):
        Chain(external)  # type: ignore[arg-type]


# --- order and ends --------------------------------------------------------------------------------------------------


def test_no_opinion_is_to_accept() -> None:
    for steps in ([], [step(None)], [step([])], [step([None, ()])][:0]):
        assert run(*steps) == Decision(add=AUTH.headers, remove=AUTH.forged)


def test_the_filters_get_what_is_known() -> None:
    seen: list[Any] = []
    Chain([lambda *known: seen.append(known)]).run(AUTH, RAW)
    ((auth, message, connection),) = seen
    assert (auth, connection) == (AUTH, CLIENT)
    assert message.raw == RAW
    other = Connection(recipients=("robin@example.org",))
    Chain([lambda *known: seen.append(known)]).run(AUTH, message, other)
    assert seen[1] == (AUTH, message, other)


@pytest.mark.parametrize("end", [accept("ok"), reject("no"), defer("later"), quarantine("Spam")])
def test_an_end_ends_the_chain(end: Any) -> None:
    decision = run(step(add("X-One", "1")), step(end, "judge"), step(add("X-Two", "2")), step(reject("never")))
    assert (decision.action, decision.rule) == (end.decision.action, "judge")
    assert (decision.reply, decision.folder, decision.detail) == (
        end.decision.reply,
        end.decision.folder,
        end.decision.detail,
    )
    assert added(decision) == ["X-One: 1"]


def test_a_list_may_hold_fields_and_an_end() -> None:
    decision = run(step([quarantine(), add("X-One", "1"), None, add("X-Two", "2")]))
    assert (decision.action, added(decision)) == (Disposition.QUARANTINE, ["X-One: 1", "X-Two: 2"])


REFUSED = Decision(action=Disposition.REJECT, rule="p=reject", reply=reply(550, "5.7.26", "no"))


def test_a_policy_that_refuses_ends_the_chain() -> None:
    for before in ([], [step(add("X-One", "1"))]):
        decision = run(*before, step(REFUSED, "policy"), step(accept()))
        assert (decision.action, decision.rule, decision.reply) == (Disposition.REJECT, "p=reject", REFUSED.reply)
        assert len(added(decision)) == len(before)


def test_a_policy_that_accepts_does_not_object() -> None:
    because = Override("trusted_forwarder", "a list")
    accepted = Decision(override=because, missed=("one_click",))
    policy = step(accepted, "policy")
    tagged = run(policy, step(add("X-One", "1")), step(Decision(rule="another")))
    assert (tagged.action, tagged.rule, added(tagged)) == (Disposition.ACCEPT, "policy", ["X-One: 1"])
    assert (tagged.override, tagged.missed) == (because, ("one_click",))
    # A later step may know more; why the policy did not apply is still true
    refused = run(policy, step(reject("a virus"), "scanner"))
    assert (refused.action, refused.rule, refused.override) == (Disposition.REJECT, "scanner", because)
    assert refused.missed == ("one_click",)


def test_a_filter_may_accept_before_the_policy() -> None:
    assert run(step(accept("partner"), "partners"), step(REFUSED)).rule == "partners"


# --- fields ----------------------------------------------------------------------------------------------------------


def test_our_own_results_are_on_top() -> None:
    decision = run(step(add("X-One", "1")), step([add("X-Two", "2"), remove("X-External")]))
    assert decision.apply(RAW).partition(b"\r\n\r\n")[0].replace(b"\r\n\t", b" ").split(b"\r\n") == [
        AUTH.headers[0].replace("\r\n\t", " ").encode(),
        b"X-One: 1",
        b"X-Two: 2",
        b"From: anna@example.com",
    ]
    assert decision.remove == (0, 1, 3)


def test_a_policy_may_repeat_the_fields_of_the_authentication() -> None:
    whole = Decision(add=(*AUTH.headers, HeaderField("X-Policy: none")), remove=(*AUTH.forged, 1))
    decision = run(step(add("X-One", "1")), step(whole))
    assert added(decision) == ["X-One: 1", "X-Policy: none"]
    assert decision.remove == (0, 1)


def test_utf8_only_where_the_message_has_it() -> None:
    name = step(add("X-Name", "Jürgen"))
    assert added(run(name)) == ["X-Name: =?utf-8?q?J=C3=BCrgen?="]
    raw = "From: jürgen@example.com\r\n\r\n".encode()
    assert Chain([name]).run(authenticated(raw), raw).add[-1] == "X-Name: Jürgen"


def test_remove_reaches_beyond_the_limits() -> None:
    raw = b"A: 1\r\n" * 20 + RAW
    decision = Chain([step(remove("X-External"))]).run(authenticated(raw, Limits(header_fields=10)), raw)
    assert b"external" not in decision.apply(raw).lower()


def test_remove_finds_a_name_that_some_readers_see() -> None:
    raw = b"X-Ext\0ernal: no\r\n" + RAW
    assert b": no" not in Chain([step(remove("X-External"))]).run(authenticated(raw), raw).apply(raw)


def test_remove_by_position() -> None:
    assert run(step([remove(2), remove(2)])).remove == (0, 2)


# --- filters that fail -----------------------------------------------------------------------------------------------


def raising(error: BaseException, **options: Any) -> Filter:
    def bad(auth: Authentication, message: Message, connection: Connection) -> None:
        raise error

    return filter(bad, **options)


def deferring(error: BaseException) -> Filter:
    return raising(error, on_error="defer")


@pytest.mark.parametrize("error", [ValueError("anna@example.com"), StopIteration(), RecursionError()])
def test_one_that_raises_is_skipped(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    decision = run(step(add("X-One", "1")), raising(error), step(add("X-Two", "2")))
    assert (decision.action, added(decision)) == (Disposition.ACCEPT, ["X-One: 1", "X-Two: 2"])
    (record,) = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert record.name == "mailauth.filters"
    assert record.getMessage().startswith(f"filter bad: {type(error).__name__} (line ")
    assert "anna" not in record.getMessage()


def test_the_traceback_is_for_debugging(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "mailauth.filters")
    run(raising(ValueError("what happened")))
    assert "what happened" in caplog.text


def test_one_that_raises_may_defer() -> None:
    decision = run(step(add("X-One", "1")), deferring(ValueError("anna@example.com")), step(reject("no")))
    assert (decision.action, decision.rule) == (Disposition.DEFER, "bad")
    assert str(decision.reply).startswith("451 4.3.0 ")
    assert "anna" not in f"{decision.reply} {decision.detail}"
    assert added(decision) == ["X-One: 1"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit])
@pytest.mark.parametrize("make", [raising, deferring])
def test_what_ends_the_program_passes(error: type[BaseException], make: Callable[[BaseException], Filter]) -> None:
    with pytest.raises(error):
        run(make(error()))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("reject", "it returned str: return None, an action"),
        (True, "it returned bool"),
        ([add("X-One", "1"), 7], "it returned int"),
        ([[add("X-One", "1")]], "it returned list"),
        ({"X-One": "1"}, "it returned dict"),
        ([reject("no"), accept()], "more than one of accept, reject"),
        ([reject("no"), Decision()], "more than one of accept, reject"),
        (remove(4), "it removes field 4, and the message has 4"),
        (Decision(remove=(99,)), "it removes field 99"),
        (Decision(add=(HeaderField("X: 1\r\nX-Evil: 2"),)), "not well-formed"),
        (Decision(add=(HeaderField("X-Größe: 1"),)), "not well-formed"),
        (Decision(add=(HeaderField("X: Größe"),)), "not well-formed"),
    ],
)
def test_an_answer_that_is_none(answer: Any, message: str, caplog: pytest.LogCaptureFixture) -> None:
    assert added(run(step(answer), step(add("X-Two", "2")))) == ["X-Two: 2"]
    assert message in caplog.text
    assert run(step(answer, on_error="defer")).action is Disposition.DEFER


def test_a_value_that_cannot_be_written_is_an_error_of_its_filter(caplog: pytest.LogCaptureFixture) -> None:
    @filter
    def injected(auth: Authentication, message: Message, connection: Connection) -> Any:
        return add("X-One", "1\r\nX-Evil: 2")

    assert added(run(injected)) == []
    assert "filter injected: UsageError: add('X-One', …): give text without line ends" in caplog.text
    assert "Evil" not in caplog.text


# --- asynchronous filters --------------------------------------------------------------------------------------------


def test_asynchronous_filters_are_awaited() -> None:
    chain = Chain([asynchronous(add("X-One", "1")), step(add("X-Two", "2")), asynchronous(reject("no"))])
    decision = asyncio.run(chain.run_async(AUTH, RAW))
    assert (decision.action, decision.rule, added(decision)) == (
        Disposition.REJECT,
        "waits",
        ["X-One: 1", "X-Two: 2"],
    )


def test_both_drivers_decide_alike() -> None:
    for answer in (None, add("X-One", "1"), reject("no"), Decision(rule="policy"), "garbage"):
        chain = Chain([step(answer), raising(ValueError())])
        assert trio.run(chain.run_async, AUTH, RAW) == asyncio.run(chain.run_async(AUTH, RAW)) == chain.run(AUTH, RAW)


def test_the_synchronous_driver_refuses_them() -> None:
    def hidden(*_: Any) -> Any:
        return asynchronous(None)(*_)

    class Judge:
        async def __call__(self, *_: Any) -> None: ...

    for each in (asynchronous(None), hidden, Judge(), functools.partial(asynchronous(None).function)):
        with pytest.raises(UsageError, match=r"await chain\.run_async"):
            run(each)
    # whatever the message: also where the chain would end before
    with pytest.raises(UsageError, match=r"await chain\.run_async"):
        run(step(reject("no")), asynchronous(None))


def test_an_asynchronous_filter_that_raises() -> None:
    async def bad(*_: Any) -> None:
        raise ValueError

    chain = Chain([filter(bad), asynchronous(add("X-One", "1"))])
    assert added(asyncio.run(chain.run_async(AUTH, RAW))) == ["X-One: 1"]
    chain = Chain([filter(bad, on_error="defer")])
    assert asyncio.run(chain.run_async(AUTH, RAW)).action is Disposition.DEFER


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_one_that_is_slow_is_cancelled(loop: str, caplog: pytest.LogCaptureFixture) -> None:
    ended: list[str] = []
    sleep: Any = asyncio.sleep if loop == "asyncio" else trio.sleep

    async def slow(*_: Any) -> Any:
        try:
            await sleep(600)
        finally:
            ended.append(loop)

    chain = Chain([filter(slow, seconds=0.001, on_error="defer")])

    async def main() -> Decision:
        return await chain.run_async(AUTH, RAW)

    decision = asyncio.run(main()) if loop == "asyncio" else trio.run(main)
    assert decision.action is Disposition.DEFER
    assert ended == [loop]
    assert "filter slow: TimeoutError" in caplog.text


def test_a_caller_that_gives_up_is_obeyed() -> None:
    async def forever(*_: Any) -> None:
        await asyncio.sleep(600)

    async def main() -> None:
        task = asyncio.create_task(Chain([filter(forever, seconds=300, on_error="defer")]).run_async(AUTH, RAW))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
