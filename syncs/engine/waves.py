"""Which part of a plan waits until its sync's turn has come, where a change goes out in waves. Pure.

What mends the organization goes on at any time: it has a secret otherwise than this sync last wrote it, and the source
has not changed since. Everything else carries a change of the source or of the sync.
"""

from syncs.engine.changes import Change, Create, Delete, Plan, Replace


def that_wait(plan: Plan) -> list[Change]:
    return [change for change in plan.changes if not mends(change)]


def mends(change: Change) -> bool:
    if isinstance(change, Create | Replace):
        return change.is_drift
    # A person's word on this very secret, or a second one of a key that is kept.
    return isinstance(change, Delete) and (change.is_decided or change.is_duplicate)
