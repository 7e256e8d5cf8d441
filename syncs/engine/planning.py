"""From what was read to a plan: the same for a worker's run, the wizard's Review step, the admin's "Plan" and the REST
API. Reads the ledger; writes nothing.
"""

from collections.abc import Collection, Sequence

from connections.devin.types import RemoteSecret
from syncs.engine.desired import Desired, environment_of, fingerprints_of
from syncs.engine.ledger import known_secrets, others_of
from syncs.engine.plan import DesiredSecret, Options, Plan, build_plan, build_removal
from syncs.engine.tags import OwnTag
from syncs.key_schema import KeySchema
from syncs.models import Destination, DevinSync


def plan_sync(
    sync: DevinSync,
    destination: Destination,
    desired: Desired,
    existing: Sequence[RemoteSecret],
    *,
    repush_all: bool = False,
    repushed: Collection[str] = (),
    taken_away: Collection[str] = (),
) -> Plan:
    known = known_secrets(sync, destination)
    prints = fingerprints_of(sync, desired, known)
    schema, environment = KeySchema.parse(sync.key_schema), environment_of(sync)
    return build_plan(
        [DesiredSecret(key, secret.key, prints[key]) for key, secret in desired.secrets.items()],
        existing,
        known,
        options=Options(
            matches=lambda key: schema.matches(key, environment=environment),
            disable_deletion=sync.disable_secret_deletion,
            only_delete_managed=sync.only_delete_managed,
            repush_all=repush_all,
            repushed=repushed,
            taken_away=taken_away,
        ),
        others=others_of(sync, destination, existing),
        is_ours=OwnTag(sync),
    )


def plan_removal(sync: DevinSync, destination: Destination, existing: Sequence[RemoteSecret]) -> Plan:
    return build_removal(known_secrets(sync, destination), existing, is_ours=OwnTag(sync))
