"""Setting a folder's secrets back to what they were at a time: all of a plan in one change, or nothing."""

from collections.abc import Mapping, Sequence
from uuid import uuid4

from vault.access import place_of
from vault.editing.actor import REVEAL, Actor
from vault.editing.change import Change, changing
from vault.editing.secrets import FEW, restore_versions
from vault.editing.trash import bring_back_all, delete_rows
from vault.errors import Outdated
from vault.history import FolderPlan, Kind, Step, plan_restore
from vault.loading import check_folder
from vault.models import Folder, Secret, SecretVersion
from vault.returning import Returned
from vault.trash import in_trash

TO_RESTORE: Mapping[Kind, str] = {
    Kind.CREATE: "vault.add_secret",
    Kind.CHANGE: "vault.change_secret",
    Kind.DELETE: "vault.delete_secret",
}


def restore_folder(folder: Folder, plan: FolderPlan, *, by: Actor) -> None:
    """Raises Outdated if the folder is not what the plan was made from."""
    for kind, right in TO_RESTORE.items():
        if plan.of(kind):
            by.demand(right, place_of(folder))
    with changing(folder.environment.project_id, by) as change:
        if plan_restore(folder, plan.at, compares_values=by.can(REVEAL, place_of(folder))).digest != plan.digest:
            raise Outdated(f"{folder} was changed since this was planned. Look at the plan again, then restore.")
        check_folder(folder)
        _delete(change, plan.of(Kind.DELETE))
        created = [step.entry for step in plan.of(Kind.CREATE) if step.entry]
        bring_back_all(change, list(in_trash().filter(pk__in=created)), Returned())
        change.seals.renew()
        earlier = [step for step in plan.steps if step.kind != Kind.DELETE and step.then != step.now]
        restore_versions(change, folder, _versions(earlier))


def _delete(change: Change, steps: Sequence[Step]) -> None:
    deletion = uuid4()
    for start in range(0, len(steps), FEW):
        ids = [step.secret for step in steps[start : start + FEW]]
        rows = list(Secret.objects.select_related("folder__environment").filter(pk__in=ids))
        for secret in rows:
            change.mark(secret.folder_id, [secret.key])
        change.seals.take(rows)
        delete_rows(change, rows, deletion=deletion)
    change.seals.renew()


def _versions(steps: Sequence[Step]) -> list[SecretVersion]:
    wanted = {(step.secret, step.then) for step in steps}
    found: list[SecretVersion] = []
    for start in range(0, len(steps), FEW):
        ids = [step.secret for step in steps[start : start + FEW]]
        rows = SecretVersion.objects.select_related("secret__folder__environment").filter(secret__in=ids)
        found += [row for row in rows.order_by("secret__key", "version") if (row.secret_id, row.version) in wanted]
    return found
