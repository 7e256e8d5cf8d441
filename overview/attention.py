"""What goes no further without a person: all of it counted, the most pressing of it named."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.urls import NoReverseMatch, reverse

from connections.expiry import LAST, Expiry
from connections.key_life import expiring
from connections.models import Connection, KeyRotation
from connections.rotation.telling import badge_of
from connections.rotation.troubles import troubled
from fleets.models import SyncSet
from fleets.needs import TONES, needing_a_person, needs_of
from syncs.choices import BlockedReason, Phase, Status
from syncs.editing import Need, syncs_needing_a_person, waiting_strangers
from syncs.engine.report import about_missing
from syncs.models import DevinSync, SyncRun, WriteIntent
from syncs.organizations import name_organizations
from syncs.used_connections import is_used
from vault.access import can_somewhere, visible
from vault.models import Secret
from vault.rotation import last_day_of_due

MOST_ROWS = 6
MOST_MISSING = 200

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Attention:
    """Something that goes no further without a person."""

    state: str
    word: str
    name: str
    message: str
    url: str


@dataclass(frozen=True)
class Attentions:
    """The first of them, and how many there are with the lists that show all."""

    rows: list[Attention]
    sync_count: int
    connection_count: int
    secret_count: int
    key_count: int
    rotation_count: int
    set_count: int

    @property
    def count(self) -> int:
        connections = self.connection_count + self.key_count + self.rotation_count
        return self.sync_count + connections + self.secret_count + self.set_count

    @property
    def all_rotations_url(self) -> str:
        if self.rotation_count <= MOST_ROWS:
            return ""
        return f"{admin_url('connections_connection_changelist')}?key=not-rotated"

    @property
    def all_sets_url(self) -> str:
        return f"{admin_url('fleets_syncset_changelist')}?needs=person" if self.set_count > MOST_ROWS else ""

    @property
    def all_keys_url(self) -> str:
        return f"{admin_url('connections_connection_changelist')}?key=expiring" if self.key_count > MOST_ROWS else ""

    @property
    def all_secrets_url(self) -> str:
        return f"{admin_url('vault_secret_changelist')}?rotation=due" if self.secret_count > MOST_ROWS else ""

    @property
    def all_syncs_url(self) -> str:
        """ "" where all of them are shown already."""
        return f"{admin_url('syncs_devinsync_changelist')}?needs=person" if self.sync_count > MOST_ROWS else ""

    @property
    def all_connections_url(self) -> str:
        return (
            f"{admin_url('connections_connection_changelist')}?validation=failed"
            if self.connection_count > MOST_ROWS
            else ""
        )

    @property
    def has_more(self) -> bool:
        keys = self.all_keys_url or self.all_rotations_url
        rows = self.all_syncs_url or self.all_sets_url or self.all_secrets_url
        return bool(rows or self.all_connections_url or keys)


def admin_url(name: str, *args: object) -> str:
    """The admin page of that name, or "" where there is none."""
    try:
        return reverse(f"admin:{name}", args=args)
    except NoReverseMatch:
        return ""


def collect_attention(user: Any) -> Attentions:
    """The secrets that are due only for whoever may see secrets."""
    syncs = visible(user, syncs_needing_a_person())
    refused = Q(Exists(DevinSync.objects.filter(connection=OuterRef("pk"))), is_valid=False)
    first, sync_count = _first_of(syncs)
    invalid, connection_count = _first_of(visible(user, Connection.objects.filter(refused)))
    secrets, secret_count = _due_secrets(user)
    ending = Connection.objects.filter(is_used() & ~refused & expiring()).select_related("key_life")
    keys, key_count = _first_of(visible(user, ending.order_by("key_life__expires_at", "name")))
    rotations, rotation_count = _first_of(troubled().filter(connection__in=visible(user, Connection.objects.all())))
    of_connections = [*map(_of_connection, invalid), *map(_of_key, keys), *map(_of_rotation, rotations)]
    sets, set_count = _first_of(visible(user, needing_a_person()))
    rows = [*_of_sets(sets), *_of_syncs(first), *of_connections, *map(_of_secret, secrets)]
    return Attentions(rows, sync_count, connection_count, secret_count, key_count, rotation_count, set_count)


def _first_of(rows: QuerySet[Row]) -> tuple[list[Row], int]:
    """Those that are named, and how many there are: counted by a query only where there are more."""
    first = list(rows[: MOST_ROWS + 1])
    return first[:MOST_ROWS], rows.order_by().count() if len(first) > MOST_ROWS else len(first)


def _due_secrets(user: Any) -> tuple[list[Secret], int]:
    """The first that are due, and how many are."""
    if not can_somewhere(user, "vault.view_secret"):
        return [], 0
    due = Secret.objects.filter(due_on__lte=last_day_of_due()).order_by("due_on", "key").defer("sealed_value")
    return _first_of(visible(user, due).select_related("folder__environment__project"))


def _of_sets(sets: list[SyncSet]) -> Iterator[Attention]:
    """Each with the gravest of what it waits for, and all reasons."""
    for each in sets:
        found = list(needs_of(each))
        message = " ".join(one.message for one in found)
        yield Attention(TONES[found[0].need], found[0].need.label, each.name, message, each.get_absolute_url())


def _of_syncs(syncs: list[DevinSync]) -> Iterator[Attention]:
    missing = _missing_keys(syncs)
    name_organizations(sync for sync in syncs if getattr(sync, "need", None) == Need.ASKS)
    for sync in syncs:
        match getattr(sync, "need", None):
            case Need.MISSING:
                url = admin_url("syncs_devinsync_change", sync.pk)
                yield Attention("failed", Need.MISSING.label, sync.name, about_missing(missing[sync.pk]), url)
            case Need.APPROVAL:
                yield _awaiting_approval(sync)
            case Need.SOURCE:
                yield _without_source(sync)
            case Need.ASKS:
                yield _asking(sync)
            case _:
                yield _at_its_last_run(sync)


def _missing_keys(syncs: list[DevinSync]) -> dict[object, set[str]]:
    keys: dict[object, set[str]] = {sync.pk: set() for sync in syncs}
    intents = WriteIntent.objects.open().filter(phase=Phase.ABSENT, sync__in=syncs)
    for sync_id, key in intents.values_list("sync_id", "destination_key")[:MOST_MISSING]:
        keys[sync_id].add(key)
    return keys


def _awaiting_approval(sync: DevinSync) -> Attention:
    runs = SyncRun.objects.filter(pk__in=[sync.last_sync_run_id, sync.last_remove_run_id])
    run = runs.filter(blocked_reason=BlockedReason.APPROVAL).order_by("-queued_at").first()
    message, url = (run.message, admin_url("syncs_syncrun_approve", run.pk)) if run else ("", sync.get_absolute_url())
    return Attention("blocked", Need.APPROVAL.label, sync.name, message, url)


def _without_source(sync: DevinSync) -> Attention:
    message = f"Its source folder {sync.source_label} is gone. Choose another, or remove the sync."
    return Attention("failed", Need.SOURCE.label, sync.name, message, admin_url("syncs_devinsync_change", sync.pk))


def _asking(sync: DevinSync) -> Attention:
    count = waiting_strangers(sync).count()
    which = "1 secret" if count == 1 else f"{count} secrets"
    message = f"{which} in {sync.organization} that DevinSync did not write: delete, leave alone or adopt?"
    return Attention("blocked", Need.ASKS.label, sync.name, message, admin_url("syncs_devinsync_strangers", sync.pk))


def _at_its_last_run(sync: DevinSync) -> Attention:
    run_url = admin_url("syncs_syncrun_change", sync.last_sync_run_id) if sync.last_sync_run_id else ""
    status = Status(sync.sync_status)
    url = run_url or admin_url("syncs_devinsync_change", sync.pk)
    return Attention(status.value, str(status.label), sync.name, sync.last_sync_message, url)


def _of_connection(connection: Connection) -> Attention:
    url = admin_url("connections_connection_change", connection.pk)
    return Attention("failed", "Not valid", connection.name, connection.validation_message, url)


def _of_key(connection: Connection) -> Attention:
    end, words = Expiry(connection.life.expires_at or LAST), connection.kind.secret_words
    message = f"Its {words} {end.words.lower()}, on {end.day}. Make a new one and enter it on the connection's page."
    url = admin_url("connections_connection_change", connection.pk)
    return Attention(end.tone, "Key expired" if end.is_over else "Key expires", connection.name, message, url)


def _of_rotation(rotation: KeyRotation) -> Attention:
    tone, word = badge_of(rotation)
    url = admin_url("connections_connection_change", rotation.connection_id)
    return Attention(tone, word, rotation.connection.name, rotation.message, url)


def _of_secret(secret: Secret) -> Attention:
    state = "failed" if secret.rotation.is_overdue else "waiting"
    whom = f" Ask {secret.owner}." if secret.owner else ""
    where = f"{secret.folder.environment.project}, {secret.folder}"
    url = admin_url("vault_secret_page", secret.pk)
    word = "Overdue" if secret.rotation.is_overdue else "Due"
    return Attention(state, word, secret.key, f"{secret.rotation.words}, in {where}.{whom}", url)
