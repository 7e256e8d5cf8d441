"""The proof of a new key: one list of each organization that syncs write to by it."""

from connections.devin.errors import DevinError
from connections.rotation.claiming import Claim
from connections.rotation.keys import client_with
from connections.rotation.uses import used_organizations
from connections.rotation.verdicts import GoBack


def prove(claim: Claim) -> None:
    """Raises GoBack where the new key does not reach what the old one does, and DevinError where that may pass."""
    organizations = used_organizations(claim.rotation.connection)
    claim.save(to_prove_count=len(organizations), proved_count=0)
    for number, org_id in enumerate(organizations, start=1):
        problem = _why_not_listed(claim, claim.rotation.new_key(), org_id)
        # What the old one does not reach either is no fault of the new one.
        if problem and not _why_not_listed(claim, claim.rotation.old_key(), org_id):
            raise GoBack(problem)
        claim.save(proved_count=number)


def _why_not_listed(claim: Claim, key: str, org_id: str) -> str:
    """As a sentence without its full stop; "" if it is listed. Raises DevinError where it may be listed later."""
    with client_with(claim, key) as client:
        try:
            client.list_secrets(org_id)
        except DevinError as error:
            if error.retryable:
                raise
            return error.message.removesuffix(".")
    return ""
