"""Each event of the table: what makes it so, what it says, and what ends it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.conf import settings as site
from django.contrib.auth.models import Group, User
from django.urls import reverse
from django.utils import timezone

from api.models import ApiToken, MachineIdentity
from connections.models import Connection, KeyLife, KeyRotation
from notices import notifier
from notices.events import EVENTS
from notices.facts import with_few_keys
from notices.finding import processes
from notices.incidents import Lookout
from notices.models import Incident
from sources.models import LinkedProject
from syncs.choices import Action, Outcome, Status
from syncs.models import DevinSync, SyncControl, SyncRun, SyncRunChange
from tests.actors import ANYBODY
from vault.editing import create_project, set_secrets
from vault.models import Folder, Secret

pytestmark = pytest.mark.django_db

AddSync = Callable[..., DevinSync]
# Of what the vault holds, which no message tells.
VALUE, COMMENT = "canary-value-31", "canary-comment-31"


@pytest.fixture(autouse=True)
def workers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many the queue counts."""
    counted = [2]
    monkeypatch.setattr(processes, "count_workers", lambda queue: counted[0])
    return counted


def incidents() -> list[str]:
    return list(Incident.objects.order_by("opened_at", "title").values_list("event", flat=True))


@dataclass(frozen=True)
class Case:
    event: str
    begin: Callable[[DevinSync], object]
    end: Callable[[DevinSync], object]
    title: str
    text: str
    link: str


def link_elsewhere(sync: DevinSync) -> None:
    project = create_project(name="Elsewhere", slug="elsewhere", environments=(), source="infisical", by=ANYBODY)
    elsewhere = Connection.objects.create(name="infisical", app="infisical", base_url="https://app.infisical.com")
    LinkedProject.objects.create(
        project=project, connection=elsewhere, remote_id="p", last_error="Infisical answered 503."
    )


def ends_in(sync: DevinSync, **left: int) -> None:
    at = timezone.now() + timedelta(**left)
    KeyLife.objects.update_or_create(connection=sync.connection, defaults={"expires_at": at, "origin": "entered"})


def add_expiring_keys(sync: DevinSync) -> None:
    root = User.objects.create_superuser("root", "", "x")
    for days in (10, 100):
        ApiToken.issue(root, f"for {days} days", expires_at=timezone.now() + timedelta(days=days))
    identity = MachineIdentity.objects.create(name="deployer", role=Group.objects.get(name="Viewer"))
    identity.add_secret(description="of the pipeline", expires_at=timezone.now() + timedelta(days=100))


def add_due_secrets(sync: DevinSync) -> None:
    folder = Folder.objects.get(path="/app")
    set_secrets(folder, dict.fromkeys(("A", "B", "C", "D", "E"), VALUE), by=ANYBODY)
    Secret.objects.filter(key__in="ABCD").update(due_on=timezone.localdate(), comment=COMMENT)
    Secret.objects.filter(key="E").update(due_on=timezone.localdate() + timedelta(days=100))


def silence(sync: DevinSync) -> None:
    SyncControl.get()
    SyncControl.objects.update(scheduler_seen_at=timezone.now() - timedelta(hours=1))


def fails_to_rotate(sync: DevinSync) -> None:
    KeyRotation.objects.create(
        connection=sync.connection, outcome="failed", message="The key lacks a permission.", ended_at=timezone.now()
    )


CASES = (
    Case(
        "refused",
        lambda sync: Connection.objects.update(is_valid=False, validation_message="Devin answered 401."),
        lambda sync: Connection.objects.update(is_valid=True),
        "Connection “acme” is refused",
        "Devin answered 401.",
        "/admin/connections/connection/",
    ),
    Case(
        "source",
        link_elsewhere,
        lambda sync: LinkedProject.objects.update(last_error=""),
        "The source of project “Elsewhere” can't be read",
        "Infisical answered 503.",
        "/admin/vault/project/",
    ),
    Case(
        "scheduler",
        silence,
        lambda sync: SyncControl.objects.update(scheduler_seen_at=timezone.now()),
        "The scheduler is silent",
        "Start one.",
        "/admin/",
    ),
    Case(
        "expiring",
        add_expiring_keys,
        lambda sync: ApiToken.objects.update(revoked_at=timezone.now()),
        "API token “for 10 days” expires on ",
        "Make a new one",
        "/admin/api/apitoken/",
    ),
    Case(
        "key",
        lambda sync: ends_in(sync, days=10),
        lambda sync: KeyLife.objects.update(expires_at=timezone.now() + timedelta(days=100)),
        "The API key of connection “acme” expires within 14 days, on ",
        "As somebody entered it. Make a new one and enter it",
        "/admin/connections/connection/",
    ),
    Case(
        "key-rotation",
        fails_to_rotate,
        lambda sync: KeyRotation.objects.update(outcome="done"),
        "The API key of connection “acme” was not rotated",
        "The key lacks a permission.",
        "/admin/connections/connection/",
    ),
    Case(
        "rotation",
        add_due_secrets,
        lambda sync: Secret.objects.update(due_on=None),
        "The rotation of 4 secrets is due by ",
        "Shop, Production, /app: A, B, C and 1 more.",
        "/admin/vault/secret/?rotation=due",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.event)
def test_begins_and_ends(case: Case, add_sync: AddSync) -> None:
    sync = add_sync("web", Status.SUCCEEDED)
    Lookout().look()
    assert incidents() == []
    case.begin(sync)
    Lookout().look()
    Lookout().look()
    incident = Incident.objects.get()
    case.end(sync)
    Lookout().look()

    assert (incident.event, incident.closed_at) == (case.event, None)
    assert incident.title.startswith(case.title)
    assert case.text in incident.text
    assert incident.link.startswith(case.link)
    assert VALUE not in f"{vars(incident)}"
    assert COMMENT not in f"{vars(incident)}"
    assert Incident.objects.get().closed_at is not None


def test_an_event_that_fails_silences_no_other(add_sync: AddSync, caplog: pytest.LogCaptureFixture) -> None:
    add_sync("web", Status.FAILED)
    Lookout().look()

    def fail() -> Any:
        raise ValueError(VALUE)

    events = [replace(event, find=fail) if event.name == "failed" else event for event in EVENTS]
    Connection.objects.update(is_valid=False)
    Lookout(events).look()

    assert [(each.event, each.closed_at) for each in Incident.objects.order_by("title")] == [
        ("refused", None),
        ("failed", None),
    ]
    assert "could not look for failed (ValueError at " in caplog.text
    assert VALUE not in caplog.text


@pytest.mark.postgresql
def test_repaired_drift_is_told_once_and_has_no_end(add_sync: AddSync) -> None:
    sync = add_sync("web", Status.SUCCEEDED)
    run = SyncRun.objects.get(sync=sync)
    SyncRun.objects.update(drifted_count=2, finished_at=timezone.now())
    for key in ("B", "A"):
        row = SyncRunChange(run=run, action=Action.REPLACE, destination_key=key, is_drift=True, outcome=Outcome.DONE)
        row.save()
    for _ in range(2):
        Lookout().look()

    incident = Incident.objects.get()
    assert incident.title == "Sync “web” repaired 2 secrets that somebody had changed or deleted in Devin"
    assert incident.text == "In org-acme: A, B."
    assert incident.closed_at == incident.opened_at
    assert (incident.sync_id, incident.project_id) == (sync.pk, sync.project_id)


def test_workers_are_missed_after_a_while(
    workers: list[int], add_sync: AddSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [timezone.now()]
    monkeypatch.setattr("notices.incidents.clock.now", lambda: now[0])
    lookout = Lookout()
    seen = []
    for count, seconds in ((0, 0), (2, 60), (0, 60), (0, 119), (0, 1), (1, 5)):
        workers[0] = count
        now[0] += timedelta(seconds=seconds)
        lookout.look()
        seen.append([each.closed_at is None for each in Incident.objects.all()])

    assert seen == [[], [], [], [], [True], [False]]


def test_what_is_looked_for_rarely_is_kept_between(
    add_sync: AddSync, workers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [timezone.now()]
    monkeypatch.setattr("notices.incidents.clock.now", lambda: now[0])
    lookout = Lookout()
    add_sync("web", Status.SUCCEEDED)
    lookout.look()
    add_due_secrets(DevinSync.objects.get())
    lookout.look()
    assert incidents() == []
    now[0] += timedelta(minutes=5)
    lookout.look()

    assert incidents() == ["rotation"]


def test_the_end_of_a_key_is_told_once_at_each_step(add_sync: AddSync, monkeypatch: pytest.MonkeyPatch) -> None:
    sync, start = add_sync("web", Status.SUCCEEDED), timezone.now()
    ends_in(sync, days=30)
    told = []
    for days in (0, 15, 16, 17, 25, 26.5, 27, 28, 29.5, 29.9, 30, 40):
        now = start + timedelta(days=days, minutes=1)
        monkeypatch.setattr("notices.incidents.clock.now", lambda now=now: now)
        # As after a restart of who tells, too.
        Lookout().look()
        Lookout().look()
        told.append(Incident.objects.count())

    assert told == [0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4]
    assert [each.title.split("”")[1].split(" on ")[0] for each in Incident.objects.order_by("opened_at")] == [
        " expires within 14 days,",
        " expires within 3 days,",
        " expires within 1 day,",
        " expired",
    ]
    assert [each.event for each in Incident.objects.filter(closed_at=None)] == ["key"]


@pytest.mark.parametrize(
    ("end", "says"),
    [
        (lambda sync: KeyLife.objects.all().delete(), "Its key is another one, or ends at another time."),
        (lambda sync: ends_in(sync, days=90), "Its key is another one, or ends at another time."),
        (lambda sync: (sync.delete(), Connection.objects.all().delete()), "The connection was deleted."),
        (
            lambda sync: DevinSync.objects.update(is_enabled=False),
            "It is nearer by now, or nothing uses the connection",
        ),
    ],
)
def test_the_end_of_a_key_is_over(end: Callable[[DevinSync], object], says: str, add_sync: AddSync) -> None:
    sync = add_sync("web", Status.SUCCEEDED)
    ends_in(sync, days=2)
    Lookout().look()
    SyncRun.objects.all().delete()

    end(sync)
    Lookout().look()

    incident = Incident.objects.get()
    assert incident.closed_at is not None
    assert incident.end_text.startswith(says)


def test_a_key_that_nothing_uses_is_told_of_to_nobody(add_sync: AddSync) -> None:
    sync = add_sync("web", Status.SUCCEEDED, is_enabled=False)
    ends_in(sync, days=-1)

    Lookout().look()

    assert incidents() == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("4 keys could not be written: A, B, C, D.", "4 keys could not be written: A, B, C and 1 more."),
        ("Missing: A_1, B, C, D, E and 12 more. Look there.", "Missing: A_1, B, C and 14 more. Look there."),
        ("Missing: A, B, C. Look there.", "Missing: A, B, C. Look there."),
        ("Refused, as the key, the value and the note are too long.",) * 2,
    ],
)
def test_names_three_keys_at_most(text: str, shown: str) -> None:
    assert with_few_keys(text) == shown


def test_every_event_is_documented() -> None:
    text = (site.BASE_DIR / "docs" / "notifications.md").read_text()

    assert [event.name for event in EVENTS if f"| `{event.name}` |" not in text] == []


class Turns(threading.Event):
    """Lets a loop turn so many times."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    def wait(self, timeout: float | None = None) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("seen", "by_web"), [(None, 0), (timedelta(), 0), (timedelta(minutes=2), 3)], ids=["never", "alive", "silent"]
)
def test_the_web_process_tells_while_no_scheduler_lives(
    seen: timedelta | None, by_web: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    SyncControl.get()
    SyncControl.objects.update(scheduler_seen_at=timezone.now() - seen if seen is not None else None)
    turns: list[str] = []

    def send_due() -> int:
        turns.append("turn")
        # One that fails ends nothing.
        raise ValueError

    monkeypatch.setattr(notifier, "send_due", send_due)
    notifier.beside_the_web(Turns(3))
    assert len(turns) == by_web
    notifier.beside_the_scheduler(Turns(2))

    assert len(turns) == by_web + 2


@pytest.mark.django_db(transaction=True)
def test_links_have_the_path_below_which_the_site_is_shown(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    links: list[str] = []
    monkeypatch.setattr(notifier, "send_due", lambda: links.append(reverse("admin:index")))
    settings.FORCE_SCRIPT_NAME = "/devinsync"
    thread = threading.Thread(target=notifier.beside_the_scheduler, args=[Turns(1)])
    thread.start()
    thread.join()

    assert links == ["/devinsync/admin/"]


@pytest.mark.postgresql
def test_all_of_the_table_is_found_without_an_error(add_sync: AddSync, django_assert_max_num_queries: Any) -> None:
    for number in range(30):
        add_sync(f"sync-{number}", Status.FAILED if number % 2 else Status.BLOCKED)
    lookout = Lookout()
    lookout.look()

    with django_assert_max_num_queries(9):
        assert lookout.look() == 0
