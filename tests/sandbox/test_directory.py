"""Organizations and API keys: what a key opens, and what stays after a reset."""

import pytest

from sandbox.directory import DEFAULT_KEY, DEFAULT_ORGANIZATION, MANAGE_SECRETS, ApiKey, Directory


@pytest.fixture
def directory() -> Directory:
    return Directory()


REACHES = [
    pytest.param({}, DEFAULT_ORGANIZATION, True, id="its own organization"),
    pytest.param({}, "org-other", False, id="another one"),
    pytest.param({"org_id": None}, "org-other", True, id="any, being of the whole enterprise"),
    pytest.param({"permissions": frozenset()}, DEFAULT_ORGANIZATION, False, id="none, without a permission"),
    pytest.param({"permissions": frozenset({"Other"})}, DEFAULT_ORGANIZATION, False, id="none, with another one"),
    pytest.param({"org_id": None, "permissions": frozenset()}, "org-other", False, id="none, though of the enterprise"),
]


@pytest.mark.parametrize(("fields", "org_id", "reaches"), REACHES)
def test_a_key_reaches(fields: dict[str, object], org_id: str, reaches: bool) -> None:
    key = ApiKey(token="cog_1", **fields)  # type: ignore[arg-type]

    assert key.reaches(org_id) is reaches


@pytest.mark.parametrize(("principal_type", "kind"), [("service_user", "service_user"), ("pat_user", "user")])
def test_a_key_tells_whom_it_belongs_to_without_telling_itself(principal_type: str, kind: str) -> None:
    key = ApiKey(token="cog_canary", name="Bot", principal_type=principal_type)

    told = key.as_self()

    assert told[f"{kind}_name"] == "Bot"
    assert str(told[f"{kind}_id"]).startswith(principal_type.replace("_", "-"))
    assert "canary" not in repr(told) + repr(key)


def test_a_principal_keeps_its_id_when_its_key_gets_other_rights(directory: Directory) -> None:
    before = directory.declare_key("cog_1", org_id="org-1")
    after = directory.declare_key("cog_1", org_id=None, permissions=[])

    assert before.principal_id == after.principal_id
    assert directory.key_for("cog_1") == after


def test_declaring_an_organization_again_keeps_its_secrets(directory: Directory) -> None:
    first = directory.declare_organization("org-1", "First")
    first.put(key="A")

    again = directory.declare_organization("org-1", "Second")

    assert again is first
    assert (again.name, len(again.secrets())) == ("First", 1)


def test_a_revoked_key_opens_nothing_and_revoking_twice_is_no_error(directory: Directory) -> None:
    directory.revoke_key(DEFAULT_KEY)
    directory.revoke_key(DEFAULT_KEY)

    assert directory.key_for(DEFAULT_KEY) is None


def test_a_reset_empties_organizations_and_gives_the_default_key_its_rights_back(directory: Directory) -> None:
    directory.declare_key("cog_1", org_id="org-1")
    directory.declare_organization("org-1").put(key="A")
    directory.declare_key(DEFAULT_KEY, permissions=[])

    directory.reset()

    default = directory.key_for(DEFAULT_KEY)
    assert default is not None
    assert default.permissions == {MANAGE_SECRETS}
    assert [(one.org_id, len(one.secrets())) for one in directory.organizations()] == [
        (DEFAULT_ORGANIZATION, 0),
        ("org-1", 0),
    ]
    assert directory.key_for("cog_1") is not None


def test_no_token_is_no_key(directory: Directory) -> None:
    assert directory.key_for("") is None
    assert directory.find("org-none") is None
