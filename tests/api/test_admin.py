import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import Session
from accounts.roles import ADMINISTRATOR, EDITOR, VIEWER
from api.auth.scopes import PRESETS, SCOPES
from api.models import AccessToken, ApiToken, ClientSecret, MachineIdentity
from tests.api.conftest import Caller, make_user

TOKEN = re.compile(r"ds[tc]_[0-9a-f]{12}_[A-Za-z0-9_-]{43}")
TOKENS = "/admin/api/apitoken/"
IDENTITIES = "/admin/api/machineidentity/"
OPTIONS = "/api/v1/secret-syncs/options"


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root")


@pytest.fixture
def browser(client: Client, root: User) -> Client:
    client.force_login(root)
    return client


def test_a_new_token_is_shown_once(browser: Client, root: User) -> None:
    form = {"name": "ci", "user": root.pk, "scopes": ["syncs:read"], "allowed_networks": "127.0.0.0/8\n10.0.0.1"}

    page = browser.post(f"{TOKENS}add/", form)

    (token,) = set(TOKEN.findall(page.content.decode()))
    Caller(token).get(OPTIONS)
    row = ApiToken.objects.get()
    assert (row.scopes, row.allowed_networks) == (["syncs:read"], ["127.0.0.0/8", "10.0.0.1"])
    for path in (TOKENS, f"{TOKENS}{row.pk}/change/", f"{TOKENS}{row.pk}/history/"):
        assert not TOKEN.search(browser.get(path).content.decode())
    assert token not in str([session.get_decoded() for session in Session.objects.all()])


def test_refuses_networks_that_are_none(browser: Client, root: User) -> None:
    page = browser.post(f"{TOKENS}add/", {"name": "ci", "user": root.pk, "allowed_networks": "10.0.0.0/99"})

    assert "is no address or network" in page.content.decode()
    assert not ApiToken.objects.exists()


def test_revokes_tokens(browser: Client, root: User) -> None:
    row, token = ApiToken.issue(root, "ci")

    browser.post(TOKENS, {"action": "revoke_tokens", "_selected_action": [str(row.pk)]})

    Caller(token).get(OPTIONS, status=401)


def test_only_superusers_make_tokens_for_others(client: Client, root: User) -> None:
    client.force_login(staff("admin", ADMINISTRATOR))

    page = client.post(f"{TOKENS}add/", {"name": "ci", "user": root.pk})

    assert page.status_code == 200
    assert not ApiToken.objects.exists()


def test_nobody_widens_a_token_that_can_do_more_than_they(client: Client, root: User) -> None:
    row, _ = ApiToken.issue(root, "ci", scopes=["syncs:read"], allowed_networks=["10.0.0.0/8"])
    client.force_login(staff("admin", ADMINISTRATOR))

    answer = client.post(f"{TOKENS}{row.pk}/change/", {"name": "ci", "allowed_networks": ""})

    assert answer.status_code == 403
    assert ApiToken.objects.get().scopes == ["syncs:read"]


def test_administrators_revoke_any_token(client: Client, root: User) -> None:
    row, _ = ApiToken.issue(root, "ci")
    client.force_login(staff("admin", ADMINISTRATOR))

    client.post(TOKENS, {"action": "revoke_tokens", "_selected_action": [str(row.pk)]})

    assert not ApiToken.objects.get().is_live


def test_an_identity_leads_to_its_first_secret(browser: Client) -> None:
    role = Group.objects.get(name=VIEWER)
    form = {"name": "deployer", "role": role.pk, "is_enabled": "on", "token_ttl": 60, "token_max_ttl": 60}

    answer = browser.post(f"{IDENTITIES}add/", form)
    identity = MachineIdentity.objects.get()
    assert answer["Location"] == f"{IDENTITIES}{identity.pk}/add-secret/"
    assert browser.get(answer["Location"]).status_code == 200
    page = browser.post(answer["Location"], {"description": "laptop"})

    (secret,) = set(TOKEN.findall(page.content.decode()))
    body = {"clientId": str(identity.client_id), "clientSecret": secret}
    Caller().post("/api/v1/auth/universal-auth/login", body)
    shown = browser.get(f"{IDENTITIES}{identity.pk}/change/").content.decode()
    assert "laptop" in shown
    assert not TOKEN.search(shown)
    assert ClientSecret.objects.get().prefix in shown
    assert AccessToken.objects.get().prefix in shown


def test_a_new_token_ends_in_90_days_unless_said_otherwise(browser: Client) -> None:
    page = browser.get("/admin/api/apitoken/add/")

    preset = page.context["adminform"].form.initial["expires_at"] - timezone.now()
    assert timedelta(days=89) < preset <= timedelta(days=90)


@pytest.mark.parametrize(
    ("preset", "ticked"),
    [
        ("read-only", {"syncs:read", "connections:read", "vault:read"}),
        ("all", set()),
        ("none-of-that-name", set()),
        ("", set()),
    ],
)
@pytest.mark.parametrize("page_of", [TOKENS, IDENTITIES])
def test_a_preset_ticks_its_scopes(preset: str, ticked: set[str], browser: Client, page_of: str) -> None:
    page = browser.get(f"{page_of}add/", {"preset": preset} if preset else {}).content.decode()

    assert set(re.findall(r'value="([a-z:-]+)"[^>]* checked', page)) == ticked


def test_an_identity_is_offered_the_presets_in_the_words_of_tokens(browser: Client) -> None:
    role = Group.objects.get(name=VIEWER)
    identity = MachineIdentity.objects.create(name="deployer", role=role)

    pages = [browser.get(f"{path}add/?preset=ci").content.decode() for path in (TOKENS, IDENTITIES)]

    for page in pages:
        assert [preset.label in page for preset in PRESETS.values()] == [True] * len(PRESETS)
        assert PRESETS["ci"].summary in page
    assert "?preset=" not in browser.get(f"{IDENTITIES}{identity.pk}/change/").content.decode()


def test_a_client_secret_ends_in_90_days_unless_said_otherwise(browser: Client) -> None:
    identity = MachineIdentity.objects.create(name="deployer", role=Group.objects.get(name=VIEWER))
    page = f"{IDENTITIES}{identity.pk}/add-secret/"

    preset = browser.get(page).context["form"].initial["expires_at"] - timezone.now()
    browser.post(page, {"description": "for ever", "expires_at": ""})

    assert timedelta(days=89) < preset <= timedelta(days=90)
    assert ClientSecret.objects.get().expires_at is None


def test_an_identity_says_when_and_from_where_it_was_last_used(browser: Client) -> None:
    identity = MachineIdentity.objects.create(name="deployer", role=Group.objects.get(name=VIEWER))
    pages = (IDENTITIES, f"{IDENTITIES}{identity.pk}/change/")
    for page in pages:
        assert "never" in browser.get(page).content.decode()
    row, _ = identity.add_secret()
    row.note_use("10.0.0.1")
    token, _ = row.issue_access_token()
    ClientSecret.objects.update(last_used_at=timezone.now() - timedelta(hours=2))

    for page in pages:
        assert "from 10.0.0.1" in browser.get(page).content.decode()
    token.note_use("10.0.0.2")
    assert [f"from 10.0.0.{number}" in browser.get(IDENTITIES).content.decode() for number in (1, 2)] == [False, True]
    AccessToken.objects.all().delete()
    assert "from 10.0.0.1" in browser.get(IDENTITIES).content.decode()


def test_no_preset_reads_a_value() -> None:
    scopes = {scope for preset in PRESETS.values() for scope in preset.scopes}

    assert "vault:reveal" not in scopes
    assert scopes <= set(SCOPES)


def test_a_time_is_taken_in_the_zone_that_the_page_shows(browser: Client, root: User) -> None:
    browser.cookies["viewer-zone"] = "Asia/Tokyo"

    browser.post(f"{TOKENS}add/", {"name": "ci", "user": root.pk, "expires_at": "2099-01-31T21:00"})

    assert ApiToken.objects.get().expires_at == datetime(2099, 1, 31, 12, 0, tzinfo=UTC)


def test_nobody_gives_an_identity_more_than_they_have(client: Client, db: None) -> None:
    """A group that could edit identities, but nothing else."""
    group = Group.objects.create(name="Identity managers")
    from django.contrib.auth.models import Permission

    group.permissions.set(Permission.objects.filter(content_type__app_label="api"))
    client.force_login(staff("manager", group.name))
    form = {"name": "big", "role": Group.objects.get(name=EDITOR).pk, "token_ttl": 60, "token_max_ttl": 60}

    client.post(f"{IDENTITIES}add/", form)

    assert not MachineIdentity.objects.exists()


def test_an_identity_goes_with_its_user(browser: Client) -> None:
    identity = MachineIdentity.objects.create(name="deployer", role=Group.objects.get(name=VIEWER))

    browser.post(f"{IDENTITIES}{identity.pk}/delete/", {"post": "yes"})

    assert not User.objects.filter(username__startswith="identity-").exists()


@pytest.mark.parametrize("role", [VIEWER, EDITOR])
def test_is_for_administrators(client: Client, db: None, role: str) -> None:
    client.force_login(staff("somebody", role))

    assert client.get(TOKENS).status_code == 403
    assert client.get(IDENTITIES).status_code == 403


def test_the_command_prints_the_token_alone(root: User) -> None:
    out = io.StringIO()

    call_command("create_api_token", user="root", name="ci", expires=30, stdout=out)

    token = out.getvalue().strip()
    assert TOKEN.fullmatch(token)
    Caller(token).get(OPTIONS)
    left = ApiToken.objects.get().expires_at - timezone.now()  # type: ignore[operator]
    assert timedelta(days=29) < left <= timedelta(days=30)


@pytest.mark.parametrize(("user", "days"), [("nobody", 3), ("root", 0), ("root", -1)])
def test_the_command_says_what_is_wrong(root: User, user: str, days: int) -> None:
    with pytest.raises(CommandError):
        call_command("create_api_token", user=user, name="ci", expires=days)


def staff(name: str, role: str) -> User:
    user = make_user(name, role)
    user.is_staff = True
    user.save()
    return user
