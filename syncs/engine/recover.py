"""Finishing what a dead worker began, when the source cannot say what the value is.

Between deleting a taken key and creating it anew, the new value is sealed in the open intent. If the source can be
read, the plan does the rest; if not, the key comes back from there.
"""

from connections.devin.errors import DevinError
from encryption import unseal
from syncs.choices import Phase
from syncs.engine.destination import Organization
from syncs.engine.ledger import Ledger


def finish_sealed(ledger: Ledger, organization: Organization) -> None:
    """Creates again each key that an open intent took away, from its sealed value. Raises SyncError."""
    if not ledger.sealed_intents():
        return
    ledger.settle(organization.list_secrets())
    for intent in ledger.sealed_intents():
        intent.phase = Phase.ABSENT
        ledger.advance([intent])
        value = unseal(intent.sealed_value, context=intent.sealing_context())
        try:
            secret = organization.create(key=intent.destination_key, value=value, note=intent.note)
        except DevinError as error:
            raise organization.problem(error, f"put back {intent.destination_key} in") from error
        ledger.record(written=[(intent, secret)])
