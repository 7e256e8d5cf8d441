"""What the demo tells once it is up."""

from launcher.demo import API_KEY, ORGANIZATION, what_to_try
from sandbox.directory import DEFAULT_KEY, DEFAULT_ORGANIZATION


def test_tells_the_key_and_the_organization_that_the_sandbox_starts_with() -> None:
    assert (API_KEY, ORGANIZATION) == (DEFAULT_KEY, DEFAULT_ORGANIZATION)


def test_says_in_three_lines_what_to_try() -> None:
    lines = what_to_try("http://site.example/admin/", "http://sandbox.example")

    assert [line[:5] for line in lines] == ["Try 1", "Try 2", "Try 3"]
    assert "http://sandbox.example/orgs/org-sandbox" in lines[0]
    assert "http://site.example/admin/" in lines[2]
    assert not [line for line in lines if "\n" in line]
