"""From what was read to a plan: the same for a worker's run, the wizard's Review step, the admin's "Plan" and the REST
API. Reads the ledger; writes nothing.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from connections.devin.types import RemoteSecret
from syncs.choices import Decision, Strangers
from syncs.engine.changes import DesiredSecret, Known, Options, Others, Plan
from syncs.engine.desired import Desired, fingerprints_of, with_former_keys
from syncs.engine.ledger import known_secrets
from syncs.engine.others import others_of, with_wanters
from syncs.engine.plan import build_plan, build_removal
from syncs.engine.tags import OwnTag
from syncs.models import Destination, DevinSync, StrangerDecision
from syncs.naming import Naming


def plan_sync(
    sync: DevinSync,
    destination: Destination,
    desired: Desired,
    existing: Sequence[RemoteSecret],
    *,
    repush_all: bool = False,
    repushed: Collection[str] = (),
    taken_away: Collection[str] = (),
    own_tag: OwnTag | None = None,
) -> Plan:
    """`destination` has no row yet where no sync has ever run at the organization."""
    known, is_ours, naming = known_secrets(sync, destination), own_tag or OwnTag(sync), Naming.of(sync)
    options = Options(
        matches=lambda key: naming.matches(key) and key not in desired.left_out,
        why_not=_why_not(naming, desired),
        disable_deletion=sync.disable_secret_deletion,
        strangers=Strangers(sync.strangers),
        decisions=decisions_of(sync, destination),
        repush_all=repush_all,
        repushed=repushed,
        taken_away=taken_away,
        renamed=with_former_keys(sync, desired, known),
    )
    wanted = _wanted(sync, desired, known)
    others = _others(sync, destination, existing, known, is_ours)
    plan = build_plan(wanted, existing, known, options=options, others=others, is_ours=is_ours)
    asking = with_wanters(others, sync, destination, keys=_let_go(plan, known, desired.secrets))
    if asking is not others:
        plan = build_plan(wanted, existing, known, options=options, others=asking, is_ours=is_ours)
    return replace(plan, warnings=(*plan.warnings, *desired.remarks), left_out_count=desired.left_out_count)


def _why_not(naming: Naming, desired: Desired) -> Callable[[str], str]:
    untagged = frozenset(desired.left_out.values())

    def why(source_key: str) -> str:
        if not naming.takes_key(source_key):
            return "its key is not among those that are synced"
        return "its tags are not among those that are synced" if source_key in untagged else ""

    return why


def _wanted(sync: DevinSync, desired: Desired, known: Sequence[Known]) -> list[DesiredSecret]:
    prints, origins, words = fingerprints_of(sync, desired, known), desired.origins, desired.words
    return [
        DesiredSecret(key, secret.key, prints[key], origins[key], words.get(key, ""))
        for key, secret in desired.secrets.items()
    ]


def plan_removal(sync: DevinSync, destination: Destination, existing: Sequence[RemoteSecret]) -> Plan:
    known, is_ours = known_secrets(sync, destination), OwnTag(sync)
    others = _others(sync, destination, existing, known, is_ours)
    plan = build_removal(known, existing, others=others, is_ours=is_ours)
    asking = with_wanters(others, sync, destination, keys={delete.destination_key for delete in plan.deletes})
    return plan if asking is others else build_removal(known, existing, others=asking, is_ours=is_ours)


def _others(
    sync: DevinSync,
    destination: Destination,
    existing: Sequence[RemoteSecret],
    known: Iterable[Known],
    own_tag: OwnTag,
) -> Others:
    own_ids = {entry.secret_id for entry in known}
    return others_of(sync, destination, existing, instance=own_tag.instance, own_ids=own_ids)


def decisions_of(sync: DevinSync, destination: Destination) -> dict[str, Decision]:
    rows = StrangerDecision.objects.filter(sync_id=sync.pk, destination_id=destination.pk)
    return {secret_id: Decision(word) for secret_id, word in rows.values_list("secret_id", "decision")}


def _let_go(plan: Plan, known: Iterable[Known], desired: Collection[str]) -> set[str]:
    """The keys that this sync would delete, or holds without wanting them: perhaps another one does."""
    doomed = {delete.destination_key for delete in (*plan.deletes, *plan.asked) if not delete.is_duplicate}
    renamed = {key for change in plan.renames for key in change.former_keys}
    return doomed | renamed | {entry.destination_key for entry in known if entry.destination_key not in desired}
