"""The only writer of syncs.

Each function is one transaction with the run that follows and its line in the log, and refuses with a `SyncError`, or
with Django's ValidationError for a field. Whether somebody may do it is the caller's question; `by` is who is noted
down for it, and by what way: the wizard, the admin, the REST API and the commands only translate.
"""

from syncs.editing.actor import Actor
from syncs.editing.attention import Need, syncs_needing_a_person
from syncs.editing.change import EDITABLE, SWITCHES, Edited, change_sync, foresee_change, locked, switch_sync
from syncs.editing.create import create_sync
from syncs.editing.delete import delete_sync
from syncs.editing.strangers import decide_on_strangers, waiting_strangers

__all__ = [
    "EDITABLE",
    "SWITCHES",
    "Actor",
    "Edited",
    "Need",
    "change_sync",
    "create_sync",
    "decide_on_strangers",
    "delete_sync",
    "foresee_change",
    "locked",
    "switch_sync",
    "syncs_needing_a_person",
    "waiting_strangers",
]
