"""A sync is made, with the run that follows."""

from django.db import IntegrityError, transaction

from syncs.editing.actor import Actor
from syncs.editing.change import Edited
from syncs.editing.rights import check_may_create
from syncs.editing.rules import check_has_tags, check_name_is_free, check_stored_folders, name_taken
from syncs.models import DevinSync
from syncs.runs.triggers import after_edit
from syncs.runs.wishes import NO_WISHES, Wishes


@transaction.atomic
def create_sync(
    sync: DevinSync, *, by: Actor, at_once: bool = False, runs: bool = True, wishes: Wishes = NO_WISHES
) -> Edited:
    """Saves a sync that is not saved yet. An auto-sync then runs, but for without `runs`; one `at_once` does too if it
    is but enabled.

    Raises Lacking, EditRefused, NotRunnable, or ValidationError for fields that hold what they must not.
    """
    sync.created_by_id = by.user_id
    check_may_create(sync, by=by)
    sync.full_clean(exclude=sync.unjudged_columns(), validate_unique=False, validate_constraints=False)
    check_name_is_free(sync.name, sync.project, but=sync)
    check_stored_folders(sync)
    check_has_tags(sync, sync.project)
    try:
        with transaction.atomic():
            sync.save(force_insert=True)
    except IntegrityError:
        # Somebody else took the name a moment ago.
        raise name_taken(sync.name, sync.project) from None
    run = after_edit(sync, user=by.user, trigger=by.trigger, wishes=wishes, at_once=at_once) if runs else None
    by.note_added(sync)
    return Edited(sync, run)
