"""Security keys, by a real Chromium that has a key built in (the virtual authenticator of its DevTools)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from accounts.models import Factor, Session
from tests.browser import new_context
from tests.pages import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
OPTIONS = {"protocol": "ctap2", "transport": "usb", "hasUserVerification": True, "isUserVerified": True}


def plug_in(page: Any) -> tuple[Any, str]:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {**OPTIONS, "automaticPresenceSimulation": True}
    added = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return devtools, added["authenticatorId"]


def first_step(page: Any, address: str) -> None:
    page.goto(f"{address}/admin/login/?next=/admin/auth/user/add/")
    page.fill("#id_username", "root")
    page.fill("#id_password", PASSWORD)
    page.click("#login-form button")


def forget_the_proof() -> None:
    for session in Session.objects.all():
        store = session.get_session_store_class()()
        session.session_data = store.encode({**session.get_decoded(), "confirmed_at": 0})
        session.save()


def test_a_key_is_added_used_and_refused_once_it_is_another(
    browser: Any, live_server: Any, somebody: Callable[..., User]
) -> None:
    user, site = somebody(name="root", is_superuser=True), live_server.url
    page = new_context(browser, viewport={"width": 1280, "height": 800}).new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    devtools, key = plug_in(page)

    first_step(page, site)
    page.goto(f"{site}/admin/second-factor/key/")
    page.fill("#id_name", "Blue key")
    page.click("text=Add the key")
    page.wait_for_selector("#recovery-codes")
    added = Factor.objects.get(user=user)
    assert (added.kind, added.name, added.host, added.sealed_secret) == ("key", "Blue key", "localhost", "")

    page.context.clear_cookies()
    first_step(page, site)
    page.click("text=Use a security key or passkey")
    page.wait_for_url(f"{site}/admin/auth/user/add/")
    used = Factor.objects.get()
    assert used.counter > added.counter
    assert used.used_at is not None

    forget_the_proof()
    page.goto(f"{site}/admin/auth/group/add/")
    page.click("text=Use a security key or passkey")
    page.wait_for_url(f"{site}/admin/auth/group/add/")
    page.goto(f"{site}/admin/second-factor/app/")
    assert complaints == []

    # One that was copied lags behind in what it has counted.
    Factor.objects.update(counter=1000)
    page.context.clear_cookies()
    first_step(page, site)
    page.click("text=Use a security key or passkey")
    page.wait_for_selector("text=The key's answer did not fit.")
    devtools.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": key})
    page.context.close()
