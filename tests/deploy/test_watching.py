"""Alerts and dashboard ask for what a scrape tells, and each alert has a runbook."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from api.models import ApiToken
from connections.models import Connection, KeyLife
from syncs.models import DevinSync
from tests.metrics.conftest import Scrape, Scraped, _nothing_counted, scrape, token  # noqa: F401 - fixtures
from vault.models import Project

ROOT = Path(settings.BASE_DIR)
ALERTS = [
    rule
    for group in yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "devinsync.json").read_text())
RUNBOOKS = ROOT / "docs" / "operations.md"
SEVERITIES = {"critical", "warning", "info"}
IN_TEXT = re.compile(r"\$labels\.(\w+)|\{\{(\w+)\}\}")
# What Grafana and Prometheus put in by themselves.
STEP = {"$__rate_interval": "5m"}


def expressions() -> Iterator[tuple[str, str, str]]:
    """Where it stands, the expression, and the text that its labels are put into."""
    for alert in ALERTS:
        yield alert["alert"], alert["expr"], alert["annotations"]["summary"]
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"], target["legendFormat"]


def parsed(expression: str) -> Any:
    for name, length in STEP.items():
        expression = expression.replace(name, length)
    return promql_parser.parse(expression)


def nodes(expression: str) -> list[Any]:
    found: list[Any] = []
    promql_parser.walk(parsed(expression), found.append)
    return found


def faults(expression: str, text: str, seen: Scraped) -> Iterator[str]:
    selectors = [node for node in nodes(expression) if isinstance(node, promql_parser.VectorSelector)]
    known: set[str] = set()
    for selector in selectors:
        samples = [sample for sample in seen.samples if sample.name == selector.name]
        known |= {label for sample in samples for label in sample.labels}
        yield from (f"no scrape has {selector.name}" for _ in range(not samples))
        for each in selector.matchers.matchers:
            values = {sample.labels.get(each.name, "") for sample in samples}
            pattern = each.value if "Re" in str(each.op) else re.escape(each.value)
            # Prometheus takes a pattern for one of the whole value.
            if not any(re.fullmatch(pattern, value) for value in values - {""}):
                yield f"{selector.name} has no {each.name} like {each.value}"
    yield from (f"nothing here has a label {label}" for label in labels_asked_for(expression, text) - known)


def labels_asked_for(expression: str, text: str) -> set[str]:
    modifiers = [getattr(node, "modifier", None) for node in nodes(expression)]
    grouped = {label for modifier in modifiers for label in getattr(modifier, "labels", None) or ()}
    return grouped | {first or second for first, second in IN_TEXT.findall(text)}


@pytest.fixture
def seen(scrape: Scrape, somebody: Callable[..., User]) -> Scraped:  # noqa: F811
    ApiToken.issue(somebody("Operator"), "a token that runs out", expires_at=timezone.now() + timedelta(days=1))
    connection = Connection.objects.create(name="one-whose-key-runs-out")
    KeyLife.objects.create(connection=connection, expires_at=timezone.now() + timedelta(days=1), origin="entered")
    project = Project.objects.create(name="Shop", slug="shop")
    DevinSync.objects.create(name="web", project=project, connection=connection, org_id="org-acme")
    return scrape()


@pytest.mark.django_db
def test_every_metric_and_label_that_is_asked_for_is_in_a_scrape(seen: Scraped) -> None:
    asked = list(expressions())
    wrong = [f"{where}: {fault}" for where, expression, text in asked for fault in faults(expression, text, seen)]

    assert wrong == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("expression", "text", "fault"),
    [
        ("devinsync_nothing > 0", "", "no scrape has devinsync_nothing"),
        ('max(devinsync_syncs{state="lost"})', "", "devinsync_syncs has no state like lost"),
        ('max(devinsync_requests_total{status=~"7.."})', "", "devinsync_requests_total has no status like 7.."),
        ("max by (key) (devinsync_syncs)", "", "nothing here has a label key"),
        ("max(devinsync_workers)", "{{ $labels.host }}", "nothing here has a label host"),
        ("max(devinsync_workers)", "{{host}}", "nothing here has a label host"),
    ],
)
def test_a_wrong_name_is_noticed(seen: Scraped, expression: str, text: str, fault: str) -> None:
    assert list(faults(expression, text, seen)) == [fault]


def test_an_expression_that_is_none_is_noticed() -> None:
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        parsed("max by (state (devinsync_syncs)")


def headings(path: Path) -> set[str]:
    """As anchors: https://github.com makes them by small letters, without signs, with hyphens for blanks."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_every_alert_has_its_runbook(alert: dict[str, Any]) -> None:
    path, _, heading = alert["annotations"]["runbook_url"].partition("#")

    assert ROOT / path == RUNBOOKS
    assert heading == alert["alert"].lower()
    assert heading in headings(RUNBOOKS)
    assert alert["labels"]["severity"] in SEVERITIES
    assert alert["annotations"]["summary"].endswith(".")


def test_every_runbook_of_an_alert_has_its_alert() -> None:
    names = {alert["alert"].lower() for alert in ALERTS}

    assert {heading for heading in headings(RUNBOOKS) if re.fullmatch(r"devinsync[a-z]+", heading)} == names


def test_panels_have_numbers_and_places_of_their_own() -> None:
    panels = DASHBOARD["panels"]
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(taken)) == len(taken)
