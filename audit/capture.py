"""What comes into the audit log by itself: Django's log of changes, log-ins, and refusals to log in."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import axes.signals  # noqa: F401 -- is connected before us, so that a request is known here that is locked out
from django.conf import settings
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry, LogEntryManager
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.contrib.contenttypes.models import ContentType
from django.db.models.signals import post_save
from django.http import HttpRequest

from audit import floods
from audit.completing import complete
from audit.kinds import kind_of
from audit.models import Action, Entry
from audit.rows import look_at
from audit.writing import line, note, note_many
from common.clients import current_client
from common.log_ins import BY_HEADER, BY_PROVIDER, log_in_refused

UNKNOWN = "(unknown name)"
WRONG_PASSWORD, LOCKED_OUT, TOO_MANY = "wrong password", "locked out", "too many failed log-ins"
ACTIONS = {ADDITION: Action.ADDED, CHANGE: Action.CHANGED, DELETION: Action.DELETED}


class CopyingManager(LogEntryManager):
    """Bulk inserts send no signal, so they are copied here."""

    # To migrations it is Django's own, so that they see no change.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, LogEntryManager)

    __hash__ = LogEntryManager.__hash__

    def deconstruct(self) -> Any:
        return LogEntryManager().deconstruct()

    def bulk_create(self, objs: Iterable[LogEntry], *args: Any, **kwargs: Any) -> list[LogEntry]:
        made = super().bulk_create(objs, *args, **kwargs)
        copy(made)
        return made


def connect() -> None:
    # In the place of Django's own, which would otherwise be found first.
    LogEntry._meta.local_managers.clear()
    CopyingManager().contribute_to_class(LogEntry, "objects")
    post_save.connect(on_log_entry, sender=LogEntry, dispatch_uid="audit.capture")
    user_logged_in.connect(on_log_in, dispatch_uid="audit.log_in")
    user_logged_out.connect(on_log_out, dispatch_uid="audit.log_out")
    log_in_refused.connect(on_refused_log_in, dispatch_uid="audit.refused_log_in")
    user_login_failed.connect(on_failed_log_in, dispatch_uid="audit.failed_log_in")


def on_log_entry(*, instance: LogEntry, created: bool, raw: bool = False, **_: Any) -> None:
    if created and not raw:
        copy([instance])


def copy(entries: Sequence[LogEntry]) -> None:
    # Of many, only those are looked up whom nobody has loaded yet.
    known = LogEntry._meta.get_field("user").is_cached
    users = {entry.user_id: entry.user for entry in entries if known(entry)}
    missing = {entry.user_id for entry in entries} - set(users)
    users |= get_user_model()._default_manager.in_bulk(missing) if missing else {}
    note_many(with_places(entries, [_as_line(entry, users[entry.user_id].get_username()) for entry in entries]))


def with_places(entries: Sequence[LogEntry], lines: Sequence[Entry]) -> Sequence[Entry]:
    """The lines with where their rows are and what became of their fields, by one look at the rows of each kind."""
    by_kind: dict[int, list[tuple[LogEntry, Entry]]] = defaultdict(list)
    for entry, each in zip(entries, lines, strict=True):
        if entry.content_type_id:
            by_kind[entry.content_type_id].append((entry, each))
    for type_id, pairs in by_kind.items():
        if kind := kind_of(ContentType.objects.get_for_id(type_id).model_class()):
            now = look_at(kind, [each.object_id for _, each in pairs])
            for entry, each in pairs:
                flag = entry.action_flag
                complete(each, kind, now.get(each.object_id), is_new=flag == ADDITION, is_gone=flag == DELETION)
    return lines


def _as_line(entry: LogEntry, actor: str) -> Entry:
    # Content types are kept in memory, so none of many is looked up twice.
    kind = str(ContentType.objects.get_for_id(entry.content_type_id).name) if entry.content_type_id else ""
    return line(
        actor,
        ACTIONS.get(entry.action_flag, Action.CHANGED),
        kind=kind,
        object_id=entry.object_id or "",
        name=entry.object_repr,
        detail=entry.get_change_message(),
    )


def on_log_in(*, user: AbstractBaseUser, request: HttpRequest | None = None, **_: Any) -> None:
    note(user.get_username(), Action.LOGGED_IN, detail=_way_in(request))


def _way_in(request: HttpRequest | None) -> str:
    """That a proxy or a provider vouched for them, and which."""
    if getattr(request, BY_HEADER, False) and request is not None:
        return f"By {settings.LOGIN_HEADER} of {request.META.get('REMOTE_ADDR', '')}."
    provider = getattr(request, BY_PROVIDER, "")
    return f"By {provider}." if provider else ""


def on_refused_log_in(*, name: str, way: str, why: str, **_: Any) -> None:
    note_failed_log_in(name or UNKNOWN, detail=f"By {way}: {why}.", lacking=why)


def note_failed_log_in(actor: str, *, detail: str, lacking: str, is_at_somebody: bool = False) -> None:
    """Of a flood only that there is one. What `is_at_somebody`, tried with the name of an account, is bounded by their
    lock-outs, so it is told in a flood from everywhere too."""
    number = floods.count(current_client())
    if number.are_too_many_in_all and not is_at_somebody:
        if floods.is_round(number.in_all, floods.TOLD_IN_ALL):
            _tell_of_many(number.in_all, "all addresses together")
    elif number.here <= floods.TOLD:
        _tell(actor, detail=detail, lacking=lacking)
    elif floods.is_round(number.here):
        _tell_of_many(number.here, "this address")


def _tell_of_many(number: int, where: str) -> None:
    detail = f"{number} from {where} in a quarter of an hour; more are not told one by one."
    _tell(UNKNOWN, detail=detail, lacking=TOO_MANY)


def _tell(actor: str, *, detail: str, lacking: str) -> None:
    note(actor, Action.FAILED_LOG_IN, detail=detail, lacking=lacking)


def on_log_out(*, user: AbstractBaseUser | None, **_: Any) -> None:
    if user is not None:
        note(user.get_username(), Action.LOGGED_OUT)


def on_failed_log_in(
    *, credentials: dict[str, Any], request: HttpRequest | None = None, why: str = "", **_: Any
) -> None:
    """A name that nobody has is not kept: people type their password there, and no line can be taken back."""
    users = get_user_model()
    name = str(credentials.get(users.USERNAME_FIELD) or "")
    is_known = users._default_manager.filter(**{users.USERNAME_FIELD: name}).exists()
    lacking = LOCKED_OUT if getattr(request, "axes_locked_out", False) else why.rstrip(".") or WRONG_PASSWORD
    # Whoever is in has five tries, and each is told.
    is_in = getattr(getattr(request, "user", None), "is_authenticated", False)
    if is_in:
        _tell(name if is_known else UNKNOWN, detail=why, lacking=lacking)
    else:
        is_at_somebody = is_known and lacking != LOCKED_OUT
        note_failed_log_in(name if is_known else UNKNOWN, detail=why, lacking=lacking, is_at_somebody=is_at_somebody)
