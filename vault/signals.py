"""What the vault tells others.

`contents_changed` is sent once for each change, inside its transaction, with `folder_ids`: every folder whose contents
may have changed, including those that see the changed secrets through imports and references, and `user`, who may be
None. It is sent before folders are deleted, so that their rows, and those above them, can still be looked up. A
receiver that raises undoes the change.
"""

from django.dispatch import Signal

contents_changed = Signal()
