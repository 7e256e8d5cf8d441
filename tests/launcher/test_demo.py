"""What the demo tells once it is up."""

from demo import fleet
from launcher.demo import API_KEY, FLEET_CONNECTION, FLEET_KEY, ORGANIZATION, fleet_arguments, what_to_try
from sandbox.__main__ import build_sandbox, read_arguments
from sandbox.directory import DEFAULT_KEY, DEFAULT_ORGANIZATION


def test_tells_the_key_and_the_organization_that_the_sandbox_starts_with() -> None:
    assert (API_KEY, ORGANIZATION) == (DEFAULT_KEY, DEFAULT_ORGANIZATION)


def test_says_in_three_lines_what_to_try() -> None:
    lines = what_to_try("http://site.example/admin/", "http://sandbox.example")

    assert [line[:5] for line in lines] == ["Try 1", "Try 2", "Try 3"]
    assert "http://sandbox.example/orgs/org-sandbox" in lines[0]
    assert "http://site.example/admin/" in lines[2]
    assert not [line for line in lines if "\n" in line]


def test_names_the_connection_and_the_key_that_the_fleet_is_made_with() -> None:
    assert (FLEET_CONNECTION, FLEET_KEY) == (fleet.CONNECTION, fleet.API_KEY)


def test_a_fleet_is_twelve_organizations_each_with_a_name_and_one_key_for_all() -> None:
    directory = build_sandbox(read_arguments(["--port", "0", *fleet_arguments()])).directory

    organizations = directory.organizations()
    key = directory.key_for(FLEET_KEY)
    assert len({one.name for one in organizations}) == 12
    assert all(one.name != one.org_id for one in organizations)
    assert key is not None
    assert key.lists_organizations
    assert all(key.reaches(one.org_id) for one in organizations)


def test_says_what_to_try_with_a_fleet_after_the_rest() -> None:
    at = ("http://site.example/admin/", "http://sandbox.example")

    lines = what_to_try(*at, is_fleet=True)

    assert lines[:3] == what_to_try(*at)
    assert "http://site.example/admin/syncs/devinsync/add/" in lines[3]
    assert "http://sandbox.example/add" in lines[4]
