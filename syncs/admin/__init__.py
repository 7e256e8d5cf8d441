"""The admin pages of syncs, their runs and the ledger. Each thing that starts, stops or removes something is a POST of
its own with a permission of its own; what talks to Devin is never inside a transaction.
"""

from syncs.admin.control import SyncControlAdmin
from syncs.admin.ledger import ManagedSecretAdmin
from syncs.admin.runs import SyncRunAdmin, SyncRunChangeAdmin
from syncs.admin.syncs import DevinSyncAdmin

__all__ = ["DevinSyncAdmin", "ManagedSecretAdmin", "SyncControlAdmin", "SyncRunAdmin", "SyncRunChangeAdmin"]
