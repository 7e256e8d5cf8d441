"""The planner's manual: source × destination × ledger × options → changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connections.devin.types import RemoteSecret
from sandbox.organization import Duplicates
from syncs.choices import Decision, Strangers
from syncs.engine.changes import (
    Create,
    Delete,
    DesiredSecret,
    HandOver,
    Known,
    Options,
    Others,
    Plan,
    Rename,
    Replace,
    Wanter,
)
from syncs.engine.guard import Confirmation, Limits, check
from syncs.engine.plan import build_plan, build_removal
from syncs.errors import Blocked

NOTE = "Synced by DevinSync"


def there(key: str | None, secret_id: str = "", **fields: Any) -> RemoteSecret:
    """A secret that Devin lists; by default one that nobody touched since this sync wrote it."""
    given = {"note": NOTE, "is_sensitive": True, "secret_type": "key-value", "access_type": "org"}
    given |= {"created_at": 100, "updated_at": None} | fields
    return RemoteSecret(secret_id=secret_id or f"id-{key}", key=key, **given)  # type: ignore[arg-type]


def wrote(key: str, value: str = "1", **fields: Any) -> Known:
    """The ledger's row of a secret that this sync wrote."""
    row = Known(
        destination_key=key,
        source_key=key,
        secret_id=f"id-{key}",
        fingerprint=print_of(key, value),
        note=NOTE,
        secret_type="key-value",
        is_sensitive=True,
        modified_at=100,
    )
    return replace(row, **fields)


def adopted(key: str) -> Known:
    """The ledger's row of a secret that a person put there."""
    return wrote(key, fingerprint="", is_adopted=True)


WANTED = Others(wanters={"A": Wanter(UUID(int=1), "theirs", "A")})


def print_of(key: str, value: str) -> str:
    return f"fingerprint of {key} and {value}"


def wanted(source: Mapping[str, str]) -> list[DesiredSecret]:
    return [DesiredSecret(key, key, print_of(key, value)) for key, value in source.items()]


def matches(prefix: str = "") -> Any:
    return lambda key: key.startswith(prefix)


def plan_for(
    source: Mapping[str, str],
    destination: Sequence[RemoteSecret] = (),
    ledger: Sequence[Known] = (),
    *,
    schema: str = "",
    others: Others | None = None,
    ours: Sequence[str] = (),
    **options: Any,
) -> Plan:
    return build_plan(
        wanted(source),
        destination,
        ledger,
        options=Options(matches=matches(schema), **options),
        others=others,
        is_ours=lambda secret: secret.secret_id in ours,
    )


def words(plan: Plan) -> list[str]:
    """`create A`, `replace A id-A`, `delete A id-A`, in the plan's order."""
    said = []
    for change in plan.changes:
        match change:
            case Create():
                said.append(f"create {change.destination_key}")
            case Replace():
                said.append(f"replace {change.destination_key} {' '.join(change.old_ids)}")
            case Rename():
                said.append(f"rename {' '.join(change.former_keys)} to {change.destination_key}")
            case HandOver():
                said.append(f"hand over {change.destination_key} {change.secret_id}")
            case Delete():
                said.append(f"delete {change.destination_key} {change.secret_id}")
    return said


def writes(plan: Plan) -> list[Create | Replace | Rename]:
    return list(plan.writes)


TABLE: dict[str, tuple[dict[str, str], list[RemoteSecret], list[Known], dict[str, Any], list[str]]] = {
    # The key is absent
    "a new secret is created": ({"A": "1"}, [], [], {}, ["create A"]),
    "a secret that was deleted in Devin is created again": ({"A": "1"}, [], [wrote("A")], {}, ["create A"]),
    "a personal secret of the same key leaves the key absent": (
        {"A": "1"}, [there("A", access_type="personal")], [], {}, ["create A"],
    ),
    # The key is there
    "a known secret that nobody touched is kept": ({"A": "1"}, [there("A")], [wrote("A")], {}, []),
    "a changed value is replaced": ({"A": "2"}, [there("A")], [wrote("A")], {}, ["replace A id-A"]),
    "a secret whose value is unknown is replaced": ({"A": "1"}, [there("A")], [], {}, ["replace A id-A"]),
    "a secret with another id than ours is replaced": (
        {"A": "1"}, [there("A", "other")], [wrote("A")], {}, ["replace A other"],
    ),
    "an edited note is replaced": ({"A": "1"}, [there("A", note="mine now")], [wrote("A")], {}, ["replace A id-A"]),
    "a secret updated in Devin is replaced": (
        {"A": "1"}, [there("A", updated_at=101)], [wrote("A")], {}, ["replace A id-A"],
    ),
    "a secret made readable in Devin is replaced": (
        {"A": "1"}, [there("A", is_sensitive=False)], [wrote("A")], {}, ["replace A id-A"],
    ),
    "a TOTP secret of a desired key is replaced": (
        {"A": "1"}, [there("A", secret_type="totp")], [], {}, ["replace A id-A"],
    ),
    "a secret whose type changed is replaced": (
        {"A": "1"}, [there("A", secret_type="cookie")], [wrote("A")], {}, ["replace A id-A"],
    ),
    "all of several unknown secrets of a key are replaced by one": (
        {"A": "1"}, [there("A", "x"), there("A", "y")], [], {}, ["replace A x y"],
    ),
    "of several secrets of a key the known one is kept and the others deleted": (
        {"A": "1"}, [there("A", "x"), there("A"), there("A", "y")], [wrote("A")], {}, ["delete A x", "delete A y"],
    ),
    # The key is not desired
    "a stranger's secret in scope is deleted": ({}, [there("A")], [], {}, ["delete A id-A"]),
    "TOTP and cookie secrets in scope are deleted too": (
        {}, [there("A", secret_type="totp"), there("B", secret_type="cookie")], [], {},
        ["delete A id-A", "delete B id-B"],
    ),
    "a personal secret is left alone": ({}, [there("A", access_type="personal")], [], {}, []),
    "a personal secret is left alone even if its id was ours": (
        {}, [there("A", access_type="personal")], [wrote("A")], {}, [],
    ),
    "a secret without a key is left alone": ({}, [there(None), there("", "empty")], [], {}, []),
    "a secret of a type that DevinSync does not know is left alone": (
        {}, [there("A", secret_type="passkey")], [], {}, [],
    ),
    "a secret of such a type keeps its key, even where ours stands beside it": (
        {"A": "2", "B": "1"}, [there("A", secret_type="passkey"), there("B"), there("B", "x", secret_type="passkey")],
        [wrote("A"), wrote("B")], {}, [],
    ),
    "a secret that does not match the key schema is left alone": ({}, [there("A")], [], {"schema": "P_"}, []),
    "a secret that matches the key schema is deleted": (
        {}, [there("P_A")], [], {"schema": "P_"}, ["delete P_A id-P_A"],
    ),
    "a managed secret of a key schema before this is deleted": (
        {"P_A": "1"}, [there("B")], [wrote("B")], {"schema": "P_"}, ["create P_A", "delete B id-B"],
    ),
    "a secret with our tag that the ledger lacks is deleted": (
        {}, [there("A", "late")], [], {"schema": "P_", "ours": ["late"]}, ["delete A late"],
    ),
    "a managed secret renamed in Devin is deleted and created under its own key": (
        {"A": "1"}, [there("RENAMED", "id-A")], [wrote("A")], {"schema": "A"}, ["create A", "delete RENAMED id-A"],
    ),
    "with disabled deletion nothing undesired is deleted": (
        {}, [there("A"), there("B")], [wrote("A")], {"disable_deletion": True}, [],
    ),
    "with disabled deletion a changed value is replaced all the same": (
        {"A": "2"}, [there("A")], [wrote("A")], {"disable_deletion": True}, ["replace A id-A"],
    ),
    "where strangers are left alone, only a secret of ours is deleted": (
        {}, [there("A"), there("B")], [wrote("A")], {"strangers": Strangers.LEAVE}, ["delete A id-A"],
    ),
    "where a person is asked, a stranger's secret is not deleted": (
        {}, [there("A"), there("B")], [wrote("A")], {"strangers": Strangers.ASK}, ["delete A id-A"],
    ),
    "what a person said to delete is deleted": (
        {}, [there("A"), there("B")], [], {"strangers": Strangers.ASK, "decisions": {"id-B": Decision.DELETE}},
        ["delete B id-B"],
    ),
    "what a person said to leave is left, whatever the option says": (
        {}, [there("A"), there("B")], [], {"strangers": Strangers.DELETE, "decisions": {"id-B": Decision.LEAVE}},
        ["delete A id-A"],
    ),
    "a stranger's secret whose key is desired is replaced, whatever the option says": (
        {"A": "1"}, [there("A")], [], {"strangers": Strangers.LEAVE}, ["replace A id-A"],
    ),
    "an adopted secret stays although the source lacks it": ({}, [there("A")], [adopted("A")], {}, []),
    "an adopted secret is replaced once the source has its key": (
        {"A": "1"}, [there("A")], [adopted("A")], {}, ["replace A id-A"],
    ),
    # Renames
    "a secret of another key schema is renamed": (
        {"P_A": "1"}, [there("A")], [wrote("A", source_key="P_A")], {"schema": "P_"}, ["rename A to P_A"],
    ),
    "a secret of the same value under another key is renamed": (
        {"B": "1"}, [there("A")], [wrote("A")], {"renamed": {"A": "B"}}, ["rename A to B"],
    ),
    "only the deletion is left of a rename whose new secret stands": (
        {"B": "1"}, [there("A"), there("B")], [wrote("A", renamed_to="B"), wrote("B")], {}, ["rename A to B"],
    ),
    "a rename replaces a stranger of the new key": (
        {"B": "1"}, [there("A"), there("B")], [wrote("A")], {"renamed": {"A": "B"}}, ["rename A to B"],
    ),
    "with disabled deletion a renamed secret stays beside the new one": (
        {"B": "1"}, [there("A")], [wrote("A")], {"renamed": {"A": "B"}, "disable_deletion": True}, ["create B"],
    ),
    "the former name of a key that is refused waits": (
        {"B": "1", "C": "1"}, [there("A"), there("D")], [wrote("A"), wrote("D")],
        {"renamed": {"A": "B"}, "others": Others({"B": "theirs"})}, ["create C", "delete D id-D"],
    ),
    # Other syncs
    "a key that another sync manages is not written": (
        {"A": "1"}, [there("A")], [], {"others": Others({"A": "theirs"}, frozenset({"id-A"}))}, [],
    ),
    "a secret that another sync manages is not deleted": (
        {}, [there("A")], [], {"others": Others({"A": "theirs"}, frozenset({"id-A"}))}, [],
    ),
    "what another sync wants is handed over": (
        {}, [there("A")], [wrote("A")], {"others": WANTED}, ["hand over A id-A"],
    ),
    "what another sync wants is handed over although it was renamed here": (
        {"B": "1"}, [there("A")], [wrote("A")], {"others": WANTED, "renamed": {"A": "B"}},
        ["create B", "hand over A id-A"],
    ),
    "what another sync wants is handed over although deletion is disabled": (
        {}, [there("A")], [wrote("A")], {"others": WANTED, "disable_deletion": True}, ["hand over A id-A"],
    ),
    "a stranger's secret that another sync wants is left to that": ({}, [there("A")], [], {"others": WANTED}, []),
    # Doubts about values
    "repush writes a known secret again": (
        {"A": "1"}, [there("A")], [wrote("A")], {"repush_all": True}, ["replace A id-A"],
    ),
    "repush writes each secret once a run": (
        {"A": "1"}, [there("A")], [wrote("A")], {"repush_all": True, "repushed": ["A"]}, [],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("source", "destination", "ledger", "options", "changes"), TABLE.values(), ids=TABLE)
def test_table(
    source: dict[str, str],
    destination: list[RemoteSecret],
    ledger: list[Known],
    options: dict[str, Any],
    changes: list[str],
) -> None:
    assert words(plan_for(source, destination, ledger, **options)) == changes


# What a change says of itself


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        (there("A", secret_type="totp"), "its type is totp"),
        (there("A", note=None), "its note was edited"),
        (there("A", is_sensitive=False), "its sensitivity was changed"),
        (there("A", updated_at=200), "it was updated in Devin"),
        (there("A", note="x", updated_at=200), "its note was edited, it was updated in Devin"),
        (there("A", "other"), "it was replaced in Devin"),
    ],
)
def test_drift_says_what_differs(secret: RemoteSecret, reason: str) -> None:
    (change,) = plan_for({"A": "1"}, [secret], [wrote("A")]).replaces

    assert change.reason == reason
    assert change.is_drift


def test_a_deletion_in_devin_is_drift() -> None:
    (change,) = plan_for({"A": "1"}, [], [wrote("A")]).creates

    assert (change.reason, change.is_drift) == ("it was deleted in Devin", True)


def test_a_new_value_is_no_drift() -> None:
    plan = plan_for({"A": "2", "B": "1"}, [there("A", updated_at=200)], [wrote("A")])

    assert not any(change.is_drift for change in writes(plan))


def test_a_strangers_secret_is_marked_as_such() -> None:
    plan = plan_for({"A": "1", "B": "2"}, [there("A"), there("B"), there("C"), there("D")], [wrote("B"), wrote("D")])

    assert {change.destination_key: change.is_stranger for change in plan.replaces} == {"A": True, "B": False}
    assert {change.destination_key: change.is_stranger for change in plan.deletes} == {"C": True, "D": False}
    assert [change.destination_key for change in plan.stranger_deletes] == ["C"]


def test_a_replaced_totp_secret_is_named_first() -> None:
    (change,) = plan_for({"A": "1"}, [there("A", "x"), there("A", "y", secret_type="totp")]).replaces

    assert change.old_type == "totp"


def test_a_refused_key_names_the_sync_that_manages_it() -> None:
    (refusal,) = plan_for({"A": "1"}, others=Others({"A": "theirs"})).refusals

    assert refusal.reason == "the sync “theirs” manages this key in the same organization"


def test_a_ledger_row_without_secret_is_forgotten() -> None:
    plan = plan_for({"KEPT": "1"}, [], [wrote("GONE"), wrote("KEPT")])

    assert plan.forgotten == ("GONE",)


def test_a_ledger_row_is_forgotten_when_its_key_is_somebody_elses_now() -> None:
    plan = plan_for({}, [there("A", "stranger")], [wrote("A")], schema="P_")

    assert plan.is_empty
    assert plan.forgotten == ("A",)


def test_warns_of_keys_that_sessions_see_under_another_name() -> None:
    assert "Devin shows it to its sessions as A_B" in plan_for({"A-B": "1"}).warnings[0]


def test_counts_and_prints_itself() -> None:
    plan = plan_for({"A": "1", "B": "2", "C": "1"}, [there("B"), there("C"), there("D")], [wrote("B"), wrote("C")])

    assert plan.counts == {"create": 1, "replace": 1, "delete": 1, "keep": 1}
    assert str(plan) == "1 to create, 1 to replace, 1 to delete, 1 to keep"
    assert (plan.in_scope_count, plan.source_count) == (3, 3)


# The plan's promises


def test_the_same_input_again_gives_an_empty_plan() -> None:
    assert plan_for({"A": "1", "B": "2"}, [there("A"), there("B")], [wrote("A"), wrote("B", "2")]).is_empty


def test_nothing_out_of_scope_is_touched() -> None:
    destination = [
        there("OTHER"),
        there("P_X", "personal", access_type="personal"),
        there(None, "keyless"),
        there("P_Y", "theirs"),
        there("P_Z", "newfangled", secret_type="passkey"),
    ]

    plan = plan_for({"P_A": "1"}, destination, schema="P_", others=Others({"P_Y": "theirs"}, frozenset({"theirs"})))

    assert words(plan) == ["create P_A"]


def test_deletes_past_the_limit_block_the_plan_unless_confirmed() -> None:
    plan = plan_for({}, [there(f"K{number}") for number in range(11)])
    plan = replace(plan, source_count=1)

    with pytest.raises(Blocked, match="deletes 11 of 11 secrets"):
        check(plan, limits=Limits(), confirmation=Confirmation())
    check(plan, limits=Limits(), confirmation=Confirmation(any_deletion=True))


def test_order_is_create_replace_delete_then_key() -> None:
    plan = plan_for({"B": "1", "A": "1", "D": "2", "C": "2"}, [there("F"), there("D"), there("E"), there("C")])

    assert words(plan) == [
        "create A", "create B", "replace C id-C", "replace D id-D", "delete E id-E", "delete F id-F",
    ]  # fmt: skip


def test_a_plan_prints_no_value() -> None:
    canary = "canary-2f8a"
    plan = build_plan(
        [DesiredSecret("A", "A", "fingerprint")], [there("B")], [], options=Options(matches=matches()), others=None
    )

    assert canary not in f"{plan!r} {plan}"
    assert not {"value", "values"} & {name for change in plan.changes for name in vars(change)}


def test_the_digest_names_the_plan_whatever_the_order_of_the_list() -> None:
    destination = [there("B"), there("C")]
    plan = plan_for({"A": "1"}, destination)

    assert plan.digest == plan_for({"A": "1"}, destination[::-1]).digest
    assert plan.digest != plan_for({"A": "1"}, destination[:1]).digest


# Removal


def test_a_removal_deletes_what_the_sync_wrote_and_nothing_else() -> None:
    destination = [there("A"), there("B", "stranger"), there("LATE", "late"), there("C", "new-id")]

    plan = build_removal([wrote("A"), wrote("C")], destination, is_ours=lambda secret: secret.secret_id == "late")

    assert words(plan) == ["delete A id-A", "delete LATE late"]
    assert plan.forgotten == ("C",)


# Carried out on a model of the destination


@dataclass
class Model:
    """A destination and a ledger that a plan can be carried out on, in the way of `apply`, with nothing going wrong."""

    duplicates: Duplicates
    secrets: dict[str, RemoteSecret]
    values: dict[str, str]
    ledger: dict[str, Known]
    written: int = 0
    touched: set[str] = field(default_factory=set)

    def carry_out(self, plan: Plan, source: Mapping[str, str]) -> None:
        for change in writes(plan):
            if not (isinstance(change, Rename) and change.is_written):
                self.write(change, source[change.destination_key])
            for former in change.former_ids if isinstance(change, Rename) else ():
                self.delete(former)
        for delete in plan.deletes:
            self.delete(delete.secret_id)
        for key in plan.forgotten:
            self.ledger.pop(key, None)

    def write(self, change: Create | Replace | Rename, value: str) -> None:
        key = change.destination_key
        old_ids = () if isinstance(change, Create) else change.old_ids
        held = [one.secret_id for one in self.secrets.values() if one.key == key and one.access_type == "org"]
        assert set(held) == set(old_ids)
        if self.duplicates is not Duplicates.ALLOW:
            for old in old_ids:
                self.delete(old)
        self.written += 1
        secret = there(key, f"written-{self.written}", note="ours")
        self.secrets[secret.secret_id], self.values[secret.secret_id] = secret, value
        for old in set(old_ids) & self.secrets.keys():
            self.delete(old)
        self.ledger[key] = wrote(key, value, secret_id=secret.secret_id, note="ours")

    def delete(self, secret_id: str) -> None:
        del self.secrets[secret_id]
        self.touched.add(secret_id)
        self.ledger = {key: row for key, row in self.ledger.items() if row.secret_id != secret_id}

    def seen(self, keys: Sequence[str]) -> dict[str, list[str]]:
        """The values that stand under each key."""
        return {
            key: [self.values[one.secret_id] for one in self.secrets.values() if one.key == key and is_org(one)]
            for key in keys
        }


def is_org(secret: RemoteSecret) -> bool:
    return secret.access_type == "org"


KEYS = ["P_A", "P_B", "P_C", "OTHER"]
sources = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["1", "2"]))
remotes = st.builds(
    there,
    st.sampled_from([*KEYS, None]),
    note=st.sampled_from([NOTE, "ours", None]),
    secret_type=st.sampled_from(["key-value", "key-value", "totp", "cookie", "passkey"]),
    access_type=st.sampled_from(["org", "org", "org", "personal"]),
    updated_at=st.sampled_from([None, 100, 200]),
)
ledgers = st.dictionaries(
    st.sampled_from(KEYS),
    st.tuples(st.sampled_from(["id-0", "id-1", "id-2", "gone"]), st.sampled_from(["1", "2"])),
)


@dataclass
class World:
    """Any source, organization, ledger, options and neighbours; `model` is what they make."""

    source: dict[str, str]
    found: list[RemoteSecret]
    others: Others
    options: dict[str, Any]
    model: Model

    def plan(self) -> Plan:
        secrets = list(self.model.secrets.values())
        ours = [one.secret_id for one in secrets if one.note == "ours" and one.secret_id not in self.others.secret_ids]
        ledger = list(self.model.ledger.values())
        return plan_for(self.source, secrets, ledger, others=self.others, ours=ours, **self.options)

    @property
    def own_source(self) -> dict[str, str]:
        unknown = {one.key for one in self.found if is_org(one) and one.secret_type == "passkey"}
        refused = unknown | self.others.names_by_key.keys()
        return {key: value for key, value in self.source.items() if key not in refused}


@st.composite
def worlds(draw: st.DrawFn, duplicates: Duplicates) -> World:
    found = [replace(one, secret_id=f"id-{number}") for number, one in enumerate(draw(st.lists(remotes, max_size=6)))]
    org_keys = sorted({one.key for one in found if one.key and is_org(one)})
    theirs = draw(st.sets(st.sampled_from(org_keys), max_size=1)) if org_keys else set()
    their_ids = frozenset(one.secret_id for one in found if one.key in theirs and is_org(one))
    # A secret in Devin has one row at most: it stands there with the value that was written last.
    drawn = {key if row[0] == "gone" else row[0]: (key, row) for key, row in draw(ledgers).items()}
    rows = {key: row for key, row in drawn.values() if key not in theirs and row[0] not in their_ids}
    ledger = {key: wrote(key, value, secret_id=secret_id) for key, (secret_id, value) in rows.items()}
    values = {one.secret_id: "?" for one in found} | dict(rows.values())
    options = {
        "schema": draw(st.sampled_from(["", "P_"])),
        "disable_deletion": draw(st.booleans()),
        "strangers": draw(st.sampled_from(Strangers)),
    }
    model = Model(duplicates, {one.secret_id: one for one in found}, values, ledger)
    return World(draw(sources), found, Others(dict.fromkeys(theirs, "theirs"), their_ids), options, model)


@pytest.mark.parametrize("duplicates", Duplicates)
@given(data=st.data())
def test_a_plan_carried_out_gives_the_source_and_then_an_empty_plan(
    duplicates: Duplicates, data: st.DataObject
) -> None:
    world = data.draw(worlds(duplicates))

    world.model.carry_out(world.plan(), world.source)

    mine = world.own_source
    assert world.model.seen(list(mine)) == {key: [value] for key, value in mine.items()}
    again = world.plan()
    assert (again.is_empty, again.forgotten) == (True, ())
    assert {keep.destination_key for keep in again.keeps} == mine.keys()


@given(data=st.data())
def test_leaves_alone_what_is_not_its_own(data: st.DataObject) -> None:
    world = data.draw(worlds(Duplicates.ALLOW))

    world.model.carry_out(world.plan(), world.source)

    others = world.others.secret_ids
    untouchable = {
        one.secret_id
        for one in world.found
        if not is_org(one) or not one.key or one.secret_type == "passkey" or one.secret_id in others
    }
    assert not world.model.touched & untouchable
