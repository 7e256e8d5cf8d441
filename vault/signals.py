"""What the vault tells others.

`contents_changed` is sent once for each change, inside its transaction, with `folder_ids`: every folder whose contents
may have changed, including those that see the changed secrets through imports and references, and `user`, who may be
None. It is sent before folders are deleted, so that their rows, and those above them, can still be looked up. A
receiver that raises undoes the change.

`folders_moved` is sent inside the transaction that has given folders other places, with their `folder_ids`, also where
it is only tried: what a receiver writes is taken back with it.
"""

from django.dispatch import Signal

contents_changed = Signal()
folders_moved = Signal()
