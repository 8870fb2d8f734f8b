"""docs/metrics.md says what is logged and counted: every event, field, figure and label."""

from __future__ import annotations

import ast
import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from support.sample import connection, simple, zone

from mailauth.policy import Decision, Override
from mailauth.serve.judge import Judge
from mailauth.serve.log import Formatter, observer
from mailauth.testing import Zone

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")


def rows(text: str) -> list[list[str]]:
    """Return the cells of the tables in a text, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.endswith("| meaning |")]
    return [re.split(r" *\| *", line)[1:-1] for line in lines]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


async def decide(*_: object) -> Decision:
    return Decision(rule="mine", override=Override("other"), missed=("tls",), detail="why")


@pytest.mark.anyio
@pytest.mark.parametrize("personal", [False, True])
async def test_the_fields_of_a_message(caplog: pytest.LogCaptureFixture, personal: Any) -> None:
    judge = Judge(decide, resolver=Zone(zone()), authserv_id="mx.example.org", observers=[observer(personal=personal)])
    with caplog.at_level(logging.INFO, "mailauth.decisions"):
        await judge(simple(), connection())
    logged = json.loads(Formatter(as_json=True).format(caplog.records[0]))
    always, more = PAGE.split("### A message")[1].split("### Other events")[0].split("`personal = true`")
    told = [name for row in rows(always) for name in names(row[0])]
    # `queue_id` is known behind a mail server only
    told.remove("queue_id")
    if personal:
        told += [name for row in rows(more) for name in names(row[0])]
    assert list(logged) == ["time", "level", "event", *told]


def logged_in(path: Path) -> set[tuple[str, str]]:
    """Return the events that a module logs, up to what varies, with their levels."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        logger = node.func.value
        level = {"exception": "error"}.get(node.func.attr, node.func.attr)
        if isinstance(logger, ast.Name) and "log" in logger.id.lower() and level in {"info", "warning", "error"}:
            (event, *_) = node.args
            assert isinstance(event, ast.Constant)
            assert isinstance(event.value, str)
            found.add((event.value.split("%s")[0].strip(), level))
    return found


def test_every_event_is_on_the_page() -> None:
    modules = [path for room in ("serve", "filters") for path in (ROOT / "mailauth" / room).rglob("*.py")]
    found = {event for path in modules for event in logged_in(path)} - {("message judged", "info")}
    table = PAGE.split("### Other events")[1].split("## Figures")[0]
    told = {(re.split("…|NAME", names(row[0])[0])[0].strip(), row[1]) for row in rows(table)[1:]}
    assert told == found


def test_every_word_for_programs_is_on_the_page() -> None:
    source = (ROOT / "mailauth" / "serve" / "milter" / "server.py").read_text(encoding="utf-8")
    found = set(re.findall(r'"milter_event": "(\w+)"', source)) | set(re.findall(r'event, problem = "(\w+)"', source))
    table = PAGE.split("### Other events")[1].split("## Figures")[0]
    assert {word for row in rows(table)[1:] for word in names(row[2])} == found


def test_every_figure_is_on_the_page() -> None:
    prometheus = pytest.importorskip("prometheus_client", reason="needs: pip install 'mailauth[metrics]'")
    from mailauth.serve.metrics import Metrics

    registry = prometheus.CollectorRegistry()
    Metrics(registry)
    collectors = set(registry._names_to_collectors.values())
    found = {}
    for each in collectors:
        (family,) = each.describe()
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name] = (family.type, list(each._labelnames))
    figures = PAGE.split("## Figures for Prometheus")[1]
    assert {names(row[0])[0]: (row[1], names(row[2])) for row in rows(figures)} == found
    # The questions ask for what there is
    for name, labels in re.findall(r"(mailauth_\w+)\{(.*?)\}", figures):
        assert set(re.findall(r'(\w+)=~?"', labels)) <= set(found[name][1])
    asked = set(re.findall(r"mailauth_\w+", figures)) - {"mailauth_seconds_bucket"}
    assert asked == set(found)


@pytest.mark.anyio
async def test_the_labels_that_the_questions_use() -> None:
    prometheus = pytest.importorskip("prometheus_client", reason="needs: pip install 'mailauth[metrics]'")
    from mailauth.serve.metrics import Metrics

    registry = prometheus.CollectorRegistry()
    judge = Judge(decide, resolver=Zone(zone()), authserv_id="mx.example.org", observers=[Metrics(registry).observe])
    await judge(simple(), connection())
    text = prometheus.generate_latest(registry).decode()
    told = next(row[3] for row in rows(PAGE) if row[0] == "`mailauth_results_total`")
    assert set(re.findall(r'check="([^"]+)"', text)) == set(names(told))
    assert 'mailauth_dns_answers_total{status="ok"}' in text
    assert 'mailauth_seconds_bucket{le="0.001"}' in text
