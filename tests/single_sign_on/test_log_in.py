"""Logging in at a real provider: who that is here, and what they may."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import get_resolver

from audit.models import Action, Entry
from common.single_sign_on_settings import ProviderSettings
from single_sign_on.models import Identity
from tests.accounts.conftest import PASSWORD
from tests.single_sign_on.conftest import BEGIN, CALLBACK, Person

Configure = Callable[..., ProviderSettings]
MAPPED = (
    ("platform", "Editor"),
    ("cn=on-call,ou=teams", "Operator"),
    ("roots", "superuser"),
    ("gone", "No such group"),
)

pytestmark = pytest.mark.django_db


def groups_of(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


def lines() -> list[tuple[str, str, str]]:
    return list(Entry.objects.order_by("pk").values_list("actor", "action", "detail"))


# The way there


def test_the_provider_is_asked_with_a_state_a_nonce_and_pkce(person: Person) -> None:
    person.goes(f"{BEGIN}?scope=offline_access&auth_params=prompt%3Dnone&process=connect&next=https://evil.example/")

    asked = parse_qs(urlsplit(person.asked).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert set(asked["scope"][0].split()) == {"openid", "profile", "email"}
    assert "prompt" not in asked
    assert all(len(asked[name][0]) >= 16 for name in ("state", "nonce", "code_challenge"))
    assert asked["redirect_uri"] == [f"http://testserver{CALLBACK}"]


def test_no_page_of_the_library_can_be_reached(person: Person, client: Client) -> None:
    for path in (
        "signup",
        "email",
        "password/reset",
        "3rdparty",
        "social/signup",
        "oidc/acme/login",
        "confirm-email/x",
    ):
        for root in ("/accounts/", "/"):
            assert client.get(f"{root}{path}/").status_code == 404
            assert client.post(f"{root}{path}/", {"username": "x", "email": "x@example.com"}).status_code == 404

    assert not User.objects.exists()
    assert client.get("/admin/log-in/at/other/").status_code == 404
    assert client.post(BEGIN).status_code == 405


# Who it is


def test_somebody_unknown_gets_an_account_without_a_right(person: Person, settings: LazySettings) -> None:
    settings.ASK_FOR_ACCESS = "#platform in Slack"
    person.says(
        preferred_username="ada lovelace", given_name="Ada", family_name="Lovelace", email="ada@example.com",
        email_verified=True, groups=["Administrator", "superuser"],
    )  # fmt: skip

    answer = person.logs_in(f"{BEGIN}?next=/admin/sessions/")

    user = Identity.objects.get(subject=person.name).user
    assert answer.headers["Location"] == "/admin/sessions/"
    assert (user.username, user.email, user.first_name) == ("ada-lovelace", "ada@example.com", "Ada")
    assert not user.is_superuser
    assert not user.has_usable_password()
    assert not user.get_all_permissions()
    assert "Ask #platform in Slack to give you access; your name here is" in person.client.get("/admin/").text
    assert lines() == [
        ("ada-lovelace", Action.ADDED, "Made at the first log-in by Acme, without a right."),
        ("ada-lovelace", Action.LOGGED_IN, "By Acme."),
    ]


def test_a_name_or_an_address_makes_nobody_somebody_else(person: Person) -> None:
    victim = User.objects.create_superuser("root", "root@example.com", PASSWORD)
    person.says(preferred_username="ROOT", email="root@example.com", email_verified=True)

    person.logs_in()

    user = Identity.objects.get(subject=person.name).user
    assert (user.username, user.pk != victim.pk, user.is_superuser) == ("ROOT-acme", True, False)


def test_nobody_gets_the_name_of_a_machine_identity(person: Person) -> None:
    person.says(preferred_username="Identity-1", family_name="Deployer")

    person.logs_in()

    assert Identity.objects.get(subject=person.name).user.username == "person-Identity-1"


def test_a_verified_address_of_a_trusted_provider_links_once(person: Person, acme: Configure) -> None:
    acme(trusts_email=True, creates_people=False)
    alice = User.objects.create_user("alice", "Alice@example.com", is_staff=True)

    for verified, is_alice in ((False, False), (True, True)):
        person.says(email="alice@example.com", email_verified=verified)
        person.logs_in()
        assert person.is_in() is is_alice
    person.says(email="other@example.com", email_verified=True, preferred_username="other")
    person.logs_in()

    assert Identity.objects.get().user == alice
    # Whoever has the address at the provider after her is somebody else.
    another = Person(person.issuer, f"{person.name}-2")
    another.says(email="alice@example.com", email_verified=True)
    another.logs_in()
    assert not another.is_in()
    assert "nobody here is linked to your account there" in another.told()


def test_what_keeps_somebody_out(person: Person, acme: Configure, settings: LazySettings) -> None:
    """And nothing is left behind: no account, no link, no group."""
    acme(trusts_email=True, required=(("hd", "example.com"),))
    settings.SSO_ONLY, settings.SSO_BREAK_GLASS = True, "glass"
    User.objects.create_superuser("glass", "glass@example.com", PASSWORD)
    for name in ("one", "two"):
        User.objects.create_user(name, "both@example.com", is_staff=True)
    said: list[tuple[dict[str, Any], str]] = [
        ({}, "lets in only people whose “hd” there is another"),
        ({"hd": "example.com.evil.example"}, "lets in only people whose “hd” there is another"),
        ({"hd": "example.com", "email": "both@example.com", "email_verified": True}, "several accounts here"),
    ]

    for claims, why in said:
        person.says(**claims)
        person.logs_in()
        assert why in person.told()
        assert not person.is_in()

    assert not Identity.objects.exists()
    assert lines()[-1] == (
        "(unknown name)",
        Action.FAILED_LOG_IN,
        "By Acme: several accounts here have your mail address.",
    )
    # A provider never speaks for the account that is there for the day without one.
    person.says(hd="example.com", email="glass@example.com", email_verified=True, preferred_username="glass")
    person.logs_in()
    assert Identity.objects.get().user.username == "glass-acme"


def test_a_deactivated_person_stays_out(person: Person) -> None:
    person.logs_in()
    User.objects.update(is_active=False)
    person.client.logout()

    person.logs_in()

    assert not person.is_in()
    assert "this account may not log in" in person.told()
    assert lines()[-1][:2] == (person.name, Action.FAILED_LOG_IN)


def test_an_administrator_links_whom_they_may_touch(person: Person, acme: Configure) -> None:
    acme(creates_people=False)
    admin = User.objects.create_user("admin", password=PASSWORD, is_staff=True)
    admin.groups.set(Group.objects.filter(name="Administrator"))
    root = User.objects.create_superuser("root", password=PASSWORD)
    alice = User.objects.create_user("alice", is_staff=True)
    client = Client()
    client.post("/admin/login/", {"username": "admin", "password": PASSWORD})
    add = "/admin/single_sign_on/identity/add/"

    refused = client.post(add, {"user": root.pk, "issuer": person.issuer, "subject": person.name})
    assert "may do more than you" in refused.text
    client.post(add, {"user": alice.pk, "issuer": person.issuer, "subject": person.name})
    person.logs_in()

    assert person.client.session["_auth_user_id"] == str(alice.pk)
    Identity.objects.create(user=root, issuer=person.issuer, subject="root")
    for identity, status in ((Identity.objects.get(user=root), 403), (Identity.objects.get(user=alice), 302)):
        path = f"/admin/single_sign_on/identity/{identity.pk}/delete/"
        assert client.post(path, {"post": "yes"}).status_code == status
    assert [identity.user for identity in Identity.objects.all()] == [root]
    page = client.get("/admin/single_sign_on/identity/").text
    assert "Acme" in page
    assert client.get(f"/admin/single_sign_on/identity/{Identity.objects.get().pk}/change/").status_code == 200


def test_who_is_let_in_to_which_route(acme: Configure) -> None:
    """Whoever has no session yet goes to a provider; administrators alone see who is who there."""
    admin_urls = next(pattern for pattern in get_resolver().url_patterns if "admin/" in str(pattern.pattern))
    names = {str(name) for name in admin_urls.reverse_dict if "sso_" in str(name)}  # type: ignore[union-attr]
    assert names == {f"sso_{page}" for page in ("begin", "callback", "end", "answer", "finish", "metadata")}
    for role in ("anonymous", "staff", "viewer", "operator", "editor", "administrator", "superuser"):
        client = Client()
        if role != "anonymous":
            user = User.objects.create_user(role, is_staff=True, is_superuser=role == "superuser")
            user.groups.set(Group.objects.filter(name=role.capitalize()))
            client.force_login(user)
        may = role in ("administrator", "superuser")
        for page in ("", "add/"):
            status = client.get(f"/admin/single_sign_on/identity/{page}").status_code
            assert status == (200 if may else 302 if role == "anonymous" else 403), (role, page)
        assert client.get(BEGIN).headers["Location"].startswith("http://127.0.0.1:")
        assert client.get(CALLBACK).status_code == 302
        assert client.get(f"{BEGIN}log-out/").status_code == 404
        assert [client.post(address).status_code for address in (BEGIN, CALLBACK, f"{BEGIN}log-out/")] == [405] * 3


# What they may


def test_groups_follow_the_claim_and_hands_keep_theirs(person: Person, acme: Configure) -> None:
    acme(groups=MAPPED)
    viewer, editor = Group.objects.get(name="Viewer"), Group.objects.get(name="Editor")

    def after(*groups: str) -> set[str]:
        person.says(groups=groups)
        person.logs_in()
        return groups_of(Identity.objects.get().user)

    assert after("platform", "cn=on-call,ou=teams", "gone", "else") == {"Editor", "Operator"}
    assert lines()[-2][2] == "At the log-in by Acme: Added to Editor. Added to Operator."
    user = Identity.objects.get().user
    user.groups.add(viewer)
    assert after("platform") == {"Editor", "Viewer"}
    assert after() == {"Viewer"}
    # Given by hand before the provider gave it: not the provider's to take.
    user.groups.add(editor)
    assert after("platform") == {"Editor", "Viewer"}
    assert after() == {"Editor", "Viewer"}


def test_superusers_are_made_where_the_mapping_says_so(person: Person, acme: Configure) -> None:
    person.says(groups="roots")
    for mapping, is_super in (((), False), (MAPPED, True), ((), False)):
        acme(groups=mapping)
        person.logs_in()
        assert Identity.objects.get().user.is_superuser is is_super
    User.objects.update(is_superuser=True)
    person.logs_in()
    assert Identity.objects.get().user.is_superuser


# A proof of who one is


def test_a_fresh_log_in_counts_and_an_old_one_is_asked_for_there(person: Person, acme: Configure) -> None:
    acme(groups=(("admins", "Administrator"),))
    person.says(groups=["admins"])
    person.logs_in()
    grave = "/admin/auth/user/add/"
    assert person.client.get(grave).status_code == 200

    session = person.client.session
    session["confirmed_at"] = 0
    session.save()
    page = person.client.get(grave, follow=True)
    assert "Confirm with Acme" in page.text
    assert "Ask an administrator to give you one" not in page.text

    # A second log-in at the provider, which asks no more within its own session, is as old as the first.
    answer = person.logs_in(f"{BEGIN}?confirm=1&next={grave}")
    asked = parse_qs(urlsplit(person.asked).query)
    assert (asked["prompt"], asked["max_age"], answer.headers["Location"]) == (["login"], ["0"], grave)
    assert person.client.get(grave).status_code == 200


def test_nobody_else_confirms_and_no_old_proof_does(
    person: Person,
) -> None:
    person.logs_in()
    session = person.client.session
    session["confirmed_at"] = 0
    session.save()
    other = Person(person.issuer, f"{person.name}-other")
    other.client = person.client

    other.logs_in(f"{BEGIN}?confirm=1")
    assert "somebody else logged in there" in person.told()

    # As if the person had been asked long after they proved it.
    address = person.goes(f"{BEGIN}?confirm=1")
    with person.remembering() as states:
        for stashed, _, _ in states.values():
            stashed["data"]["at"] += 3600
    person.client.get(address)
    assert "does not say that you proved just now who you are" in person.told()
    assert person.client.session["confirmed_at"] == 0


def test_what_no_provider_dates_is_no_proof(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("single_sign_on.concluding.proved_at", lambda claims: 0)

    person.logs_in()

    assert person.is_in()
    assert person.client.session["confirmed_at"] == 0


# Logging out


def test_logging_out_ends_it_here_and_offers_the_rest(person: Person, acme: Configure) -> None:
    person.logs_in()
    assert "Log out of Acme" not in person.client.post("/admin/logout/").text
    assert not person.is_in()

    acme(offers_log_out=True)
    person.logs_in()
    assert "Log out of Acme too" in person.client.post("/admin/logout/").text
    assert not person.is_in()
    address = urlsplit(person.client.get(f"{BEGIN}log-out/").headers["Location"])
    assert address.geturl().startswith(person.issuer)
    assert parse_qs(address.query)["post_logout_redirect_uri"] == ["http://testserver/admin/login/"]


# Single sign-on alone


def takes_password(name: str) -> bool:
    client = Client()
    client.post("/admin/login/", {"username": name, "password": PASSWORD})
    return client.get("/admin/password_change/").status_code == 200


def test_with_sso_only_one_password_counts(person: Person, settings: LazySettings) -> None:
    settings.SSO_ONLY, settings.SSO_BREAK_GLASS = True, "glass"
    for name in ("glass", "alice"):
        User.objects.create_superuser(name, f"{name}@example.com", PASSWORD)

    page = person.client.get("/admin/login/").text
    assert "Log in with Acme" in page
    assert "emergency account" in page
    assert takes_password("glass")
    assert not takes_password("alice")
    person.logs_in()
    assert person.is_in()

    settings.SSO_BREAK_GLASS = ""
    assert 'name="password"' not in Client().get("/admin/login/").text
    assert not takes_password("glass")
    assert not takes_password("")
