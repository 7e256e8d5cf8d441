"""Imports beside the secrets of a folder: never merged, in their order, and without what may not be read."""

import pytest

from sandbox.infisical.world import Edition, Project, Secret, World
from tests.sandbox.caller import Caller
from tests.sandbox.infisical.asking import V3, V4, read, values_of

EDITIONS = pytest.mark.parametrize("edition", list(Edition))


@pytest.fixture
def shop(world: World, shop: Project) -> Project:
    """`dev:/app` imports `dev:/low` and then `prod:/high`."""
    world.put(shop, "dev", "/low", A="low", LOW="low")
    world.put(shop, "prod", "/high", A="high")
    shop.environments["dev"].folders["/app"].imports += [("dev", "/low"), ("prod", "/high")]
    return shop


@pytest.mark.parametrize(
    ("route", "spelling", "included"),
    [
        (V4, "includeImports", True),
        (V4, "include_imports", True),
        (V3, "include_imports", True),
        (V3, "includeImports", False),
    ],
)
def test_each_route_has_its_spelling(reader: Caller, shop: Project, route: str, spelling: str, included: bool) -> None:
    assert ("imports" in read(reader, shop, route=route, **{spelling: "true"}).json) is included
    assert "imports" not in read(reader, shop, route=route, **{spelling: "false"}).json


@EDITIONS
def test_they_are_in_order_and_not_merged(reader: Caller, shop: Project) -> None:
    answer = read(reader, shop, route=V3, include_imports="true").json

    assert values_of(answer["secrets"]) == {"A": "a-1", "B": "b-1"}
    assert [(each["environment"], each["secretPath"]) for each in answer["imports"]] == [
        ("dev", "/low"),
        ("prod", "/high"),
    ]
    assert [values_of(each["secrets"]) for each in answer["imports"]] == [{"A": "low", "LOW": "low"}, {"A": "high"}]


@EDITIONS
def test_an_import_of_an_import_is_not_followed(reader: Caller, world: World, shop: Project) -> None:
    world.put(shop, "dev", "/lowest", LOWEST="lowest")
    shop.environments["dev"].folders["/low"].imports.append(("dev", "/lowest"))

    assert b"LOWEST" not in read(reader, shop, route=V3, include_imports="true").body


@EDITIONS
@pytest.mark.parametrize("reason", ["closed", "gone"])
def test_what_may_not_be_read_is_left_out_without_a_word(reader: Caller, shop: Project, reason: str) -> None:
    if reason == "closed":
        shop.closed.add(("dev", "/low"))
    else:
        del shop.environments["dev"].folders["/low"]

    answer = read(reader, shop, route=V3, include_imports="true")

    assert answer.status == 200
    assert [each["secretPath"] for each in answer.json["imports"]] == ["/high"]


@EDITIONS
def test_personal_secrets_are_not_imported(reader: Caller, shop: Project) -> None:
    shop.environments["prod"].folders["/high"].secrets.append(Secret("MINE", "mine", kind="personal"))

    assert b"MINE" not in read(reader, shop, route=V3, include_imports="true").body


@pytest.mark.parametrize(
    ("edition", "absent"),
    [
        (Edition.NEW, {"createdAt", "updatedAt"}),
        (
            Edition.OLD,
            {"createdAt", "updatedAt", "secretPath", "tags", "secretReminderNote", "secretReminderRepeatDays"},
        ),
    ],
)
def test_an_imported_row_says_less(reader: Caller, shop: Project, absent: set[str]) -> None:
    answer = read(reader, shop, route=V3, include_imports="true").json

    own, imported = answer["secrets"][0], answer["imports"][0]["secrets"][0]
    assert set(own) - set(imported) == absent


@pytest.mark.parametrize(("edition", "left"), [(Edition.NEW, "<>"), (Edition.OLD, "<${ONLY_HERE}>")])
def test_a_reference_out_of_an_import_leads_nowhere(reader: Caller, world: World, shop: Project, left: str) -> None:
    world.put(shop, "dev", "/app", ONLY_HERE="here")
    world.put(shop, "dev", "/low", LOW="<${ONLY_HERE}>", A="${LOW}")

    imports = read(reader, shop, route=V3, include_imports="true", expandSecretReferences="true").json["imports"]

    assert values_of(imports[0]["secrets"]) == {"LOW": left, "A": left}


def test_the_imports_of_subfolders_come_with_them(reader: Caller, world: World, shop: Project) -> None:
    world.add_folder(shop, "dev", "/app/web").imports.append(("prod", "/"))

    answer = read(reader, shop, includeImports="true", recursive="true").json

    assert [each["secretPath"] for each in answer["imports"]] == ["/low", "/high", "/"]
