"""Two teams: every request of one, sent by the other, tells nothing and changes nothing."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import resolve, reverse

from sandbox.server import Sandbox
from sources import registry
from sources.kinds import Opening
from tests.sources.memory import MemorySource, Shelf, shelf
from tests.tenants.building import Tenant, build_tenant
from tests.tenants.calls import calls
from tests.tenants.pages import Form, Page
from tests.tenants.routes import NOT_SENT, admin_routes
from tests.tenants.watching import Rows, Watch, all_rows, differences, naming

__all__ = ["shelf"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _not_hindered(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit and no question for a password stands in the way of what the rights must hold back."""
    settings.ALLOWED_HOSTS = ["*"]
    settings.API_RATE_PER_MINUTE = 0
    settings.CONFIRM_IDENTITY = settings.SESSION_IDLE
    monkeypatch.setattr("syncs.runs.ask.ring", lambda run_id, project_id: True)


class Stage:
    def __init__(self, shelves: dict[UUID, Shelf], devin_url: str) -> None:
        self.before_all = all_rows()
        self.ours = build_tenant("beta", devin_url=devin_url, shelves=shelves)
        self.own_rows: Rows = {key: row for key, row in all_rows().items() if key not in self.before_all}
        self.theirs = build_tenant("alpha", devin_url=devin_url, shelves=shelves)
        self.rows = all_rows()
        self.watch = Watch(self.theirs)

    def untouched(self, *, sent: str = "") -> list[str]:
        """What the other team, and the installation, have lost or got by all that was sent. What was `sent` for rows
        of one's own may stand in them."""
        now = all_rows()
        new = {key: row for key, row in now.items() if key not in self.rows}
        ids = {str(row.pk) for row in self.theirs.rows.values() if isinstance(getattr(row, "pk", 0), UUID)}
        words = {word for word in self.theirs.words if word not in sent.lower()}
        return differences(self.rows, now, but=self.own_rows) + naming(new, ids | words)

    def send(self, form: Form) -> str:
        """A message that a request leaves for the next page is its own. Answers what was sent."""
        client, sent = self.ours.client, f"{form.action} {form.data}"
        self.watch.look(client.post(form.action, form.data), sent, f"POST {form.action}")
        if client.cookies.get("messages") and client.cookies["messages"].value:
            self.watch.look(client.get(reverse("admin:index")), sent, f"what was said of POST {form.action}")
        return sent

    def try_out(self, form: Form) -> list[str]:
        """What one's own form has done to the other team, with what is theirs in its fields. Then all is as before."""
        with transaction.atomic():
            touched = self.untouched(sent=self.send(form))
            transaction.set_rollback(True)
        return [f"POST {form.action}: {each}" for each in touched]


@pytest.fixture
def stage(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    shelves: dict[UUID, Shelf] = {}

    def open_shelf(opening: Opening) -> MemorySource:
        return MemorySource(shelves.setdefault(opening.project_id, Shelf()))

    # Behind connections of a kind that pages know, and each team's its own.
    monkeypatch.setitem(registry.KINDS, "memory", replace(registry.KINDS["memory"], open=open_shelf))
    with Sandbox() as sandbox:
        yield Stage(shelves, sandbox.url)


def administrator() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_user("gamma-person", is_staff=True, is_superuser=True))
    return client


def addresses_of(tenant: Tenant) -> list[str]:
    return [each for route in admin_routes() if route.name not in NOT_SENT for each in route.addresses(tenant)]


def pages_of(tenant: Tenant, client: Client) -> Iterator[Page]:
    ids = {str(row.pk) for row in tenant.rows.values() if hasattr(row, "pk")}
    for address in addresses_of(tenant):
        response = client.get(address)
        if response.status_code == 200 and "html" in response.headers.get("Content-Type", ""):
            yield Page(address, response.content.decode(), preferred=ids, entered="NEW_1")


def kind_of(address: str, names: Iterable[str] = ()) -> tuple[str, ...]:
    """What two requests of the same page have in common, whichever rows they are about."""
    parts = urlsplit(address)
    match = resolve(parts.path)
    return (match.view_name, *sorted({*match.kwargs, *(name for name, _ in parse_qsl(parts.query)), *names}))


def links_of(pages: Iterable[Page]) -> dict[tuple[str, ...], str]:
    return {kind_of(link): link for page in pages for link in page.links if link.startswith("/admin") and fits(link)}


def forms_of(pages: Iterable[Page]) -> dict[tuple[str, ...], Form]:
    """Those that change something, one of each kind."""
    every = (form for page in pages for form in page.forms if form.method == "post" and fits(form.action))
    return {kind_of(form.action, form.data): form for form in every if form.action.startswith("/admin")}


def fits(address: str) -> bool:
    return not any(f"/{name}/" in address for name in NOT_SENT)


def unseen(tenant: Tenant, pages: Iterable[Page]) -> set[str]:
    """Of the names of all kinds of things, those that stand on none of these pages."""
    rows, told = tenant.rows, " ".join(page.text for page in pages)
    names = {
        rows["project"].name, rows["linked"].name, rows["environment"].slug, rows["folder"].path, rows["secret"].key,
        rows["sync"].name, rows["elsewhere"].name, rows["run"].message, rows["change"].reason,
        rows["managed"].destination_key, rows["connection"].name, rows["connection"].validation_message,
    }  # fmt: skip
    return {name for name in names if name not in told}


@pytest.fixture
def judge(stage: Stage, record_property: Callable[[str, object], None]) -> Callable[[list[str]], None]:
    """Reports how many requests were sent, how many told something, and what was changed; there must be none."""

    def judge(changes: list[str]) -> None:
        record_property("requests", sum(stage.watch.answers.values()))
        record_property("leaks", len(stage.watch.leaks))
        record_property("changes", len(changes))
        assert stage.watch.leaks == []
        assert changes == []

    return judge


def test_pages_and_forms_of_another_team_tell_and_change_nothing(
    stage: Stage, judge: Callable[[list[str]], None], record_property: Callable[[str, object], None]
) -> None:
    theirs = list(pages_of(stage.theirs, administrator()))
    own = list(pages_of(stage.ours, stage.ours.client))
    assert unseen(stage.ours, own) == set(), "a team sees what is its own: else the rest would show nothing"

    for address in [*addresses_of(stage.theirs), *links_of(theirs).values()]:
        stage.watch.look(stage.ours.client.get(address), address, f"GET {address}")
    own_forms, forms = forms_of(own), forms_of(theirs)
    mixed = [Form(form.action, "post", forms[kind].data) for kind, form in own_forms.items() if kind in forms]
    assert min(len(forms) - 80, len(mixed) - 40) > 0, "there are more forms than were found"
    for form in forms.values():
        stage.send(form)
    changes = stage.untouched()
    changes += [line for form in mixed for line in stage.try_out(form)]
    record_property("forms", len(forms) + len(mixed))
    judge(changes)
    assert stage.ours.client.get("/admin/").status_code == 200


def test_no_call_of_the_api_tells_or_changes_what_is_another_teams(
    stage: Stage, judge: Callable[[list[str]], None]
) -> None:
    requests = [
        *calls(stage.theirs, stage.theirs),
        *calls(stage.ours, stage.theirs),
    ]

    for call in requests:
        response = stage.ours.caller.send(call.method, call.address, call.body)
        stage.watch.look(response, f"{call.address} {call.body}", f"{call.method} {call.address}")

    judge(stage.untouched())
