"""Finishing what an earlier attempt began, when the plan does not.

Between deleting a taken key and creating it anew, the new value is sealed in the open intent. If the source can be
read and wants the key, the plan does the rest; if not, the key comes back from there.
"""

from collections.abc import Collection

from connections.devin.errors import DevinError
from encryption import unseal
from syncs.choices import Phase
from syncs.engine.destination import Organization
from syncs.engine.ledger import Ledger


def finish_sealed(ledger: Ledger, organization: Organization, *, but_for: Collection[str] = ()) -> bool:
    """Creates again each key that an open intent took away, from its sealed value; those of the plan's own writes are
    left to it. Whether there was any. Raises SyncError."""
    if not any(intent.destination_key not in but_for for intent in ledger.sealed_intents()):
        return False
    ledger.settle(organization.list_secrets())
    for intent in ledger.sealed_intents():
        if intent.destination_key in but_for:
            continue
        intent.phase = Phase.ABSENT
        ledger.advance([intent])
        value = unseal(intent.sealed_value, context=intent.sealing_context())
        try:
            secret = organization.create(key=intent.destination_key, value=value, note=intent.note)
        except DevinError as error:
            raise organization.problem(error, f"put back {intent.destination_key} in") from error
        ledger.record(written=[(intent, secret)])
    return True
