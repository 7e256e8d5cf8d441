from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group, User
from django.utils import timezone

from accounts.roles import EDITOR, VIEWER
from api.models import AccessToken, ApiToken, ClientSecret, LoginFailures, MachineIdentity
from tests.api.conftest import Caller, make_caller, make_user

LOG_IN = "/api/v1/auth/universal-auth/login"
RENEW = "/api/v1/auth/token/renew"
OPTIONS = "/api/v1/secret-syncs/options"
CONNECTIONS = "/api/v1/app-connections"


@pytest.fixture
def identity(db: None) -> MachineIdentity:
    return MachineIdentity.objects.create(name="deployer", role=Group.objects.get(name=VIEWER))


@pytest.fixture
def secret(identity: MachineIdentity) -> str:
    return identity.add_secret()[1]


def log_in(caller: Caller, identity: MachineIdentity, secret: str, *, status: int = 200) -> Any:
    return caller.post(LOG_IN, {"clientId": str(identity.client_id), "clientSecret": secret}, status=status)


def test_logs_in_and_calls(anonymous: Caller, identity: MachineIdentity, secret: str) -> None:
    answer = log_in(anonymous, identity, secret)

    assert list(answer) == ["accessToken", "expiresIn", "accessTokenMaxTTL", "tokenType"]
    assert (answer["expiresIn"], answer["accessTokenMaxTTL"], answer["tokenType"]) == (2_592_000, 2_592_000, "Bearer")
    assert Caller(answer["accessToken"]).get(CONNECTIONS) == {"appConnections": []}


def test_has_the_rights_of_its_role(anonymous: Caller, identity: MachineIdentity, secret: str) -> None:
    caller = Caller(log_in(anonymous, identity, secret)["accessToken"])

    caller.post("/api/v1/projects", {"projectName": "Shop"}, status=403)
    identity.role = Group.objects.get(name=EDITOR)
    identity.save()

    caller.post("/api/v1/projects", {"projectName": "Shop"})


def test_renews_no_further_than_the_longest_lifetime(anonymous: Caller, identity: MachineIdentity, secret: str) -> None:
    MachineIdentity.objects.update(token_ttl=100, token_max_ttl=150)
    token = log_in(anonymous, identity, secret)["accessToken"]
    AccessToken.objects.update(last_renewal_at=timezone.now() + timedelta(seconds=60))

    answer = anonymous.post(RENEW, {"accessToken": token})

    assert answer["accessToken"] == token
    assert answer["expiresIn"] <= 60


def test_a_revoked_access_token_is_dead(anonymous: Caller, identity: MachineIdentity, secret: str) -> None:
    token = log_in(anonymous, identity, secret)["accessToken"]

    anonymous.post("/api/v1/auth/token/revoke", {"accessToken": token})

    Caller(token).get(OPTIONS, status=401)
    anonymous.post(RENEW, {"accessToken": token}, status=401)


@pytest.mark.parametrize("end", ["revoked", "deleted"])
def test_an_access_token_ends_with_its_client_secret(
    anonymous: Caller, identity: MachineIdentity, secret: str, end: str
) -> None:
    token = log_in(anonymous, identity, secret)["accessToken"]

    if end == "revoked":
        ClientSecret.objects.get().revoke()
    else:
        ClientSecret.objects.get().delete()

    Caller(token).get(OPTIONS, status=401)
    anonymous.post(RENEW, {"accessToken": token}, status=401)


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {} ", "\t{}", "\n{}\n"])
def test_what_a_file_added_around_a_credential_is_none_of_it(
    anonymous: Caller, identity: MachineIdentity, secret: str, around: str
) -> None:
    body = {"clientId": around.format(identity.client_id), "clientSecret": around.format(secret)}
    token = anonymous.post(LOG_IN, body)["accessToken"]

    anonymous.post(RENEW, {"accessToken": around.format(token)})


def test_another_client_secrets_token_lives_on(anonymous: Caller, identity: MachineIdentity, secret: str) -> None:
    other = log_in(anonymous, identity, identity.add_secret()[1])["accessToken"]

    ClientSecret.objects.order_by("created_at")[0].delete()

    Caller(other).get(OPTIONS)


def test_enabling_an_identity_again_revives_no_token(anonymous: Caller, identity: MachineIdentity, secret: str) -> None:
    token = log_in(anonymous, identity, secret)["accessToken"]

    for enabled in (False, True):
        identity.is_enabled = enabled
        identity.save()

    Caller(token).get(OPTIONS, status=401)
    Caller(log_in(anonymous, identity, secret)["accessToken"]).get(OPTIONS)


def test_failures_elsewhere_lock_nobody_out_here(anonymous: Caller, identity: MachineIdentity, secret: str) -> None:
    for _ in range(5):
        anonymous.client.post(
            LOG_IN,
            {"clientId": str(identity.client_id), "clientSecret": "wrong"},
            content_type="application/json",
            REMOTE_ADDR="127.0.0.9",
        )

    log_in(anonymous, identity, secret)


@pytest.mark.parametrize("change", ["revoked", "expired", "disabled"])
def test_what_has_ended_cannot_log_in(anonymous: Caller, identity: MachineIdentity, secret: str, change: str) -> None:
    if change == "revoked":
        ClientSecret.objects.get().revoke()
    elif change == "expired":
        ClientSecret.objects.update(expires_at=timezone.now())
    else:
        identity.is_enabled = False
        identity.save()

    log_in(anonymous, identity, secret, status=401)


def test_locks_after_three_failures_even_for_the_right_secret(
    anonymous: Caller, identity: MachineIdentity, secret: str
) -> None:
    for _ in range(3):
        log_in(anonymous, identity, "wrong", status=401)

    response = anonymous.send("POST", LOG_IN, {"clientId": str(identity.client_id), "clientSecret": secret})

    assert response.status_code == 429
    assert 290 < int(response.headers["Retry-After"]) <= 301
    LoginFailures.objects.update(locked_until=timezone.now())
    log_in(anonymous, identity, secret)


def test_no_other_spelling_of_the_client_id_gets_around_the_lock(
    anonymous: Caller, identity: MachineIdentity, secret: str
) -> None:
    hexadecimal = identity.client_id.hex
    spellings = [hexadecimal, hexadecimal.upper(), f"{{{identity.client_id}}}", f"urn:uuid:{identity.client_id}"]

    answers = [
        anonymous.send("POST", LOG_IN, {"clientId": spelling, "clientSecret": "wrong"}).status_code
        for spelling in spellings
    ]

    assert answers == [401, 401, 401, 429]


def test_two_log_ins_at_a_time_both_succeed(
    anonymous: Caller, identity: MachineIdentity, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one ends, and deletes the row, just before this one locks it."""
    create, others = LoginFailures.objects.get_or_create, [1]

    def create_and_lose(**fields: Any) -> Any:
        found = create(**fields)
        if others:
            LoginFailures.objects.all().delete()
            others.pop()
        return found

    monkeypatch.setattr(LoginFailures.objects, "get_or_create", create_and_lose)

    log_in(anonymous, identity, secret)


def test_forgets_failures_after_half_a_minute(anonymous: Caller, identity: MachineIdentity, secret: str) -> None:
    log_in(anonymous, identity, "wrong", status=401)
    log_in(anonymous, identity, "wrong", status=401)
    LoginFailures.objects.update(last_at=timezone.now() - timedelta(seconds=31))

    log_in(anonymous, identity, "wrong", status=401)

    log_in(anonymous, identity, secret)


def test_an_unknown_client_id_locks_alike(anonymous: Caller) -> None:
    body = {"clientId": "nobody", "clientSecret": "wrong"}

    answers = [anonymous.send("POST", LOG_IN, body).status_code for _ in range(4)]

    assert answers == [401, 401, 401, 429]


@pytest.mark.django_db
def test_a_token_is_stored_only_as_a_digest() -> None:
    row, token = ApiToken.issue(make_user("alex", VIEWER), "ci")

    stored = " ".join(str(getattr(row, field.attname)) for field in row._meta.concrete_fields)

    assert row.prefix in token
    assert token not in stored
    assert token.rpartition("_")[2] not in stored


def test_without_a_token_says_how_to_send_one(anonymous: Caller) -> None:
    response = anonymous.send("GET", OPTIONS)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="DevinSync"'


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["nonsense", "dst_0123456789ab_" + "x" * 43, "a b c"])
def test_an_unknown_token_is_refused(token: str) -> None:
    response = Caller(token).send("GET", OPTIONS)

    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


def test_an_expired_token_is_told_so(db: None) -> None:
    caller = make_caller(make_user("alex", VIEWER), expires_at=timezone.now())

    answer = caller.get(OPTIONS, status=403)

    assert answer["error"] == "TokenError"


def test_a_disabled_users_token_is_dead(viewer: Caller) -> None:
    User.objects.update(is_active=False)

    viewer.get(OPTIONS, status=401)


def test_rights_are_the_owners_of_this_moment(viewer: Caller) -> None:
    viewer.get(CONNECTIONS)
    User.objects.get(username="viewer").groups.clear()

    viewer.get(CONNECTIONS, status=403)


def test_scopes_narrow_the_owners_rights(db: None) -> None:
    caller = make_caller(make_user("alex", VIEWER), scopes=["syncs:read"])

    caller.get("/api/v1/sync-control")

    caller.get(CONNECTIONS, status=403)


def test_scopes_never_widen_the_owners_rights(db: None) -> None:
    caller = make_caller(make_user("alex", VIEWER), scopes=["syncs:pause"])

    caller.patch("/api/v1/sync-control", {"isPaused": True}, status=403)


def test_is_bound_to_its_networks(db: None) -> None:
    caller = make_caller(make_user("alex", VIEWER), allowed_networks=["10.0.0.0/8"])

    caller.get(OPTIONS, status=401)
    caller.client.defaults["REMOTE_ADDR"] = "10.1.2.3"

    caller.get(OPTIONS)


def test_believes_no_forwarded_address(db: None, settings: LazySettings) -> None:
    caller = make_caller(make_user("alex", VIEWER), allowed_networks=["10.0.0.0/8"])
    caller.headers["X-Forwarded-For"] = "10.1.2.3"

    caller.get(OPTIONS, status=401)
    settings.TRUSTED_PROXIES = 1
    caller.get(OPTIONS)
    caller.headers["X-Forwarded-For"] = "10.1.2.3, 192.0.2.1"

    caller.get(OPTIONS, status=401)


def test_notes_the_last_use(viewer: Caller) -> None:
    viewer.get(OPTIONS)

    row = ApiToken.objects.get()
    assert row.last_used_at is not None
    assert row.last_used_from == "127.0.0.1"


def test_session_cookies_mean_nothing(db: None) -> None:
    caller = Caller()
    caller.client.force_login(User.objects.create_superuser("root"))

    caller.get(OPTIONS, status=401)


@pytest.mark.usefixtures("one_minute")
def test_limits_requests(viewer: Caller, settings: LazySettings) -> None:
    settings.API_RATE_PER_MINUTE = 3

    answers = [viewer.send("GET", OPTIONS) for _ in range(5)]

    assert [answer.status_code for answer in answers][:3] == [200, 200, 200]
    assert answers[-1].status_code == 429
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 61


@pytest.mark.usefixtures("one_minute")
def test_limits_guesses_at_tokens(settings: LazySettings, db: None) -> None:
    settings.API_RATE_PER_MINUTE = 2

    answers = [Caller("guess").send("GET", OPTIONS).status_code for _ in range(4)]

    assert answers[-1] == 429
