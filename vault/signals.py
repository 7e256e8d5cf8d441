"""What the vault tells others.

`contents_changed` is sent once for each change, inside its transaction, with `folder_ids`: every folder whose contents
may have changed, including those that see the changed secrets through imports and references, and `user`, who may be
None. `aspect` says what of them: of a change that does several things, each comes with folders of its own. It is sent
before folders are deleted, so that their rows, and those above them, can still be looked up. A receiver that raises
undoes the change.

`folders_moved` is sent inside the transaction that has given folders other places, with their `folder_ids`, also where
it is only tried: what a receiver writes is taken back with it.

`folders_leave` is sent before folders go to the trash, with a query of `folders`: a receiver may answer notes, of text
alone, that it will need when they return. `folders_return` is sent with the `notes` of all once the folders are back.
"""

from enum import Enum

from django.dispatch import Signal


class Aspect(Enum):
    """What of a folder's secrets has changed: which there are and their values, or beside them one thing alone."""

    CONTENTS = "contents"
    COMMENTS = "comments"
    TAGS = "tags"


contents_changed = Signal()
folders_moved = Signal()
folders_leave = Signal()
folders_return = Signal()
