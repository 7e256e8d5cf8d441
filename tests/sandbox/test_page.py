from sandbox.server import Sandbox
from tests.sandbox.caller import Caller


def test_lists_the_organizations(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.directory.declare_organization("org-second", "Second & last")

    page = caller.send("GET", "/")

    assert page.status == 200
    assert b'href="/orgs/org-second"' in page.body
    assert b"Second &amp; last" in page.body


def test_shows_names_and_never_values(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.organization().put(key="DB_URL", value="canary-value", note="Synced <b>by</b> us")
    sandbox.organization().put(key="OTP", value="canary-other", secret_type="totp", access_type="personal")
    sandbox.organization().put(key=None, value="canary-third")

    page = caller.send("GET", "/orgs/org-sandbox").body.decode()

    assert "DB_URL" in page
    assert "Synced &lt;b&gt;by&lt;/b&gt; us" in page
    assert "totp" in page
    assert "personal" in page
    assert "canary" not in page


def test_says_that_an_organization_is_empty(caller: Caller) -> None:
    assert "No secrets yet" in caller.send("GET", "/orgs/org-sandbox").body.decode()


def test_needs_nothing_that_a_strict_policy_forbids(caller: Caller) -> None:
    page = caller.send("GET", "/orgs/org-sandbox")
    style = caller.send("GET", "/style.css")

    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert b"<style" not in page.body
    assert b"style=" not in page.body
    assert b"<script" not in page.body
    assert style.headers["content-type"].startswith("text/css")
    assert b"prefers-color-scheme: dark" in style.body


def test_knows_no_other_page(caller: Caller) -> None:
    assert caller.send("GET", "/orgs/org-none").status == 404
    assert caller.send("PUT", "/", {}).status == 405
    assert caller.send("POST", "/", {}).status == 400
