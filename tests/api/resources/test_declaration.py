"""The document of syncs and connections by REST: planned, applied all or none, and each part with its own right."""

from datetime import timedelta
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import Permission, User

from connections.models import Connection
from sandbox.organization import Organization as SandboxOrganization
from syncs.editing import foreseen
from syncs.editing.comparison import compare
from syncs.editing.document import read_document
from syncs.engine.preview import Preview
from syncs.errors import SourceProblem
from syncs.models import DevinSync
from tests.actors import ANYBODY
from tests.api.conftest import API_KEY, ORG, Caller, make_caller
from vault.editing import create_folder
from vault.models import Project

BASE = "/api/v1/sync-declaration"
SYNC = f"""
syncs:
  - name: my-devin-sync
    project: acme-shop
    environment: dev
    path: /my-secrets
    connection: my-devin-connection
    org_id: {ORG}
    auto_sync_enabled: false
"""
SECOND = "connections:\n  - name: second\n    api_key_env: SECOND\n"
CANARY = "cog_canary_1"
RIGHTS = {
    "syncs.view_devinsync",
    "syncs.add_devinsync",
    "syncs.change_devinsync",
    "syncs.delete_devinsync",
    "syncs.remove_secrets",
    "connections.view_connection",
    "connections.add_connection",
    "connections.change_connection",
    "connections.use_connection",
    "vault.view_folder",
    "vault.view_secret",
    "vault.reveal_secret",
}


def caller_with(*permissions: str) -> Caller:
    user = User.objects.create_user("somebody")
    for permission in permissions:
        label, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=label, codename=codename))
    return make_caller(user)


def actions(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(each["action"], each["kind"], each["name"]) for each in answer["differences"]]


def test_a_plan_changes_nothing(viewer: Caller, sync: DevinSync) -> None:
    answer = viewer.post(f"{BASE}/plan", {"document": SYNC})

    assert actions(answer) == [("change", "sync", "acme-shop/my-devin-sync")]
    assert answer["differences"][0]["fields"] == [{"name": "auto_sync_enabled", "now": True, "wanted": False}]
    assert answer["applied"] is False
    assert DevinSync.objects.get().auto_sync_enabled


def test_what_was_exported_is_no_change(viewer: Caller, editor: Caller, sync: DevinSync) -> None:
    document = viewer.get(BASE)["document"]

    assert [each["name"] for each in document["syncs"]] == ["my-devin-sync"]
    assert API_KEY not in str(document)
    answer = editor.post(f"{BASE}/apply", {"document": yaml.safe_dump(document), "prune": True})
    assert (answer["differences"], answer["applied"]) == ([], True)


def test_applies_and_says_what_it_did(editor: Caller, sync: DevinSync) -> None:
    answer = editor.post(f"{BASE}/apply", {"document": SYNC})

    assert (actions(answer), answer["applied"]) == ([("change", "sync", "acme-shop/my-devin-sync")], True)
    assert not DevinSync.objects.get().auto_sync_enabled
    assert editor.post(f"{BASE}/apply", {"document": SYNC})["differences"] == []


BAD = {
    "no YAML": ("syncs: [", 0),
    "a list": ("- a", 0),
    "an unknown part": (SYNC + "colours: []\n", 10),
    "an unknown option": (SYNC + "    colour: red\n", 10),
    "an unknown project": (SYNC.replace("acme-shop", "none"), 4),
    "an unknown folder": (SYNC.replace("/my-secrets", "/none"), 6),
    "an unknown connection": (SYNC.replace("my-devin-connection", "none"), 7),
    "an organization that is none": (SYNC.replace(ORG, "acme"), 8),
    "a switch that is none": (SYNC.replace("false", "perhaps"), 9),
}


@pytest.mark.parametrize("route", ["plan", "apply"])
@pytest.mark.parametrize(("document", "line"), BAD.values(), ids=BAD.keys())
def test_says_what_is_wrong_at_its_line(editor: Caller, sync: DevinSync, route: str, document: str, line: int) -> None:
    answer = editor.post(f"{BASE}/{route}", {"document": document}, status=422)

    assert line in [issue["path"][1] for issue in answer["message"]]
    assert {issue["path"][0] for issue in answer["message"]} == {"document"}
    assert DevinSync.objects.get().auto_sync_enabled


def test_one_fault_keeps_all_from_being_applied(administrator: Caller, sync: DevinSync) -> None:
    document = SYNC + SECOND + "  - name: third\n    base_url: nonsense\n"

    administrator.post(f"{BASE}/apply", {"document": document, "keys": {"SECOND": CANARY}}, status=422)

    assert DevinSync.objects.get().auto_sync_enabled
    assert Connection.objects.count() == 1


def test_a_key_goes_in_and_never_comes_out(administrator: Caller, sync: DevinSync) -> None:
    body = {"document": SECOND, "keys": {"SECOND": CANARY}}
    told = [
        administrator.post(f"{BASE}/plan", body),
        administrator.post(f"{BASE}/apply", body),
        administrator.get(BASE),
    ]

    assert Connection.objects.get(name="second").has_api_key(CANARY)
    assert CANARY not in str(told)


def test_a_key_that_is_not_sent_is_asked_for(administrator: Caller, sync: DevinSync) -> None:
    answer = administrator.post(f"{BASE}/plan", {"document": SECOND}, status=422)

    assert "SECOND" in str(answer["message"])


def test_whether_a_key_is_the_stored_one_is_told_to_few(editor: Caller, sync: DevinSync) -> None:
    for key in (API_KEY, CANARY):
        answer = editor.post(f"{BASE}/plan", {"document": "syncs: []\n", "keys": {"ANY": key}}, status=403)
        assert "connections.change_connection" in answer["message"]


@pytest.mark.parametrize("confirmed", [[], ["sync other"], ["sync acme-shop/my-devin-sync", "connection other"]])
def test_only_what_was_confirmed_is_deleted(editor: Caller, sync: DevinSync, confirmed: list[str]) -> None:
    body = {"document": "syncs: []\n", "prune": True, "confirmedDeletions": confirmed}

    answer = editor.post(f"{BASE}/apply", body, status=400)

    assert "acme-shop/my-devin-sync" in answer["message"]
    assert DevinSync.objects.exists()


def test_deletes_what_was_confirmed(administrator: Caller, sync: DevinSync) -> None:
    body: dict[str, Any] = {"document": "syncs: []\n", "prune": True}
    planned = administrator.post(f"{BASE}/plan", body)

    names = [f"{each['kind']} {each['name']}" for each in planned["differences"] if each["action"] == "delete"]
    assert "sync acme-shop/my-devin-sync" in names
    administrator.post(f"{BASE}/apply", body | {"confirmedDeletions": names})

    assert not DevinSync.objects.exists()


@pytest.mark.parametrize("lacking", ["syncs.change_devinsync", "connections.use_connection", "vault.reveal_secret"])
def test_a_change_takes_each_right_of_its_own_route(sync: DevinSync, lacking: str) -> None:
    answer = caller_with(*(RIGHTS - {lacking})).post(f"{BASE}/apply", {"document": SYNC}, status=403)

    assert lacking in answer["message"]
    assert DevinSync.objects.get().auto_sync_enabled


@pytest.mark.parametrize("lacking", ["syncs.add_devinsync", "connections.add_connection"])
def test_what_is_new_takes_its_right_and_nothing_of_it_is_made_without(sync: DevinSync, lacking: str) -> None:
    document = SYNC.replace("my-devin-sync", "another").replace("syncs:", SECOND + "syncs:")

    caller_with(*(RIGHTS - {lacking})).post(
        f"{BASE}/apply", {"document": document, "keys": {"SECOND": CANARY}}, status=403
    )

    assert (DevinSync.objects.count(), Connection.objects.count()) == (1, 1)


def test_all_rights_are_enough(sync: DevinSync) -> None:
    document = SYNC.replace("syncs:", SECOND + "syncs:")

    answer = caller_with(*RIGHTS).post(f"{BASE}/apply", {"document": document, "keys": {"SECOND": CANARY}})

    assert actions(answer) == [("create", "connection", "second"), ("change", "sync", "acme-shop/my-devin-sync")]


def test_a_document_has_a_longest_size(editor: Caller, sync: DevinSync) -> None:
    answer = editor.post(f"{BASE}/plan", {"document": "#" * 1_000_001}, status=422)

    assert answer["message"][0]["path"] == ["document"]


RENAMED = SYNC + '    key_schema: "SHOP_{{secretKey}}"\n'


@pytest.mark.parametrize("route", ["plan", "apply"])
def test_shows_what_each_sync_would_do_and_changes_nothing(
    editor: Caller, sync: DevinSync, organization: SandboxOrganization, route: str
) -> None:
    answer = editor.post(f"{BASE}/{route}?plan=true", {"document": RENAMED})

    (told,) = answer["plans"]
    assert told["name"] == "acme-shop/my-devin-sync"
    assert told["plan"]["counts"]["create"] == 2
    assert {change["destinationKey"] for change in told["plan"]["changes"]} == {"SHOP_DB_URL", "SHOP_API_KEY"}
    assert (answer["applied"], DevinSync.objects.get().key_schema, organization.values()) == (False, "", {})
    assert "k-123" not in str(answer)


def test_a_plan_crosses_over_in_a_line_of_its_own(editor: Caller, sync: DevinSync) -> None:
    project = Project.objects.get()
    other = create_folder(project.environments.get(slug="prod"), "/my-secrets", by=ANYBODY)

    answer = editor.post(f"{BASE}/plan?plan=true", {"document": SYNC.replace("environment: dev", "environment: prod")})

    (told,) = answer["plans"]
    assert told["crossings"] == [{"what": "environment", "before": "dev", "after": other.environment.slug}]


def test_a_plan_names_what_a_sync_would_leave_nowhere(administrator: Caller, sync: DevinSync, worker: None) -> None:
    administrator.post(f"/api/v1/secret-syncs/devin/{sync.pk}/sync-secrets")
    body = {"document": "syncs: []\n", "prune": True, "removeSecrets": True}

    (told,) = administrator.post(f"{BASE}/plan?plan=true", body)["plans"]

    assert told["removed"] == ["API_KEY", "DB_URL"]
    assert "plan" not in told


def test_says_why_there_is_no_plan(editor: Caller, sync: DevinSync) -> None:
    Connection.objects.update(sealed_credentials="")

    (told,) = editor.post(f"{BASE}/plan?plan=true", {"document": SYNC})["plans"]

    assert "has no API key yet" in told["problem"]


def test_all_plans_together_end_before_a_client_gives_up(sync: DevinSync, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each asks a source and an organization that are silent for as long as they are waited for."""
    now, waited = [1000.0], []

    def silent(planned: DevinSync, *, patience: timedelta) -> Preview:
        waited.append(patience.total_seconds())
        now[0] += 2 * waited[-1]
        raise SourceProblem(f"{planned.name} is silent.")

    monkeypatch.setattr(foreseen, "preview", silent)
    document = SYNC + "".join(
        SYNC.replace("syncs:\n", "").replace("my-devin-sync", f"other-{number}") for number in range(5)
    )
    comparison = compare(read_document(document), keys={}, prunes=False, removes_secrets=False)

    told = [one.problem for _, one in foreseen.outlooks(comparison, removes_secrets=False, clock=lambda: now[0]) if one]

    assert waited == [15, 7.5]
    assert now == [1000 + foreseen.TOGETHER.total_seconds()]
    assert [problem for problem in told if "is silent" not in problem] == [foreseen.TOO_LATE] * 4


def test_who_could_not_apply_it_is_told_the_difference_alone(viewer: Caller, sync: DevinSync) -> None:
    answer = viewer.post(f"{BASE}/plan?plan=true", {"document": SYNC})

    (told,) = answer["plans"]
    assert "syncs.plan_devinsync" in told["problem"]
    assert "plan" not in told
    assert len(answer["differences"]) == 1


@pytest.mark.parametrize("lacking", ["syncs.plan_devinsync", "connections.use_connection", "vault.reveal_secret"])
def test_what_applying_would_do_takes_each_right_of_doing_it(sync: DevinSync, lacking: str) -> None:
    caller = caller_with(*((RIGHTS | {"syncs.plan_devinsync"}) - {lacking}))

    assert lacking in caller.post(f"{BASE}/apply?plan=true", {"document": SYNC}, status=403)["message"]
    (told,) = caller.post(f"{BASE}/plan?plan=true", {"document": SYNC})["plans"]
    assert lacking in told["problem"]


def test_a_plan_is_asked_for_by_true_or_false(editor: Caller, sync: DevinSync) -> None:
    for route in ("plan", "apply"):
        editor.post(f"{BASE}/{route}?plan=perhaps", {"document": SYNC}, status=422)
    assert DevinSync.objects.get().auto_sync_enabled
