"""Which organizations a set takes, and what they are called in paths and keys."""

import pytest

from fleets.choices import Selection
from fleets.selecting import Reached, normal_lines, select
from fleets.slugs import fill, free_slug, slug_of
from syncs.errors import InvalidKeySchema

ACME, ACME_2, BETA = Reached("Acme", "org-acme"), Reached("ACME", "org-acme2"), Reached("Beta Corp", "org-beta")
# One that calls itself like the id of another.
IMPOSTOR = Reached("org-acme", "org-impostor")
KNOWN = [BETA, ACME, ACME_2, IMPOSTOR]


@pytest.mark.parametrize(
    ("selection", "chosen", "exceptions", "taken"),
    [
        (Selection.ALL, "", "", ["org-acme2", "org-acme", "org-beta", "org-impostor"]),
        (Selection.ALL, "", "beta*", ["org-acme2", "org-acme", "org-impostor"]),
        (Selection.ALL, "", "acme", ["org-beta", "org-impostor"]),
        (Selection.ALL, "", "org-acme", ["org-acme2", "org-beta", "org-impostor"]),
        (Selection.LISTED, "org-acme\norg-beta", "", ["org-acme", "org-beta"]),
        (Selection.LISTED, "org-gone", "", []),
        (Selection.MATCHING, "ACME*", "", ["org-acme2", "org-acme"]),
        (Selection.MATCHING, "* corp", "", ["org-beta"]),
        (Selection.MATCHING, "*", "Beta Corp\norg-impostor", ["org-acme2", "org-acme"]),
        (Selection.MATCHING, "acme.*", "", []),
    ],
)
def test_a_set_takes(selection: str, chosen: str, exceptions: str, taken: list[str]) -> None:
    assert [each.org_id for each in select(KNOWN, selection, chosen, exceptions)] == taken


def test_what_looks_like_an_id_is_an_id_alone() -> None:
    assert select([IMPOSTOR], Selection.LISTED, "org-acme", "") == []
    assert select([IMPOSTOR], Selection.MATCHING, "org-acme", "") == []


def test_an_id_is_taken_where_the_connection_lists_no_organizations() -> None:
    assert select([], Selection.LISTED, "org-acme", "") == [Reached("", "org-acme")]
    assert select([], Selection.LISTED, "org-acme", "org-acme") == []
    assert select([], Selection.ALL, "", "") == []


def test_lines_are_trimmed_and_stand_once() -> None:
    assert normal_lines(" Acme \n\nBeta, Inc.\r\nAcme\n") == "Acme\nBeta, Inc."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\n" + "x" * 256, "Line 2 has more than 255 characters"),
        ("\n".join(f"acme-{number}" for number in range(1001)), "Those are 1,001 lines"),
        ("x\n" * 60_000, "longer than 100,000 characters"),
    ],
)
def test_lines_that_are_too_many_or_too_long_are_refused(text: str, told: str) -> None:
    with pytest.raises(InvalidKeySchema, match=told):
        normal_lines(text)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Acme Corp", "acme-corp"),
        ("  Größe & Co. KG ", "grosse-co-kg"),
        ("Ærøskøbing", "aeroskobing"),
        ("../../prod", "prod"),
        ("a/b\\c", "a-b-c"),
        ("日本", "org-1"),
        ("", "org-1"),
        ("x" * 80, "x" * 64),
        (f"{'x' * 63} y", "x" * 63),
    ],
)
def test_a_slug_is_of_letters_and_digits(name: str, slug: str) -> None:
    assert slug_of(name, "org-1") == slug


def test_a_slug_belongs_to_one_organization() -> None:
    assert free_slug("Acme", "org-9", taken={"acme", "acme-2"}) == "acme-3"
    assert fill("/orgs/{{organization}}/{{organization}}", "acme-3") == "/orgs/acme-3/acme-3"
