"""An organization's own rules, without HTTP: keys, ids, positions, and what a listener hears."""

import hashlib
import threading
from typing import Any

import pytest

from sandbox.organization import Duplicates, KeyTaken, Organization, Secret, SecretMissing, ValueRefused, digest


@pytest.fixture
def heard() -> list[tuple[str, str | None]]:
    return []


@pytest.fixture
def organization(heard: list[tuple[str, str | None]]) -> Organization:
    return Organization("org-1", listener=lambda organization, event, secret: heard.append((event, secret.key)))


def keys(organization: Organization) -> list[str | None]:
    return [secret.key for secret in organization.secrets()]


@pytest.mark.parametrize("duplicates", [Duplicates.REJECT_409, Duplicates.REJECT_422])
def test_a_taken_key_is_refused_and_free_again_once_it_is_deleted(
    organization: Organization, duplicates: Duplicates
) -> None:
    first = organization.create(key="A", value="1", duplicates=duplicates)
    with pytest.raises(KeyTaken):
        organization.create(key="A", value="2", duplicates=duplicates)

    organization.delete(first.secret_id)

    assert organization.create(key="A", value="2", duplicates=duplicates).value == "2"


def test_a_key_is_free_again_once_its_secret_has_another(organization: Organization) -> None:
    secret = organization.create(key="A", value="1")

    organization.change(secret.secret_id, key="B")

    assert organization.create(key="A", value="2").key == "A"
    with pytest.raises(KeyTaken):
        organization.create(key="B", value="3")


def test_overwriting_takes_the_place_of_every_secret_of_the_organization_with_that_key(
    organization: Organization,
) -> None:
    organization.put(key="A", value="1")
    organization.put(key="A", value="2")
    personal = organization.put(key="A", value="3", access_type="personal")

    created = organization.create(key="A", value="4", duplicates=Duplicates.OVERWRITE)

    assert organization.secrets() == [personal, created]


def test_a_secret_put_under_an_id_that_is_there_takes_its_place(organization: Organization) -> None:
    organization.put(key="A", secret_id="secret-1")
    organization.put(key="B")

    organization.put(key="C", secret_id="secret-1")

    assert keys(organization) == ["B", "C"], "the newest stands last, as its position says"
    assert [secret.position for secret in organization.secrets()] == [2, 3]
    assert organization.with_key("A") == []
    assert organization.create(key="A", value="v").key == "A"


def test_secrets_without_a_key_stand_beside_each_other(organization: Organization) -> None:
    first, second = organization.put(key=None), organization.put(key=None)

    organization.delete(first.secret_id)

    assert organization.secrets() == [second]
    assert organization.values() == {}


def test_refused_keys_stay_refused_until_accepted_or_cleared(organization: Organization) -> None:
    organization.refuse_value("A")
    with pytest.raises(ValueRefused):
        organization.create(key="A", value="1", duplicates=Duplicates.ALLOW)
    organization.accept_value("B")
    with pytest.raises(ValueRefused):
        organization.create(key="A", value="1")

    organization.clear()

    assert organization.create(key="A", value="1").key == "A"


def test_a_refused_value_costs_no_secret_that_is_there(organization: Organization) -> None:
    old = organization.create(key="A", value="1")
    organization.refuse_value("A")

    with pytest.raises(ValueRefused):
        organization.create(key="A", value="2", duplicates=Duplicates.OVERWRITE)

    assert organization.secrets() == [old]


@pytest.mark.parametrize("verb", ["get", "delete", "change"])
def test_what_is_not_there_is_missing(organization: Organization, verb: str) -> None:
    with pytest.raises(SecretMissing, match="secret-none"):
        getattr(organization, verb)("secret-none")


CHANGES: list[Any] = [
    pytest.param({"note": "other"}, {"note": "other"}, id="a note"),
    pytest.param({"value": "new"}, {"sha256": digest("new")}, id="a value, with its digest"),
    pytest.param({"updated_at": 7}, {"updated_at": 7}, id="a time of one's own"),
    pytest.param({"updated_at": None}, {"updated_at": None}, id="no time at all"),
]


@pytest.mark.parametrize(("fields", "expected"), CHANGES)
def test_a_change_moves_what_it_names(
    organization: Organization, fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    old = organization.put(key="A", value="v", created_at=1_000)

    new = organization.change(old.secret_id, **fields)

    assert {name: getattr(new, name) for name in expected} == expected
    assert (new.secret_id, new.position, new.created_at) == (old.secret_id, old.position, 1_000)


def test_each_change_has_a_later_time_than_the_one_before(organization: Organization) -> None:
    secret = organization.put(key="A", created_at=4_000_000_000)

    times = [organization.change(secret.secret_id, note=str(number)).updated_at for number in range(3)]

    assert times == [4_000_000_001, 4_000_000_002, 4_000_000_003]


def test_a_key_that_stands_twice_is_no_set_of_values(organization: Organization) -> None:
    organization.put(key="A", value="1", access_type="personal")
    organization.put(key="A", value="2")
    assert organization.values() == {"A": "2"}

    organization.put(key="A", value="3")

    with pytest.raises(AssertionError, match="holds the key A twice"):
        organization.values()


def test_a_listener_hears_each_change_in_order(organization: Organization, heard: list[tuple[str, str | None]]) -> None:
    first = organization.create(key="A", value="1")
    organization.change(first.secret_id, key="B")
    organization.create(key="B", value="2", duplicates=Duplicates.OVERWRITE)
    organization.clear()

    assert heard == [("put", "A"), ("put", "B"), ("removed", "B"), ("put", "B"), ("removed", "B")]


def test_of_many_creates_of_one_key_at_once_exactly_one_gets_through(organization: Organization) -> None:
    outcomes: list[str] = []
    start = threading.Barrier(8)

    def create() -> None:
        start.wait()
        try:
            organization.create(key="A", value="v")
            outcomes.append("created")
        except KeyTaken:
            outcomes.append("taken")

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["created"] + ["taken"] * 7


def test_an_item_holds_all_but_the_value(organization: Organization) -> None:
    secret = organization.put(key="A", value="canary-value", note="n", secret_type="totp", access_type="personal")

    item = secret.as_item()

    assert item["secret_type"] == "totp"
    assert set(item) == {
        *("secret_id", "key", "note", "is_sensitive", "created_by", "created_at", "updated_by", "updated_at"),
        *("secret_type", "access_type"),
    }
    assert "canary" not in repr(item) + repr(secret)


def test_a_digest_is_that_of_the_bytes_even_of_half_a_surrogate_pair() -> None:
    assert digest("ä") == hashlib.sha256("ä".encode()).hexdigest()
    assert digest("\ud800") != digest("?")


def test_an_organization_without_a_name_has_its_id_for_one() -> None:
    assert Organization("org-1").name == "org-1"
    assert Organization("org-1", "Acme").name == "Acme"


def test_values_do_not_count_when_secrets_are_compared() -> None:
    one = Secret(secret_id="s", key="A", note=None, created_at=1, value="1", sha256="d")

    assert one == Secret(secret_id="s", key="A", note=None, created_at=1, sha256="d")
