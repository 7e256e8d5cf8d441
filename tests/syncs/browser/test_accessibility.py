"""Every page, as axe-core sees it: nothing that keeps a person out of it, by light, by dark, and on a phone.

The pages are found as a person finds them, by links from the overview: one page a route.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal

import pytest
from django.conf import LazySettings, settings
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import Resolver404, resolve, reverse
from playwright.sync_api import Browser, Page, ViewportSize

from accounts.models import Factor
from accounts.second_factor import factors
from api.hooks.models import Hook
from api.models import ApiToken, MachineIdentity
from audit import floods
from common.single_sign_on_settings import ProviderSettings
from sandbox.infisical.server import InfisicalSandbox
from sandbox.organization import Organization
from single_sign_on.models import Identity
from sources.linking import link_project
from sources.models import LinkedProject
from syncs.choices import Strangers
from syncs.models import DevinSync
from tests.actors import ANYBODY
from tests.browser import new_context
from tests.sources.infisical.scene import connection_to
from tests.syncs.conftest import Bench
from tests.syncs.wizard_walk import Walk as WizardWalk
from vault.editing import add_import, create_folder, set_secrets

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
DESKTOP, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)
# Each way to look at a page, and what can differ there: colours are all that dark changes, and all that a phone leaves.
COLOURS = ["color-contrast", "link-in-text-block"]
WAYS: tuple[tuple[str, Literal["light", "dark"], ViewportSize, dict[str, Any]], ...] = (
    ("light", "light", DESKTOP, {}),
    ("phone", "light", PHONE, {"rules": {name: {"enabled": False} for name in COLOURS}}),
    ("dark", "dark", DESKTOP, {"runOnly": {"type": "rule", "values": COLOURS}}),
)
LOOK = "options => axe.run(document, {resultTypes: ['violations'], preload: false, ...options})"
# A colour on its way from light to dark is neither.
AT_REST = "*, *::before, *::after { transition: none !important; animation: none !important; }"
LINKS = "[...document.querySelectorAll('a[href]')].filter(a => a.origin === location.origin).map(a => a.pathname)"
# What is wider than its card, unless it can be scrolled to.
OUT_OF_THEIR_CARD = """[...document.querySelectorAll('.ds-card :is(a, button, input, select, textarea)')].filter(it => {
  const box = it.getBoundingClientRect(), card = it.closest('.ds-card').getBoundingClientRect();
  return box.width > 1 && box.right > card.right + 1 && !it.closest('.ds-table-wrap, .visually-hidden, [hidden]');
}).map(it => it.outerHTML.slice(0, 200))"""
# Without links that anybody follows: what is asked for by scripts, and what ends the walk. What is exported is a file.
NO_PAGE = {
    "admin:logout",
    "admin:jsi18n",
    "admin:syncs_syncrun_export",
    "admin:syncs_syncrunchange_export",
    "admin:syncs_syncrun_changes",
    "api:openapi-json",
}
STEPS = [f"/admin/syncs/devinsync/add/{step}/" for step in ("source", "destination", "options", "details", "review")]
# What a page's own script draws, if it does.
DRAWN = {"/api/docs": ".opblock-tag"}
MOST_SHOWN = 40
# The page's own form, whatever the browser would say of its fields.
SEND = """(() => {
  const form = document.querySelector('main form[method=post]');
  form.noValidate = true;
  form.requestSubmit(form.querySelector("button:not([type=button]), input[type=submit]"));
})()"""
WRONG = "main :is(.errorlist, .ds-errors, .errornote, .ds-callout--danger)"
# Where no single field is at fault, there is none to go to.
IS_AT_FAULT = "!document.querySelector('main [aria-invalid=true]') || document.activeElement.ariaInvalid === 'true'"


@dataclass
class Inspection:
    """Looks at pages; `faults` is what axe-core calls serious or worse."""

    page: Page
    seen: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def walk(self, *paths: str) -> None:
        waiting = list(paths)
        while waiting:
            path = waiting.pop(0)
            if (route := route_of(path)) not in self.seen | NO_PAGE:
                self.seen.add(route)
                self.page.goto(path)
                self.page.locator(DRAWN.get(path, "body")).first.wait_for()
                self.look(path)
                waiting += self.page.evaluate(LINKS)

    def look(self, name: str) -> None:
        self.page.add_style_tag(content=AT_REST)
        self.page.evaluate(AXE)
        for way, scheme, screen, options in WAYS:
            self.page.emulate_media(color_scheme=scheme)
            self.page.set_viewport_size(screen)
            self.faults += [f"{name} ({way}): out of its card: {it}" for it in self.page.evaluate(OUT_OF_THEIR_CARD)]
            found = self.page.evaluate(LOOK, options)["violations"]
            self.faults += [f"{name} ({way}): {fault}" for fault in told(found)]


def route_of(path: str) -> str:
    """Each step of the wizard is a page of its own. Histories and deletions have one page for all kinds of rows."""
    try:
        match = resolve(path)
    except Resolver404:
        return path
    if path.endswith("/history/") or (path.startswith("/admin/api/") and path.endswith("/delete/")):
        return path.rsplit("/", 2)[1]
    return ":".join([match.view_name, *match.kwargs.get("step", "").split()])


def told(violations: list[dict[str, Any]]) -> Iterator[str]:
    for violation in violations:
        if violation["impact"] in ("serious", "critical"):
            for node in violation["nodes"]:
                yield f"{violation['id']} {node['target']} {node['html'][:200]}"


@pytest.fixture
def populated(bench: Bench, organization: Organization, no_pause: None) -> Iterator[Bench]:
    """Something of every kind, so that every page has something to show."""
    shared = create_folder(bench.folder.environment, "/shared", by=ANYBODY)
    set_secrets(shared, {"HOST": "db"}, by=ANYBODY)
    add_import(bench.folder, shared, by=ANYBODY)
    organization.put(key="STRANGER", value="x")
    organization.refuse_value("refused")
    bench.options(strangers=Strangers.ASK)
    bench.sync.connection.verify()
    bench.source(URL="pg://${HOST}", WRONG="refused")
    bench.run()
    MachineIdentity.objects.create(name="deployer", role=Group.objects.get(name="Viewer")).add_secret()
    with InfisicalSandbox() as infisical:
        connection = connection_to(infisical)
        shop = infisical.world.add_project("infisical-shop")
        infisical.world.put(shop, "dev", "/app", A="1")
        hook = Hook(link=LinkedProject.of(link_project(connection, shop.id, by=ANYBODY)))
        hook.renew_secret()
        hook.save()
        yield bench


@pytest.fixture
def root(populated: Bench, settings: LazySettings) -> User:
    root = User.objects.create_superuser("root", password="a long password")
    ApiToken.issue(root, "CI")
    # A provider that nobody reaches, so that the door shows what it says then.
    one = ProviderSettings("acme", "Acme", "http://127.0.0.1:9", "devinsync", "a-secret-of-both")
    settings.SSO_PROVIDERS = {"acme": one}
    Identity.objects.create(user=root, issuer=one.issuer, subject="4711")
    Client().post("/admin/login/", {"username": "root", "password": "wrong"})
    return root


@pytest.fixture
def inspection(browser: Browser, live_server: Any, root: User) -> Iterator[Inspection]:
    """Logged in, with the wizard at its review."""
    client = Client()
    client.force_login(root, backend="django.contrib.auth.backends.ModelBackend")
    factors.add(root, Factor(kind=Factor.Kind.APP, name="Phone"))
    sync = DevinSync.objects.get()
    assert sync.folder
    WizardWalk(client, sync.folder, sync.connection).to_review()
    context = new_context(browser, base_url=live_server.url, bypass_csp=True)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    yield Inspection(context.new_page())
    context.close()


def test_nothing_keeps_a_person_out_of_a_page(inspection: Inspection) -> None:
    inspection.walk(*STEPS, "/admin/", "/api/docs", "/admin/nothing-here/")

    assert not inspection.faults, "\n".join(inspection.faults[:MOST_SHOWN])
    assert {"admin:syncs_syncrun_change", "admin:vault_folder_page", "admin:sources_project"} <= inspection.seen
    assert {f"admin:single_sign_on_identity_{page}" for page in ("changelist", "add", "change")} <= inspection.seen


def test_nor_from_the_door_and_what_is_refused(browser: Browser, live_server: Any, root: User) -> None:
    page = new_context(browser, base_url=live_server.url, bypass_csp=True).new_page()
    inspection = Inspection(page)
    page.goto("/admin/login/")
    inspection.look("log in")
    page.get_by_label("Username").fill("root")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    inspection.look("log in, refused")
    page.get_by_role("link", name="Log in with Acme").click()
    page.get_by_text("could not be reached").wait_for()
    inspection.look("log in, refused by a provider")
    for _ in range(floods.TOLD):
        floods.count("127.0.0.1")
    page.get_by_role("link", name="Log in with Acme").click()
    page.get_by_role("heading", name="Too many attempts").wait_for()
    inspection.look("log in, refused to all of an address")
    page.get_by_role("link", name="Back to the login page").click()
    page.get_by_label("Username").fill("root")
    factors.add(root, Factor(kind=Factor.Kind.APP, name="Phone"))
    page.get_by_label("Password").fill("a long password")
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Code").wait_for()
    inspection.look("the second step")

    assert not inspection.faults, "\n".join(inspection.faults)


def test_nor_from_a_page_that_refuses(browser: Browser, live_server: Any, populated: Bench) -> None:
    viewer = User.objects.create_user("viewer", password="a long password", is_staff=True)
    viewer.groups.add(Group.objects.get(name="Viewer"))
    inspection = Inspection(page_of(browser, live_server, viewer))
    for path in ("/admin/connections/connection/add/", "/admin/auth/user/", "/admin/syncs/devinsync/add/"):
        inspection.page.goto(path)
        inspection.page.get_by_role("navigation").first.wait_for()
        inspection.look(f"{path}, refused")

    assert not inspection.faults, "\n".join(inspection.faults)


def test_nor_from_a_form_that_was_refused(browser: Browser, live_server: Any, root: User, populated: Bench) -> None:
    """Sent as it is: each says what is missing, and the first field at fault is where the keyboard is."""
    folder = populated.folder
    inspection = Inspection(page_of(browser, live_server, root))
    unfocused = []
    for path in (
        "/admin/connections/connection/add/",
        "/admin/auth/user/add/",
        "/admin/auth/group/add/",
        "/admin/api/apitoken/add/",
        "/admin/api/machineidentity/add/",
        "/admin/single_sign_on/identity/add/",
        "/admin/password_change/",
        "/admin/vault/project/add/",
        reverse("admin:vault_secret_add_page", args=[folder.pk]),
        reverse("admin:vault_folder_add", args=[folder.pk]),
        reverse("admin:vault_environment_add", args=[folder.environment.project_id]),
        reverse("admin:vault_import_add", args=[folder.pk]),
        reverse("admin:vault_dotenv", args=[folder.pk]),
        "/admin/syncs/devinsync/add/source/",
    ):
        page = inspection.page
        page.goto(path)
        page.evaluate(SEND)
        page.locator(WRONG).first.wait_for()
        inspection.look(f"{path}, refused")
        if not page.evaluate(IS_AT_FAULT):
            unfocused.append(path)

    assert not inspection.faults, "\n".join(inspection.faults)
    assert unfocused == []


def page_of(browser: Browser, live_server: Any, user: User) -> Page:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    context = new_context(browser, base_url=live_server.url, bypass_csp=True)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    return context.new_page()
