"""`python -m tests.releases.fill FILE`: works with an empty installation until every table of it has rows.

FILE is where the sandbox keeps what it holds.
"""

import os
import sys
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox.server import Sandbox
from tests.releases.environment import API_KEY, CUT_OFF, DEVIN


def fill(sandbox: Sandbox) -> None:
    from django.contrib.auth.models import User

    from syncs.models import DevinSync
    from vault.editing import Actor

    admin = User.objects.get(is_superuser=True)
    by = Actor.on_command_line(admin)
    make_people(admin)
    make_vault(by)
    make_connections()
    make_syncs()
    sandbox.organization().create(key="OF_A_STRANGER", value="not ours")
    carry_out("shop-to-devin")
    die_while_carrying_out("cut-off")
    change_and_delete(by)
    decide_on_a_stranger(DevinSync.objects.get(name="shop-to-devin"), admin)
    make_programs(admin)
    make_what_is_elsewhere(admin)
    link_the_log()


def make_people(admin: Any) -> None:
    from axes.models import AccessFailureLog, AccessLog
    from django.contrib.auth.models import Group, Permission, User

    from accounts.models import Device

    alice = User.objects.create_user("alice", password="no secret of anybody's")
    alice.groups.add(Group.objects.get(name="Editor"))
    alice.user_permissions.add(Permission.objects.get(codename="pause_syncs"))
    Device.objects.create(user=admin, digest="0" * 64)
    AccessLog.objects.create(username="admin", ip_address="192.0.2.1", user_agent="", http_accept="", path_info="")
    AccessFailureLog.objects.create(username="", ip_address="192.0.2.2", user_agent="", http_accept="", path_info="")


def make_vault(by: Any) -> None:
    from vault.editing import add_import, create_folder, create_project, set_secret, set_secrets, upkeep
    from vault.editing.labels import Labels, Metadatum, create_tag, set_labels
    from vault.models import Secret

    project = create_project(name="Käse & “Shop”", slug="shop", by=by)
    dev, prod = project.environments.get(slug="dev"), project.environments.get(slug="prod")
    shared = create_folder(dev, "/shared", by=by)
    app = create_folder(dev, "/app", description="What the shop needs", by=by)
    set_secrets(shared, {"HOST": "db.example", "LEVEL": "info"}, by=by)
    values = {"USER": "shop", "URL": "postgresql://${USER}@${HOST}/shop", "TEXT": "two\nlines", "EMPTY": ""}
    set_secrets(app, values, comments={"USER": "Who logs in"}, by=by)
    set_secret(app, "AS_IT_IS", "${no reference}", is_literal=True, by=by)
    add_import(app, shared, by=by)
    set_secrets(create_folder(prod, "/app", by=by), {"USER": "shop-prod"}, by=by)
    user = Secret.objects.get(folder=app, key="USER")
    tag = create_tag(project, "database", name="Database", color="#336699", by=by)
    pairs = (Metadatum("team", "shop"), Metadatum("pin", "1234", is_encrypted=True))
    set_labels(project.pk, {user: Labels(tag_ids=[tag.pk], metadata=pairs)}, by=by)
    upkeep.set_upkeep(user, upkeep.Upkeep("alice", date(2027, 2, 28), tags=["database"]), by=by)


def make_connections() -> None:
    from connections.models import Connection

    devin = Connection(name="devin", base_url=DEVIN)
    devin.set_api_key(API_KEY)
    devin.save()


def make_syncs() -> None:
    from connections.models import Connection
    from syncs.models import DevinSync
    from vault.models import Folder, Project

    project, connection = Project.objects.get(slug="shop"), Connection.objects.get(name="devin")
    app = Folder.objects.get(environment__slug="dev", path="/app")
    prod = Folder.objects.get(environment__slug="prod", path="/app")
    given: dict[str, Any] = {"project": project, "connection": connection}
    DevinSync.objects.create(
        **given, name="shop-to-devin", folder=app, org_id="org-sandbox", key_schema="SHOP_{{secretKey}}"
    )
    DevinSync.objects.create(**given, name="cut-off", folder=app, org_id=CUT_OFF)
    DevinSync.objects.create(**given, name="switched-off", folder=prod, org_id="org-sandbox", is_enabled=False)


def carry_out(name: str) -> Any:
    from syncs.choices import Operation, Trigger
    from syncs.models import DevinSync, SyncRun
    from syncs.runs import jobs
    from syncs.runs.ask import request_run

    run = request_run(DevinSync.objects.get(name=name), trigger=Trigger.MANUAL, operation=Operation.SYNC)
    SyncRun.objects.filter(pk=run.pk).update(not_before=None)
    jobs.run_sync(str(run.pk))
    run.refresh_from_db()
    return run


def die_while_carrying_out(name: str) -> None:
    """As a killed process leaves it: a run that is said to run, a lease, an intent that may have been carried out."""
    from django.db import connections

    connections.close_all()
    child = os.fork()
    if child == 0:
        from connections.devin.client import DevinClient

        create = DevinClient.create_secret

        def create_and_die(client: DevinClient, org_id: str, **secret: str) -> None:
            create(client, org_id, **secret)
            os._exit(0)

        DevinClient.create_secret = create_and_die  # type: ignore[assignment]
        carry_out(name)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0, "It did not die in the middle of its first write."


def change_and_delete(by: Any) -> None:
    """What the next run has to do, and what lies in the trash."""
    from vault.editing import delete_secret, set_secrets
    from vault.models import Folder, Secret

    app = Folder.objects.get(environment__slug="dev", path="/app")
    set_secrets(app, {"TEXT": "three\nother\nlines", "NEW": "made after the last run"}, by=by)
    delete_secret(Secret.objects.get(folder=app, key="EMPTY"), by=by)


def decide_on_a_stranger(sync: Any, admin: Any) -> None:
    from syncs.models import Destination, StrangerDecision

    StrangerDecision.objects.create(
        sync=sync,
        destination=Destination.objects.get(org_id=sync.org_id),
        secret_id="secret-of-a-stranger",
        destination_key="OF_A_STRANGER",
        decision="leave",
        decided_by=admin,
    )


def make_programs(admin: Any) -> None:
    from django.contrib.auth.models import Group
    from django.utils import timezone

    from api.models import ApiToken, MachineIdentity, ReadNote

    ApiToken.issue(admin, "for CI")
    identity = MachineIdentity.objects.create(name="deployer", role=Group.objects.get(name="Operator"))
    identity.add_secret(description="of the pipeline")[0].issue_access_token()
    ReadNote.objects.create(credential="prefix", place="shop dev:/app", detail="values", noted_at=timezone.now())


def make_what_is_elsewhere(admin: Any) -> None:
    """A project that is kept in an Infisical, which no test asks: the rows alone are told of."""
    from django.utils import timezone

    from api.hooks.models import Hook, HookDelivery
    from connections.models import Connection
    from sources.models import Copy, LinkedProject, ListedFolders, WatchedPlace
    from vault.editing import Actor, create_project

    elsewhere = Connection(name="infisical", app="infisical", method="universal-auth")
    elsewhere.base_url = "https://app.infisical.com"
    elsewhere.set_credentials({"clientId": "a-client", "clientSecret": "a-secret-of-it"})
    elsewhere.save()
    by = Actor.on_command_line(admin)
    project = create_project(name="Kept elsewhere", slug="kept-elsewhere", environments=(), source="infisical", by=by)
    link = LinkedProject.objects.create(project=project, connection=elsewhere, remote_id="p1", poll_seconds=0)
    ListedFolders.objects.create(link=link, environment_slug="dev", folders=["/"], listed_at=timezone.now())
    WatchedPlace.objects.create(link=link, environment_slug="dev", path="/", recursive=False, version="1")
    Copy.objects.create(connection=elsewhere, remote_id="p1", state=Copy.State.FAILED, asked_by=admin)
    hook = Hook(link=link)
    hook.renew_secret()
    hook.save()
    HookDelivery.remember(hook, "0" * 64)


def link_the_log() -> None:
    from django.contrib.admin.models import CHANGE, LogEntry
    from django.contrib.auth.models import User

    from audit.chain import link_some

    admin = User.objects.get(is_superuser=True)
    LogEntry.objects.log_actions(admin.pk, [admin], CHANGE, change_message="Seen.", single_object=True)
    while link_some():
        pass


def open_sandbox(data: Path, port: int = 0) -> Sandbox:
    sandbox = Sandbox(data=data, port=port)
    sandbox.directory.declare_organization(CUT_OFF)
    sandbox.directory.declare_key(API_KEY, org_id=None)
    return sandbox


def main() -> None:
    import django

    django.setup()
    with open_sandbox(Path(sys.argv[1]), urlsplit(DEVIN).port or 0) as sandbox:
        fill(sandbox)


if __name__ == "__main__":
    main()
