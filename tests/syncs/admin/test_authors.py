"""Where a person reads who changed it in Devin: on pages and by the API; and who does not."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from api.models import ApiToken
from sandbox.audit import Actor
from sandbox.directory import MANAGE_ENTERPRISE, MANAGE_SECRETS
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Strangers
from tests.syncs.admin.test_syncs import entries, page_of
from tests.syncs.conftest import API_KEY, Bench, Manage
from tests.syncs.people import log_in
from tests.syncs.reviewing import is_review
from tests.syncs.wizard_walk import Walk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_pause")]
ANA = Actor(user_id="user-ana", user_email="ana\u202e<b>@example.com")
SHOWN, ESCAPED = "ana‹U+202E›<b>@example.com", "ana‹U+202E›&lt;b&gt;@example.com"
# All that there is to see of a sync but its runs.
RIGHTS = (
    "view_devinsync",
    "view_managedsecret",
    "plan_devinsync",
    "run_devinsync",
    "confirm_deletions",
    "view_project",
)


def person(name: str, *rights: str) -> User:
    made = User.objects.create_user(name, is_staff=True)
    made.user_permissions.set(Permission.objects.filter(codename__in=(*RIGHTS, *rights)))
    return made


@pytest.fixture
def drifted(bench: Bench, sandbox: Sandbox, organization: SandboxOrganization) -> Bench:
    """One secret is gone and cannot be put back, one is foreign and asked about; each by Ana."""
    sandbox.directory.declare_key(API_KEY, permissions=[MANAGE_SECRETS, MANAGE_ENTERPRISE])
    bench.options(strangers=Strangers.ASK)
    bench.source(A="1", B="2")
    bench.run()
    organization.delete(organization.with_key("A")[0].secret_id, actor=ANA)
    sandbox.refuse_value("A")
    organization.put(key="FOREIGN", actor=ANA)
    return bench


def page(client: Client, name: str, pk: object) -> str:
    answer = client.get(reverse(name, args=[pk]))
    assert answer.status_code == 200, name
    return answer.content.decode()


PAGES = {"admin:syncs_devinsync_plan": 2, "admin:syncs_devinsync_keys": 1, "admin:syncs_devinsync_strangers": 1}


def test_whoever_may_see_the_run_reads_the_name(drifted: Bench, client: Client, manage: Manage) -> None:
    run = drifted.run()
    log_in(client, "operator")

    assert page(client, "admin:syncs_syncrun_change", run.pk).count(ESCAPED) == 2
    assert {name: page(client, name, drifted.sync.pk).count(ESCAPED) for name in PAGES} == PAGES
    assert f"deleted in Devin by {SHOWN}" in manage("plan", drifted.sync.name)


def test_whoever_may_not_reads_none(drifted: Bench, client: Client) -> None:
    drifted.run()
    client.force_login(person("other"))

    assert [name for name in PAGES if "in Devin by" in page(client, name, drifted.sync.pk)] == []


def everything_but(name: str, *codenames: str) -> User:
    made = User.objects.create_user(name, is_staff=True)
    made.user_permissions.set(Permission.objects.exclude(codename__in=codenames))
    return made


@pytest.mark.parametrize("lacking", [(), ("view_syncrun",)], ids=["sees runs", "sees none"])
def test_what_is_planned_before_it_is_saved_names_nobody_else(
    drifted: Bench, client: Client, lacking: tuple[str, ...]
) -> None:
    """In the review of an edit, by the API, and in the wizard."""
    user = everything_but("one", *lacking)
    client.force_login(user)
    sync = drifted.sync

    edited = client.post(page_of(sync), entries(sync, only_keys="A\nC", strangers=Strangers.ASK))
    _, text = ApiToken.issue(user, "t")
    changed = client.patch(
        f"/api/v1/secret-syncs/devin/{sync.pk}?plan=true",
        {"description": "another"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {text}"},
    )
    # What belongs to no sync is a stranger to a new one.
    sync.delete()
    made = Walk(client, drifted.folder, sync.connection, options={"key_schema": "", "strangers": "ask"}).to_review()

    assert is_review(edited)
    assert made.context["shown"].stranger_count > 0
    named = [author["name"] for each in changed.json()["plan"]["changes"] if (author := each.get("author"))]
    pages = [ESCAPED in page.content.decode() for page in (edited, made)]
    assert (named, pages) == (([], [False, False]) if lacking else ([SHOWN, SHOWN], [True, True]))


def test_what_was_put_right_says_who_had_done_it(
    drifted: Bench, sandbox: Sandbox, organization: SandboxOrganization, client: Client
) -> None:
    organization.accept_value("A")
    drifted.run()
    log_in(client, "viewer")

    keys = page(client, "admin:syncs_devinsync_keys", drifted.sync.pk)

    assert "Put right: it was deleted in Devin" in keys
    assert f"Deleted in Devin by {ESCAPED}" in keys


def test_the_api_tells_it_to_whoever_may_see_the_run(drifted: Bench, client: Client) -> None:
    run = drifted.run()
    plan = f"/api/v1/secret-syncs/devin/{drifted.sync.pk}/plan"
    told = {}
    for name, rights in (("one", ["view_syncrun"]), ("other", [])):
        _, text = ApiToken.issue(person(name, *rights), "t")
        headers = {"Authorization": f"Bearer {text}"}
        told[name] = [change.get("author") for change in client.post(plan, headers=headers).json()["plan"]["changes"]]
        if rights:
            shown = client.get(f"/api/v1/sync-runs/{run.pk}", headers=headers).json()["syncRun"]["changes"]

    authors = [author for author in told["one"] if author]
    assert [(author["did"], author["name"]) for author in authors] == [("deleted", SHOWN), ("created", SHOWN)]
    assert [author for author in (change.get("author") for change in shown) if author] == authors
    assert [author for author in told["other"] if author] == []
