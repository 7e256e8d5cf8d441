"""Looks for what is secret wherever it must not be, after everything was done once, with a real queue and worker.

The secrets are random, and so are told from everything else in any disguise: as text, in base64 or hexadecimal,
backwards, or as a plain hash.
"""

import base64
import hashlib
import io
import json
import logging
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
import redis
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection as database
from django.test import Client, override_settings
from django.urls import reverse

from accounts.models import RecoveryCode, Session
from accounts.second_factor import totp
from api.hooks.models import Hook
from api.models import ApiToken, MachineIdentity
from connections.models import AccessToken, Connection
from devinsync_site.logs import JsonFormatter
from encryption import unseal
from notices.incidents import Lookout
from notices.models import Channel, Delivery, Rule
from notices.telling import send_due
from sandbox.infisical.server import InfisicalSandbox
from sandbox.infisical.webhooks import Webhook
from sandbox.organization import Organization
from sandbox.server import Sandbox
from sources.finding import find_place
from sources.linking import link_project
from sources.models import Copy, LinkedProject
from syncs.choices import Status, Trigger
from syncs.editing import Actor, create_sync
from syncs.models import DevinSync, SyncRun
from syncs.runs import jobs
from syncs.runs.ask import request_run
from syncs.runs.polling import ring_due_copies
from tests.actors import ANYBODY
from tests.api.conftest import Caller
from tests.openbao import OpenBao
from tests.patience import PATIENCE
from tests.sources.openbao.servers import rights_on
from tests.syncs.torture.programs import database_url
from tests.syncs.wizard_walk import Walk
from vault.editing import Actor as VaultActor
from vault.editing import create_folder, create_project
from vault.models import Folder, Secret
from vault.trash import in_trash

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parent.parent
ORG = "org-sandbox"
LINK = re.compile(r'href="(/admin/[^"#]*)"')
MOST_PAGES = 150
API_READS = (
    "/api/v1/app-connections",
    "/api/v1/app-connections/devin/available",
    "/api/v1/projects",
    "/api/v1/sync-control",
    *(f"/api/v1/notifications/{what}" for what in ("channels", "rules", "incidents", "deliveries")),
    "/api/docs/json",
)


@dataclass(frozen=True)
class Canary:
    """A secret: random letters and digits, `core`, which no encoding of text changes, within signs that they do."""

    name: str
    core: str = field(default_factory=lambda: uuid4().hex)
    begin: str = ""
    end: str = ""

    @property
    def text(self) -> str:
        return self.begin + self.core + self.end

    def disguises(self) -> dict[str, bytes]:
        core = self.core.encode()
        shifted = {
            # In base64, a text begins at one of three places in a group of letters; its edges mix with its neighbours.
            f"base64, {shift}": base64.b64encode(b"x" * shift + core)[4:40]
            for shift in range(3)
        }
        hashes = ("md5", "sha1", "sha256", "sha512")
        hashed = {name: hashlib.new(name, self.text.encode()).hexdigest().encode() for name in hashes}
        return {"text": core, "backwards": core[::-1], "hexadecimal": core.hex().encode()} | shifted | hashed

    def found_in(self, data: bytes) -> list[str]:
        lowered = data.lower()
        return [name for name, disguise in self.disguises().items() if disguise in data or disguise in lowered]


@dataclass
class Stage:
    """Everything that happens, by the doors that people and scripts use."""

    browser: Client
    caller: Caller
    sandbox: Sandbox
    queue_url: str
    logs: Path
    folder: Folder
    canaries: dict[str, Canary] = field(default_factory=dict)
    answers: list[tuple[str, bytes]] = field(default_factory=list)

    def secret(self, name: str, **around: str) -> str:
        return self.canaries.setdefault(name, Canary(name, **around)).text

    def keep(self, where: str, response: Any) -> Any:
        self.answers.append((where, response.content + str(response.headers).encode() + str(response.cookies).encode()))
        return response

    def post(self, path: str, data: dict[str, Any], *, status: int = 302) -> Any:
        response = self.keep(f"POST {path}", self.browser.post(path, data))
        assert response.status_code == status, (path, response.status_code)
        return response

    def call(self, method: str, path: str, body: Any = None, *, status: int = 200, **headers: str) -> Any:
        response = self.keep(f"{method} {path}", self.caller.send(method, path, body, **headers))
        assert response.status_code == status, (path, response.status_code, response.content[:200])
        return response

    def work(self) -> None:
        """A worker's process carries out all that is queued."""
        environment = os.environ | {"REDIS_URL": self.queue_url, "DATABASE_URL": database_url()}
        with (self.logs / "worker.log").open("ab") as log:
            command = [sys.executable, "manage.py", "worker", "--burst"]
            subprocess.run(command, cwd=ROOT, env=environment, stdout=log, stderr=log, timeout=PATIENCE, check=True)


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    """What the site writes to its log."""
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(JsonFormatter())
    loggers = [logging.getLogger(name) for name in ("", "django", "axes")]
    for logger in loggers:
        logger.addHandler(handler)
    yield lines
    for logger in loggers:
        logger.removeHandler(handler)


@pytest.fixture
def stage(queue_server: str, tmp_path: Path) -> Iterator[Stage]:
    redis.Redis.from_url(queue_server).flushall()
    root = User.objects.create_superuser("root", "", "x")
    project = create_project(name="Acme shop", slug="acme-shop", environments=[("Development", "dev")], by=ANYBODY)
    folder = create_folder(project.environments.get(slug="dev"), "/my-secrets", by=ANYBODY)
    with Sandbox() as sandbox:
        stage = Stage(Client(), Caller(ApiToken.issue(root, "tests")[1]), sandbox, queue_server, tmp_path, folder)
        sandbox.directory.declare_key(stage.secret("API key", begin="cog_"))
        sandbox.directory.declare_key(stage.secret("second API key", begin="cog_"))
        sandbox.organization(ORG).refuse_value("REFUSED")
        sandbox.organization(ORG).put(key="DB_URL", value="a stranger's")
        yield stage


# The play


def sign_in(stage: Stage) -> None:
    password = stage.secret("password")
    User.objects.create_superuser("alex", "", password)
    wrong = stage.secret("wrong password")
    stage.post("/admin/login/", {"username": "alex", "password": wrong}, status=200)
    stage.post("/admin/login/", {"username": "alex", "password": password, "next": "/admin/"})


def set_up_a_second_factor(stage: Stage) -> None:
    """The page that shows an app's secret, and the answer that shows recovery codes, are the ones that may."""
    app = reverse("admin:second_factor_app")
    page = stage.browser.get(app)
    secret = str(page.context["secret"]).replace(" ", "")
    form = {"kept": page.context["kept"], "name": "Phone", "code": totp.code_at(secret, totp.current_step())}
    codes = stage.browser.post(app, form).context["codes"]
    stage.canaries["secret of an app"] = Canary("secret of an app", secret)
    for at in (0, 9):
        stage.canaries[f"recovery code {at}"] = Canary(f"recovery code {at}", codes[at])
    log_in = {"username": "alex", "password": stage.secret("password")}
    stage.browser.logout()
    step = stage.post("/admin/login/", log_in)["Location"]
    stage.post(step, {"code": stage.secret("wrong code")}, status=200)
    stage.post(step, {"code": codes[0]})
    stage.post(reverse("admin:confirm_identity"), {"password": log_in["password"], "code": codes[1]})


def connect(stage: Stage) -> None:
    form = {"name": "acme", "base_url": stage.sandbox.url, "concurrency": 4, "seen_version": 1}
    add = reverse("admin:connections_connection_add")
    stage.post(add, form | {"name": "No slug", "api_key": stage.secret("API key")}, status=200)
    stage.post(add, form | {"api_key": stage.secret("refused API key", begin="cog_")}, status=200)
    stage.post(add, form | {"api_key": stage.secret("API key")})
    credentials = {"apiKey": stage.secret("second API key"), "baseUrl": stage.sandbox.url}
    body = {"name": "second", "method": "api-key", "credentials": credentials}
    stage.call("POST", "/api/v1/app-connections/devin", body, Idempotency_Key="one")
    stage.call("POST", "/api/v1/app-connections/devin", body, Idempotency_Key="one")
    stage.call("POST", "/api/v1/app-connections/devin", body | {"name": 1}, status=422)
    stage.call("POST", "/api/v1/app-connections/devin", body | {"credentials": credentials["apiKey"]}, status=422)


def fill_the_vault(stage: Stage) -> None:
    value = stage.secret("value", begin="p@ss/<b>+&", end="é\"'")
    add = reverse("admin:vault_secret_add_page", args=[stage.folder.pk])
    stage.post(add, {"key": "no key", "value": value}, status=200)
    stage.post(add, {"key": "DB_URL", "value": stage.secret("old value")})
    secret = Secret.objects.get(key="DB_URL")
    edit = {"key": "DB_URL", "value": value, "version": 1}
    stage.post(reverse("admin:vault_secret_edit", args=[secret.pk]), edit)
    pasted = f"PASTED='{stage.secret('pasted value')}'\n{stage.secret('line without a key')}"
    upload = SimpleUploadedFile(".env", pasted.encode())
    page = stage.post(reverse("admin:vault_dotenv", args=[stage.folder.pk]), {"file": upload}, status=200)
    stage.post(reverse("admin:vault_dotenv", args=[stage.folder.pk]), {"kept": page.context["kept"]})
    stage.post(add, {"key": "GONE", "value": stage.secret("value in the trash")})
    stage.post(reverse("admin:vault_secret_delete_page", args=[Secret.objects.get(key="GONE").pk]), {})


def fill_the_vault_by_the_api(stage: Stage) -> None:
    """Answers to a write hold what was written, for callers who may read it; these may not."""
    writer = User.objects.create_user("writer")
    writer.groups.add(Group.objects.get(name="Editor"))
    scopes = ["vault:write", "vault:read", "syncs:write", "connections:use"]
    stage.caller = Caller(ApiToken.issue(writer, "writer", scopes=scopes)[1])
    place = {"projectId": str(stage.folder.environment.project_id), "environment": "dev", "secretPath": "/my-secrets"}
    for key in ("SCRIPTED", "REFUSED"):
        body = place | {"secretValue": stage.secret(f"value of {key}")}
        for path in (f"/api/v4/secrets/{key}", f"/api/v4/secrets/{key}"):
            stage.call("POST", path, body, Idempotency_Key=f"key-of-{key}")
        stage.call("POST", f"/api/v3/secrets/raw/{key}", body, status=400)
        stage.call("POST", f"/api/v4/secrets/{key}", body | {"type": body["secretValue"]}, status=422)
        stage.call("POST", f"/api/v4/secrets/{key}", body | {"other": body["secretValue"]}, status=400)
    query = f"?projectId={place['projectId']}&environment=dev&secretPath=/my-secrets"
    stage.call("GET", f"/api/v4/secrets{query}&viewSecretValue=false")
    stage.call("GET", f"/api/v4/secrets{query}", status=403)
    # Put there by a secret that refers to another one, and cannot be read.
    stage.call("POST", "/api/v4/secrets/WHOLE", place | {"secretValue": "${DB_URL}/${PASTED}"})


def tell_secrets_to_nobody_who_logs_in(stage: Stage) -> None:
    identity = MachineIdentity.objects.create(name="deployer", role=Group.objects.get(name="Viewer"))
    secret = identity.add_secret()[1]
    stage.canaries["client secret"] = Canary("client secret", secret.split("_", 2)[2])
    stage.canaries["token"] = Canary("token", stage.caller.token.split("_", 2)[2])
    log_in = "/api/v1/auth/universal-auth/login"
    stage.call("POST", log_in, {"clientId": str(identity.client_id), "clientSecret": secret[:-1] + "!"}, status=401)
    response = stage.caller.send("POST", log_in, {"clientId": str(identity.client_id), "clientSecret": secret})
    token = json.loads(response.content)["accessToken"]
    stage.canaries["access token"] = Canary("access token", token.split("_", 2)[2])


def sync(stage: Stage) -> SyncRun:
    walk = Walk(stage.browser, stage.folder, Connection.objects.get(name="acme"), options={"key_schema": ""})
    page = stage.keep("the wizard's review", walk.to_review())
    stage.keep("the wizard's end", walk.create(page, confirm=True))
    stage.work()
    run = SyncRun.objects.get()
    stage.keep("the plan", stage.browser.get(reverse("admin:syncs_devinsync_plan", args=[run.sync_id])))
    stage.caller = Caller(ApiToken.issue(User.objects.get(username="root"), "later")[1])
    stage.call("POST", f"/api/v1/secret-syncs/devin/{run.sync_id}/plan")
    stage.call("GET", f"/api/v1/secret-syncs/devin/{run.sync_id}/runs")
    stage.call("GET", f"/api/v1/sync-runs/{run.pk}")
    return run


def sync_from_infisical(stage: Stage) -> None:
    """Once well, and once with a value that cannot be taken; told of by a signed message."""
    root = User.objects.get(username="root")
    with InfisicalSandbox() as infisical:
        client_id, client_secret = stage.secret("Infisical client ID"), stage.secret("Infisical client secret")
        infisical.world.add_identity(client_id, client_secret)
        shop = infisical.world.add_project("infisical-shop")
        infisical.world.put(shop, "dev", "/app", A=stage.secret("value in Infisical"), B="${A}")
        infisical.world.put(shop, "dev", "/shared", C=stage.secret("imported value"))
        shop.environments["dev"].folders["/app"].imports.append(("dev", "/shared"))
        form = {"name": "infisical", "base_url": infisical.url, "concurrency": 4, "seen_version": 1}
        form["client_id"] = client_id
        add = reverse("admin:connections_connection_add") + "?app=infisical"
        stage.post(add, form | {"client_secret": stage.secret("refused client secret")}, status=200)
        stage.post(add, form | {"client_secret": client_secret})
        project = link_project(Connection.objects.get(name="infisical"), shop.id, by=ANYBODY)
        hook = Hook(link=LinkedProject.of(project))
        stage.canaries["webhook secret"] = Canary("webhook secret", hook.renew_secret())
        hook.save()
        sync = DevinSync(name="infisical", project=project, connection=Connection.objects.get(name="acme"))
        sync.org_id, sync.key_schema = ORG, "INF_{{secretKey}}"
        sync.source = find_place(project, "dev", "/app")
        create_sync(sync, by=Actor.on_command_line(root))
        stage.work()
        copy_from_infisical(stage, LinkedProject.of(project))
        infisical.world.put(shop, "dev", "/app", A=f"{stage.secret('value that cannot be taken')}${{NOPE}}")
        send_message(stage, hook, shop)
        # It waits for further changes, which a worker would not wait for here.
        pending = SyncRun.objects.pending().get(sync=sync)
        SyncRun.objects.filter(pk=pending.pk).update(not_before=None)
        jobs.run_sync(str(pending.pk))
        for token in infisical.world.tokens:
            stage.canaries[token] = Canary("Infisical access token", token)


def copy_from_infisical(stage: Stage, link: LinkedProject) -> None:
    """Planned twice and written by a worker; then once more by the command."""
    entries = {"connection": str(link.connection_id), "remote_project": link.remote_id, "slug": "moved-in"}
    stage.post(reverse("admin:sources_copy_add"), entries)
    copy = Copy.objects.get()
    for asked in ("copy_again", "copy_confirm", ""):
        ring_due_copies()
        stage.work()
        copy.refresh_from_db()
        stage.keep("the copy", stage.browser.get(reverse("admin:sources_copy", args=[copy.pk])))
        if asked:
            stage.post(reverse(f"admin:sources_{asked}", args=[copy.pk]), {"digest": copy.digest})
    assert Folder.objects.filter(environment__project__slug="moved-in", path="/app").exists()
    arguments = ["--connection", link.connection.name, "--project", link.remote_id, "--into", "moved-in", "--yes"]
    stage.answers.append(output_of("import_infisical", *arguments))


def send_message(stage: Stage, hook: Hook, shop: Any) -> None:
    webhook = Webhook("", hook.secret())
    body = webhook.message(shop, "dev", "/app")
    for headers in ({"x-infisical-signature": "t=1;" + "0" * 64}, webhook.headers(body)):
        sent = {name: text for name, text in headers.items() if name.startswith("x-")}
        url = reverse("hooks:infisical", args=[hook.pk])
        stage.keep(url, stage.browser.post(url, body, content_type="application/json", headers=sent))


def sync_from_openbao(stage: Stage, openbao: OpenBao) -> None:
    """By an AppRole that the form takes, and a token that the API takes."""
    mount = openbao.mount()
    openbao.put(mount, "dev/app", {"KEPT_ELSEWHERE": stage.secret("value in OpenBao")})
    role = openbao.approle(openbao.policy(rights_on(mount)))
    token = openbao.token(openbao.policy(rights_on(mount)))
    stage.canaries["role ID"] = Canary("role ID", role.role_id)
    stage.canaries["secret ID"] = Canary("secret ID", role.secret_id)
    stage.canaries["OpenBao token"] = Canary("OpenBao token", token.partition(".")[2])
    form = {"name": "team-vault", "base_url": openbao.url, "concurrency": 4, "seen_version": 1, "kv_version": "auto"}
    form |= {"mount": mount, "role_id": role.role_id}
    add = f"{reverse('admin:connections_connection_add')}?app=hashicorp-vault&method=app-role"
    stage.post(add, form | {"secret_id": stage.secret("refused secret ID")}, status=200)
    stage.post(add, form | {"secret_id": role.secret_id})
    body = {"name": "other-vault", "method": "access-token"}
    credentials = {"instanceUrl": openbao.url, "accessToken": token, "mount": mount}
    path = "/api/v1/app-connections/hashicorp-vault"
    stage.call("POST", path, body | {"credentials": credentials}, Idempotency_Key="vault")
    wrong = {"name": "third-vault", "credentials": credentials | {"kvVersion": "9"}}
    stage.call("POST", path, body | wrong, status=422)
    for name in ("team-vault", "other-vault"):
        run_from(stage, Connection.objects.get(name=name), name)
    kept = AccessToken.objects.get(connection__name="team-vault")
    by_login = unseal(kept.sealed_token, context=kept.context())
    stage.canaries["token of a login"] = Canary("token of a login", by_login.partition(".")[2])
    openbao.put(mount, "dev/app", {"KEPT_ELSEWHERE": None, "OTHER": stage.secret("value beside a null")})
    for sync in DevinSync.objects.filter(name__endswith="-vault"):
        request_run(sync, trigger=Trigger.MANUAL)
        stage.keep("a plan that fails", stage.browser.get(reverse("admin:syncs_devinsync_plan", args=[sync.pk])))
    # They wait for further changes, as they follow runs so closely.
    SyncRun.objects.pending().update(not_before=None)
    stage.work()


def run_from(stage: Stage, connection: Connection, name: str) -> None:
    root = User.objects.get(username="root")
    project = link_project(connection, "", by=VaultActor.on_command_line(root))
    devin = Connection.objects.get(name="acme")
    sync = DevinSync(name=name, project=project, connection=devin, org_id=ORG, strangers="leave")
    sync.key_schema = f"{name.partition('-')[0].upper()}_{{{{secretKey}}}}"
    sync.source = find_place(project, "dev", "/app")
    create_sync(sync, by=Actor.on_command_line(root))
    stage.work()
    stage.keep("the plan", stage.browser.get(reverse("admin:syncs_devinsync_plan", args=[sync.pk])))


def tell_somebody(stage: Stage) -> None:
    """By a webhook that is not there and a service that refuses; of a sync whose run failed."""
    secret, token = stage.secret("token in a webhook"), stage.secret("token in a service's address")
    form = {"name": "hook", "way": "webhook", "time_zone": "UTC"}
    add = reverse("admin:notices_channel_add")
    stage.post(add, form | {"name": "", "address": f"https://localhost:1/{secret}"}, status=200)
    # The page that shows its secret once, like the one of a token, is not kept here.
    stage.browser.post(add, form | {"address": f"https://localhost:1/{secret}"})
    stage.canaries["signing secret"] = Canary("signing secret", Channel.objects.get().secret())
    stage.post(add, form | {"name": "chat", "way": "service", "address": f"json://{token}@127.0.0.1:1/{token}"})
    for channel in Channel.objects.all():
        stage.post(reverse("admin:notices_channel_test", args=[channel.pk]), {})
    tell_somebody_by_the_api(stage)
    Rule.objects.create(channel=Channel.objects.get(name="chat"), events=["failed", "drift", "source", "refused"])
    Lookout().look()
    send_due()


def tell_somebody_by_the_api(stage: Stage) -> None:
    token, path = stage.secret("token in an address by the API"), "/api/v1/notifications/channels"
    address = f"json://{token}@127.0.0.1:1/{token}"
    stage.call("POST", path, {"name": "by-api", "way": "webhook", "address": address}, status=422)
    made = stage.call("POST", path, {"name": "by-api", "way": "service", "address": address}, Idempotency_Key="channel")
    tested = stage.call("POST", f"{path}/{made.json()['channel']['id']}/test")
    assert tested.json()["delivery"]["state"] == "failed"


def play(stage: Stage, openbao: OpenBao) -> SyncRun:
    sign_in(stage)
    set_up_a_second_factor(stage)
    connect(stage)
    fill_the_vault(stage)
    fill_the_vault_by_the_api(stage)
    tell_secrets_to_nobody_who_logs_in(stage)
    run = sync(stage)
    sync_from_openbao(stage, openbao)
    sync_from_infisical(stage)
    tell_somebody(stage)
    return run


# Where to look


def all_pages(browser: Client) -> Iterator[tuple[str, bytes]]:
    """Every page of the admin that a link leads to, by way of what a superuser sees."""
    waiting, seen = ["/admin/"], {"/admin/", "/admin/logout/"}
    while waiting and len(seen) < MOST_PAGES:
        path = waiting.pop(0)
        response = browser.get(path)
        yield path, response.content + str(response.headers).encode()
        if response.headers.get("Content-Type", "").startswith("text/html"):
            found = [link.replace("&amp;", "&") for link in LINK.findall(response.content.decode())]
            waiting += [link for link in dict.fromkeys(found) if link not in seen]
            seen.update(found)


def everything_in(valkey: redis.Redis) -> Iterator[tuple[str, bytes]]:
    for key in cast("list[bytes]", valkey.keys("*")):
        yield f"queue {key!r}", key + cast("bytes", valkey.dump(key))
        if valkey.type(key) == b"hash":
            for name, value in cast("dict[bytes, bytes]", valkey.hgetall(key)).items():
                yield f"queue {key!r} {name!r}", value + unpacked(value)
    folder = cast("dict[str, str]", valkey.config_get("dir"))["dir"]
    yield from files_below(Path(folder))


def unpacked(value: bytes) -> bytes:
    try:
        return zlib.decompress(value)
    except zlib.error:
        return b""


def files_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()


def database_files() -> Iterator[tuple[str, bytes]]:
    name = Path(database.settings_dict["NAME"])
    yield from files_below(name.parent)
    for session in Session.objects.all():
        yield "a session", json.dumps(session.get_decoded()).encode()


def output_of(command: str, *arguments: str) -> tuple[str, bytes]:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return command, out.getvalue().encode()


def scrape(browser: Client) -> tuple[str, bytes]:
    """With the names of syncs, which is all that it ever tells."""
    token = uuid4().hex
    with override_settings(METRICS_TOKEN=token, METRICS_PER_SYNC=True):
        response = browser.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 200
    return "/metrics", response.content


def test_no_secret_is_anywhere_but_where_it_belongs(
    stage: Stage, openbao: OpenBao, log_lines: io.StringIO, record_property: Callable[[str, object], None]
) -> None:
    run = play(stage, openbao)

    places: list[tuple[str, bytes]] = list(stage.answers)
    places += all_pages(stage.browser)
    places += [(path, stage.call("GET", path).content) for path in API_READS]
    places.append(scrape(stage.browser))
    places += everything_in(redis.Redis.from_url(stage.queue_url))
    places += database_files()
    places += [output_of("dumpdata", "--exclude", "django_rq"), output_of("export"), output_of("runs")]
    places += [("the site's log", log_lines.getvalue().encode()), *files_below(stage.logs)]

    leaks = [
        f"{canary.name} as {disguise} in {where}"
        for where, data in places
        for canary in stage.canaries.values()
        for disguise in canary.found_in(data)
    ]
    record_property("places", len(places))
    record_property("found", len(leaks))
    assert leaks == []
    # It was all there to be found: the play went as meant, and the search sees what is in the open.
    assert_everything_happened(stage, run, len(places))


def assert_everything_happened(stage: Stage, run: SyncRun, place_count: int) -> None:
    organization: Organization = stage.sandbox.organization(ORG)
    value, pasted = stage.secret("value"), stage.secret("pasted value")
    synced = {"DB_URL": value, "PASTED": pasted, "SCRIPTED": stage.secret("value of SCRIPTED")}
    kept = stage.secret("value in OpenBao")
    elsewhere = {"TEAM_KEPT_ELSEWHERE": kept, "OTHER_KEPT_ELSEWHERE": kept}
    failed = SyncRun.objects.filter(sync__name__endswith="-vault", status=Status.FAILED)
    assert {"`KEPT_ELSEWHERE` is null" in each.message for each in failed} == {True}
    read = {"INF_A": stage.secret("value in Infisical"), "INF_B": stage.secret("value in Infisical")}
    read |= {"INF_C": stage.secret("imported value")}
    assert organization.values() == synced | {"WHOLE": f"{value}/{pasted}"} | read | elsewhere
    assert (run.status, run.failed_count) == (Status.FAILED, 1)
    runs = SyncRun.objects.filter(sync__name="infisical").order_by("queued_at")
    assert [each.status for each in runs] == [Status.SUCCEEDED, Status.FAILED]
    assert "still holds a reference" in runs[1].message
    assert place_count > 100
    assert Delivery.objects.filter(channel__name="chat", is_test=False, attempts__gt=0).exists()
    assert RecoveryCode.objects.filter(user__username="alex").count() == 8
    assert in_trash().filter(name="GONE").exists()
    secret = Secret.objects.get(key="DB_URL")
    revealed = stage.browser.post(reverse("admin:vault_secret_reveal", args=[secret.pk])).content
    assert stage.canaries["value"].found_in(revealed) == ["text"]


@pytest.mark.parametrize(
    "hide",
    [
        pytest.param(lambda text: text, id="text"),
        pytest.param(lambda text: base64.b64encode(b"{" + text + b"}"), id="base64"),
        pytest.param(lambda text: base64.urlsafe_b64encode(b"{}" + text), id="base64 of another place"),
        pytest.param(lambda text: text.hex().upper().encode(), id="hexadecimal"),
        pytest.param(lambda text: hashlib.sha256(text).hexdigest().encode(), id="a plain hash"),
    ],
)
def test_the_search_sees_through_disguises(hide: Callable[[bytes], bytes]) -> None:
    canary = Canary("any", begin="a/é<")

    assert canary.found_in(b"before " + hide(canary.text.encode()) + b" after")
