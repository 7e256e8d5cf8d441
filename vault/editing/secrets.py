"""Writing secrets: sealed, versioned, with their references noted; a value that is there already is no change.

Unless whoever writes it may not read it: else they would learn that they had guessed it. Many are written in as many
statements as one, for each chunk of them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID, uuid4

from django.db.models import CharField, Exists, F, OuterRef, Subquery, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from common.refusals import note_lacking
from encryption import seal
from vault.access import place_of
from vault.affected import SeenEdges
from vault.editing.actor import REVEAL, Actor
from vault.editing.carrying import carry_references
from vault.editing.change import Change, all_or_none, changing
from vault.editing.rights import check_references_may_leave
from vault.editing.telling import FOLDER, UNSEEN, tell_steps
from vault.editing.trash import delete_rows
from vault.editing.upkeep import ROTATION, note_rotation
from vault.errors import Invalid, Missing, NotAllowed, Outdated, Taken, Unreadable
from vault.loading import check_folder
from vault.models import Folder, Secret, SecretReference, SecretVersion
from vault.references import find_references
from vault.referrers import describe_circle, find_circles, find_references_to
from vault.rules import check_resolvable, check_value, clean_comment, clean_key
from vault.signals import Aspect
from vault.values import open_value, open_version

# Rows a statement: every database takes this many parameters.
FEW = 500
NAMED = 10
# Keys that the line of a folder names.
TOLD = 30

NEWEST = SecretVersion.objects.filter(secret_id=OuterRef("id")).order_by("-version").values("version")[:1]
REFERS = Exists(SecretReference.objects.filter(secret_id=OuterRef("id")))

Item = TypeVar("Item")


@dataclass(frozen=True)
class Written:
    """The keys that a write created, changed, and found as they should be; of these, whose comment alone is another."""

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    commented: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Edit:
    """What to change of a secret; None leaves a thing as it is.

    `expected_version` refuses to write over what somebody else wrote in the meantime.
    """

    secret: Secret
    key: str | None = None
    value: str | None = field(default=None, repr=False)
    comment: str | None = None
    is_literal: bool | None = None
    expected_version: int | None = None
    # With another key: the references of other secrets to it change too.
    carries_references: bool = False
    # A value that was there before is no rotation.
    is_old: bool = False


def set_secret(
    folder: Folder,
    key: str,
    value: str,
    *,
    comment: str | None = None,
    is_literal: bool | None = None,
    by: Actor,
) -> Secret:
    """Creates or changes one; what is not given stays."""
    key = clean_key(key)
    set_secrets(
        folder,
        {key: value},
        comments={} if comment is None else {key: comment},
        literal={} if is_literal is None else {key: is_literal},
        by=by,
    )
    return Secret.objects.get(folder=folder, key=key)


def set_secrets(
    folder: Folder,
    values: Mapping[str, str],
    *,
    comments: Mapping[str, str] | None = None,
    literal: Mapping[str, bool] | None = None,
    must_exist: bool | None = None,
    refuses_circles: bool = False,
    by: Actor,
) -> Written:
    """Creates and changes many, all or none.

    `literal` tells whose values are taken as they are, without references. `must_exist` refuses keys that are missing
    (True) or there (False). `refuses_circles` is for people; a script may be about to cut what it has just closed.
    """
    with changing(folder.environment.project_id, by) as change:
        written, rows = put_secrets(
            change, folder, values, comments=comments or {}, literal=literal or {}, must_exist=must_exist
        )
        if refuses_circles:
            _check_no_circle(change, [rows[key] for key in (*written.created, *written.changed)])
    return written


def put_secrets(
    change: Change,
    folder: Folder,
    values: Mapping[str, str],
    *,
    comments: Mapping[str, str],
    literal: Mapping[str, bool],
    must_exist: bool | None = None,
) -> tuple[Written, dict[str, Secret]]:
    """For callers that hold the transaction. What became of the keys, and their rows."""
    _check_values(values)
    comments = {key: clean_comment(comment) for key, comment in comments.items()}
    existing = _existing(folder, values)
    _check_presence(folder, values, existing, must_exist)
    written = compare(folder, existing, values, comments=comments, literal=literal, by=change.by)
    _check_may_write(folder, written, change.by)
    change.remember(existing[key] for key in (*written.changed, *written.commented))
    change.seals.take(existing.values())
    rows = existing | {key: Secret(folder=folder, key=key, version=0) for key in written.created}
    _label([rows[key] for key in (*written.created, *written.changed, *written.commented)], comments, literal)
    note_rotation(rows[key] for key in (*written.created, *written.changed))
    _write(change, [(rows[key], values[key]) for key in (*written.created, *written.changed)])
    _write_comments(change, [rows[key] for key in written.commented])
    change.seals.put(rows.values())
    _tell_keys(change, folder, {"added": written.created, "changed": written.changed, "commented": written.commented})
    return written, rows


def _tell_keys(change: Change, folder: Folder, keys: Mapping[str, Sequence[str]]) -> None:
    """To the line of the folder, where one is written for all of them."""
    for what, some in keys.items():
        if some:
            more = f" and {len(some) - TOLD:,} more" if len(some) > TOLD else ""
            change.tell(folder, f"secrets {what}", "", f"{', '.join(some[:TOLD])}{more}")


def _check_may_write(folder: Folder, written: Written, by: Actor) -> None:
    if written.created:
        by.demand("vault.add_secret", place_of(folder))
    if written.changed or written.commented:
        by.demand("vault.change_secret", place_of(folder))


def _label(secrets: Iterable[Secret], comments: Mapping[str, str], literal: Mapping[str, bool]) -> None:
    for secret in secrets:
        secret.comment = comments.get(secret.key, secret.comment)
        secret.is_literal = literal.get(secret.key, secret.is_literal)


def preview_secrets(
    folder: Folder, values: Mapping[str, str], *, comments: Mapping[str, str] | None = None, by: Actor
) -> Written:
    """What `set_secrets` would do; writes nothing."""
    _check_values(values)
    existing = _existing(folder, values)
    comments = {key: clean_comment(comment) for key, comment in (comments or {}).items()}
    return compare(folder, existing, values, comments=comments, literal={}, by=by)


def compare(
    folder: Folder,
    existing: Mapping[str, Secret],
    values: Mapping[str, str],
    *,
    comments: Mapping[str, str],
    literal: Mapping[str, bool],
    by: Actor,
) -> Written:
    """Refuses a new value whose references can never be resolved, or that `by` may not use."""
    written, may_compare = Written(), by.can(REVEAL, place_of(folder))
    for key, value in values.items():
        secret = existing.get(key)
        is_literal = literal.get(key, secret is not None and secret.is_literal)
        present = None if secret is None else _present(secret)
        is_same = secret is not None and secret.is_literal == is_literal and present == value
        if is_same and secret is not None and may_compare:
            written.unchanged.append(key)
            if comments.get(key, secret.comment) != secret.comment:
                written.commented.append(key)
            continue
        if not is_literal and not is_same:
            before = present if secret is not None and not secret.is_literal else None
            _check_references(folder, key, value, before=before, by=by)
        (written.created if secret is None else written.changed).append(key)
    return written


def update_secret(
    secret: Secret,
    *,
    key: str | None = None,
    value: str | None = None,
    comment: str | None = None,
    is_literal: bool | None = None,
    expected_version: int | None = None,
    carries_references: bool = False,
    refuses_circles: bool = False,
    by: Actor,
) -> Secret:
    edit = Edit(secret, key, value, comment, is_literal, expected_version, carries_references)
    return update_secrets(secret.folder, [edit], refuses_circles=refuses_circles, by=by)[0]


def update_secrets(
    folder: Folder,
    edits: Sequence[Edit],
    *,
    refuses_circles: bool = False,
    then: Callable[[list[Secret]], None] | None = None,
    seen: SeenEdges | None = None,
    by: Actor,
) -> list[Secret]:
    """Changes secrets of one folder, all or none, and answers them in the order of the edits.

    `then` is called with them in the same transaction; `seen` is worth while where that has not begun yet.
    """
    by.demand("vault.change_secret", place_of(folder))
    with changing(folder.environment.project_id, by, seen=seen) as change:
        secrets = _update(change, folder, edits, refuses_circles=refuses_circles)
        if then is not None:
            then(secrets)
    return secrets


def _update(change: Change, folder: Folder, edits: Sequence[Edit], *, refuses_circles: bool = False) -> list[Secret]:
    rows = _current(folder, edits)
    change.remember(rows.values())
    change.seals.know(secret.folder for secret in rows.values())
    change.seals.take(rows.values())
    now = timezone.now()
    carried = _references_to_carry(edits, rows)
    _rename(change, [(rows[edit.secret.id], _new_key(edit, rows)) for edit in edits], at=now)
    drafts: list[tuple[Secret, str]] = []
    commented: list[Secret] = []
    for edit in edits:
        secret = rows[edit.secret.id]
        value = _new_value(secret, edit, change.by)
        comment = secret.comment if edit.comment is None else clean_comment(edit.comment)
        has_comment, secret.comment = comment != secret.comment, comment
        if value is not None:
            drafts.append((secret, value))
            if edit.value is not None and not edit.is_old:
                note_rotation([secret])
        elif has_comment:
            commented.append(secret)
    _write(change, drafts)
    _write_comments(change, commented)
    _tell_keys(change, folder, {"changed": [secret.key for secret in rows.values()]})
    change.seals.put(rows.values())
    change.seals.renew()
    for secret, old_key, edges in carried:
        carry_references(change, secret, edges, old_key=old_key, write=write_others)
    if refuses_circles:
        _check_no_circle(change, [secret for secret, _ in drafts])
    return [rows[edit.secret.id] for edit in edits]


def write_others(change: Change, drafts: Sequence[tuple[Secret, str]]) -> None:
    """New values of secrets of any folder; what is read next is whole again."""
    secrets = [secret for secret, _ in drafts]
    for folder in {secret.folder_id: secret.folder for secret in secrets}.values():
        _demand_to_carry(change.by, folder)
    change.seals.take(secrets)
    _write(change, drafts)
    change.seals.put(secrets)
    change.seals.renew()


def _demand_to_carry(by: Actor, folder: Folder) -> None:
    """The references are found by the vault, so that the refusal may be the first that somebody hears of a folder."""
    if by.sees(FOLDER, place_of(folder)):
        by.demand("vault.change_secret", place_of(folder))
    elif not by.can("vault.change_secret", place_of(folder)):
        note_lacking(["vault.change_secret"], place_of(folder))
        raise NotAllowed(
            f"References in {UNSEEN} would change too, which takes the permission vault.change_secret there, "
            f"{by.lacking}. Leave the references as they are, or ask a manager of the project."
        )


def _references_to_carry(
    edits: Sequence[Edit], rows: Mapping[UUID, Secret]
) -> list[tuple[Secret, str, list[SecretReference]]]:
    """Before the keys change: whose references are to follow, with the key that they name now."""
    moving = [rows[edit.secret.id] for edit in edits if edit.carries_references and edit.key is not None]
    found = ((secret, secret.key, find_references_to(secret)) for secret in moving)
    return [one for one in found if one[2]]


def _check_no_circle(change: Change, secrets: Sequence[Secret]) -> None:
    change.seals.renew()
    for steps in find_circles(secrets):
        chain = describe_circle(tell_steps(steps, change.by))
        raise Invalid(f"{steps[0].key} would refer to itself: {chain}. Change one of these references.", field="value")


def rename_secret(secret: Secret, key: str, *, by: Actor) -> Secret:
    return update_secret(secret, key=key, by=by)


def restore_version(secret: Secret, version: int, *, by: Actor) -> Secret:
    """Makes what the secret was at a version its newest version, comment and all."""
    by.demand("vault.change_secret", place_of(secret.folder))
    with changing(secret.folder.environment.project_id, by) as change:
        old = secret.versions.filter(version=version).first()
        if old is None:
            raise Missing(f"{secret.key} has no version {version}. Choose one of those listed.")
        check_folder(secret.folder)
        return restore_versions(change, secret.folder, [old])[0]


def restore_versions(change: Change, folder: Folder, versions: Sequence[SecretVersion]) -> list[Secret]:
    """The same for many secrets of one folder, for callers that hold the transaction."""
    edits = [
        Edit(old.secret, None, open_version(old, key=old.secret.key), old.comment, old.is_literal, is_old=True)
        for old in versions
    ]
    return _update(change, folder, edits)


def delete_secret(secret: Secret, *, by: Actor) -> None:
    delete_secrets([secret], by=by)


def delete_secrets(secrets: Iterable[Secret], *, by: Actor) -> None:
    """Moves them to the trash with their versions, all or none."""
    deletion = uuid4()
    by_project: dict[UUID, list[Secret]] = {}
    for secret in secrets:
        by.demand("vault.delete_secret", place_of(secret.folder))
        by_project.setdefault(secret.folder.environment.project_id, []).append(secret)
    with all_or_none():
        for project_id, doomed in by_project.items():
            with changing(project_id, by) as change:
                for secret in doomed:
                    change.mark(secret.folder_id, [secret.key])
                for some in _chunks(doomed):
                    rows = Secret.objects.filter(id__in=[secret.id for secret in some])
                    present = list(rows.select_related("folder__environment"))
                    change.seals.know(secret.folder for secret in present)
                    change.seals.take(present)
                    change.remember(present)
                    delete_rows(change, present, deletion=deletion)


def _check_values(values: Mapping[str, str]) -> None:
    for key, value in values.items():
        if clean_key(key) != key:
            raise Invalid(f"The key “{key[:60]}” has spaces around it. Remove them.", field="key")
        check_value(key, value)


def _existing(folder: Folder, values: Mapping[str, str]) -> dict[str, Secret]:
    rows = folder.secrets.annotate(newest=Subquery(NEWEST), refers=REFERS)
    if len(values) <= FEW:
        rows = rows.filter(key__in=list(values))
    return {secret.key: secret for secret in rows}


def _check_presence(
    folder: Folder, values: Mapping[str, str], existing: Mapping[str, Secret], must_exist: bool | None
) -> None:
    if must_exist is True and (missing := sorted(set(values) - set(existing))):
        raise Missing(f"There is no secret {', '.join(missing)} in {folder}. Create it first.", field="key")
    if must_exist is False and (taken := sorted(set(values) & set(existing))):
        raise Taken(f"There is a secret {', '.join(taken)} in {folder} already. Change it there.", field="key")


def _current(folder: Folder, edits: Sequence[Edit]) -> dict[UUID, Secret]:
    """The rows as they are, now that nobody else can change them."""
    rows: dict[UUID, Secret] = {}
    for some in _chunks(edits):
        found = Secret.objects.select_related("folder__environment").filter(folder_id=folder.id)
        found = found.annotate(newest=Subquery(NEWEST), refers=REFERS)
        rows |= {secret.id: secret for secret in found.filter(id__in=[edit.secret.id for edit in some])}
    for edit in edits:
        current = rows.get(edit.secret.id)
        if current is None:
            raise Missing(f"The secret {edit.secret.key} is gone. Go back to its folder.")
        if edit.expected_version not in (None, current.version):
            raise Outdated(
                f"{current.key} was changed meanwhile and is now at version {current.version}. "
                "Look at that version, then save again if yours should replace it.",
                field="value",
            )
    return rows


def _new_key(edit: Edit, rows: Mapping[UUID, Secret]) -> str:
    """The key after the edit; one that stays is not judged again."""
    key = rows[edit.secret.id].key
    return key if edit.key is None or edit.key.strip() == key else clean_key(edit.key)


def _new_value(secret: Secret, edit: Edit, by: Actor) -> str | None:
    """The value of the secret's next version, or None if nothing that a reader sees is another; notes the switch."""
    is_literal = secret.is_literal if edit.is_literal is None else edit.is_literal
    if edit.value is None:
        if is_literal == secret.is_literal:
            return None
        # Another switch alone: it takes the value that is there.
        value = open_value(secret)
        present: str | None = value
    else:
        check_value(secret.key, edit.value)
        value, present = edit.value, _present(secret)
    is_same = value == present and is_literal == secret.is_literal
    if is_same and by.can(REVEAL, place_of(secret.folder)):
        return None
    if not is_literal and not is_same:
        _check_references(secret.folder, secret.key, value, before=None if secret.is_literal else present, by=by)
    secret.is_literal = is_literal
    return value


def _present(secret: Secret) -> str | None:
    """The stored value; None for one that can't be opened, so that it can be entered anew."""
    try:
        return open_value(secret)
    except Unreadable:
        return None


def _check_references(folder: Folder, key: str, value: str, *, before: str | None, by: Actor) -> None:
    check_resolvable(key, value)
    check_references_may_leave(folder, key, value, before=before, by=by)


def _rename(change: Change, renames: Sequence[tuple[Secret, str]], *, at: datetime) -> None:
    moved = [(secret, key) for secret, key in renames if key != secret.key]
    if not moved:
        return
    twice = [key for key, count in Counter(key for _, key in moved).items() if count > 1]
    taken = _taken_keys(moved) | set(twice)
    if taken:
        names, folder = ", ".join(sorted(taken)[:NAMED]), moved[0][0].folder
        raise Taken(f"There is a secret {names} in {folder} already. Choose another key.", field="key")
    _step_aside([secret for secret, _ in moved])
    for secret, key in moved:
        change.mark(secret.folder_id, [secret.key, key])
        _rekey(secret, key)
        secret.updated_by, secret.updated_at = change.by.user, at
    _upsert([secret for secret, _ in moved], ["key", "sealed_value", "updated_by", "updated_at"])


def _rekey(secret: Secret, key: str) -> None:
    """A value is bound to its key. One that can't be opened stays so, until it is entered anew."""
    value = _present(secret)
    secret.key = key
    if value is not None:
        secret.sealed_value = seal(value, context=secret.sealing_context())


def _taken_keys(moved: Sequence[tuple[Secret, str]]) -> set[str]:
    """The new keys that other secrets have and keep."""
    leaving = {secret.id for secret, _ in moved}
    taken: set[str] = set()
    for some in _chunks(moved):
        rows = Secret.objects.filter(folder_id=moved[0][0].folder_id, key__in=[key for _, key in some])
        taken |= {key for id_, key in rows.values_list("id", "key") if id_ not in leaving}
    return taken


def _step_aside(secrets: Sequence[Secret]) -> None:
    """Gives each a name that no secret can have, so that they can take one another's."""
    for some in _chunks(secrets):
        rows = Secret.objects.filter(id__in=[secret.id for secret in some])
        rows.update(key=Concat(Value("~"), Cast("id", CharField(max_length=64))))


def _write(change: Change, drafts: Sequence[tuple[Secret, str]]) -> None:
    """Seals each value as its secret's next version, and writes rows, versions and references."""
    now = timezone.now()
    for secret, value in drafts:
        if secret.version == 0:
            change.made.add(secret.id)
        # Above the newest one also where somebody set the secret back.
        secret.version = max(secret.version, getattr(secret, "newest", None) or 0) + 1
        secret.sealed_value = seal(value, context=secret.sealing_context())
        secret.updated_by, secret.updated_at = change.by.user, now
        change.mark(secret.folder_id, [secret.key])
    secrets = [secret for secret, _ in drafts]
    _upsert(secrets, ["sealed_value", "comment", "is_literal", "version", "updated_by", "updated_at", *ROTATION])
    versions = [_as_version(secret, value) for secret, value in drafts]
    SecretVersion.objects.bulk_create(versions, batch_size=FEW)
    _write_references(drafts)


def _write_comments(change: Change, secrets: Sequence[Secret]) -> None:
    """A comment is no new version: no value changes. But it may go out with the value, so it has an author, too."""
    change.mark_beside(Aspect.COMMENTS, [(secret.folder_id, secret.key) for secret in secrets])
    now = timezone.now()
    for secret in secrets:
        secret.updated_by, secret.updated_at = change.by.user, now
    _upsert(secrets, ["comment", "updated_by", "updated_at"])
    here = Secret.objects.filter(pk=OuterRef("secret_id"))
    for some in _chunks(secrets):
        newest = SecretVersion.objects.filter(
            secret_id__in=[secret.id for secret in some], version=F("secret__version")
        )
        newest.update(comment=Subquery(here.values("comment")[:1]))


def _upsert(secrets: Sequence[Secret], fields: list[str]) -> None:
    Secret.objects.bulk_create(
        secrets, update_conflicts=True, unique_fields=["id"], update_fields=fields, batch_size=FEW
    )


def _as_version(secret: Secret, value: str) -> SecretVersion:
    row = SecretVersion(
        secret=secret,
        version=secret.version,
        comment=secret.comment,
        is_literal=secret.is_literal,
        created_by=secret.updated_by,
    )
    row.sealed_value = seal(value, context=row.sealing_context())
    return row


def _write_references(drafts: Sequence[tuple[Secret, str]]) -> None:
    # A row that was loaded without saying so may have some.
    for some in _chunks([secret.id for secret, _ in drafts if secret.version > 1 and getattr(secret, "refers", True)]):
        SecretReference.objects.filter(secret_id__in=some).delete()
    SecretReference.objects.bulk_create(
        [
            SecretReference(
                secret=secret,
                environment_slug=reference.environment_slug,
                path=reference.path,
                key=reference.key,
            )
            for secret, value in drafts
            if not secret.is_literal
            for reference in find_references(value)
        ],
        batch_size=FEW,
    )


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), FEW):
        yield items[start : start + FEW]
