"""What a reader of a folder sees. Folders are named by place, "dev:/app", and hold keys with values."""

import tracemalloc
from uuid import UUID, uuid5

import pytest

from vault.errors import DuplicateKey, ReferenceCycle, ReferenceMissing
from vault.limits import MAX_VALUE_BYTES
from vault.resolution import Place, Resolver, StoredSecret

Folders = dict[str, dict[str, str]]
Imports = dict[str, list[str]]


def id_of(name: str) -> UUID:
    return uuid5(UUID(int=0), name)


def resolver(folders: Folders, imports: Imports) -> Resolver:
    return Resolver(
        {id_of(name): Place(*name.split(":")) for name in folders},
        {id_of(name): [id_of(source) for source in sources] for name, sources in imports.items()},
        [
            StoredSecret(id_of(f"{name} {key}"), key, id_of(name), lambda value=value: value)  # type: ignore[misc]
            for name, values in folders.items()
            for key, value in values.items()
        ],
    )


def read(folders: Folders, imports: Imports, names: list[str]) -> dict[str, str]:
    resolved = resolver(folders, imports)
    visible = resolved.visible_together([id_of(name) for name in names])
    return {key: resolved.value(secret) for key, secret in visible.items()}


SEEN: dict[str, tuple[Folders, Imports, dict[str, str]]] = {
    "nothing in an empty folder": ({"dev:/": {}}, {}, {}),
    "its own secrets": ({"dev:/": {"A": "1"}, "dev:/x": {"B": "2"}}, {}, {"A": "1"}),
    "an import's secrets": ({"dev:/": {"A": "1"}, "dev:/x": {"B": "2"}}, {"dev:/": ["dev:/x"]}, {"A": "1", "B": "2"}),
    "its own before an import's": ({"dev:/": {"A": "own"}, "dev:/x": {"A": "x"}}, {"dev:/": ["dev:/x"]}, {"A": "own"}),
    "what each of two imports has": (
        {"dev:/": {}, "dev:/x": {"A": "x"}, "dev:/y": {"B": "y"}},
        {"dev:/": ["dev:/x", "dev:/y"]},
        {"A": "x", "B": "y"},
    ),
    "the later of two imports": (
        {"dev:/": {}, "dev:/x": {"A": "x"}, "dev:/y": {"A": "y"}},
        {"dev:/": ["dev:/x", "dev:/y"]},
        {"A": "y"},
    ),
    "the later of two imports, the other way round": (
        {"dev:/": {}, "dev:/x": {"A": "x"}, "dev:/y": {"A": "y"}},
        {"dev:/": ["dev:/y", "dev:/x"]},
        {"A": "x"},
    ),
    "imports of imports, from another environment too": (
        {"dev:/": {}, "dev:/x": {"A": "x"}, "prod:/y": {"A": "y", "B": "y"}},
        {"dev:/": ["dev:/x"], "dev:/x": ["prod:/y"]},
        {"A": "x", "B": "y"},
    ),
    "an import of a later import before an earlier import": (
        {"dev:/": {}, "dev:/x": {"A": "x"}, "dev:/y": {}, "dev:/z": {"A": "z"}},
        {"dev:/": ["dev:/x", "dev:/y"], "dev:/y": ["dev:/z"]},
        {"A": "z"},
    ),
    "the same import by two ways": (
        {"dev:/": {}, "dev:/x": {}, "dev:/y": {}, "dev:/z": {"A": "z"}},
        {"dev:/": ["dev:/x", "dev:/y"], "dev:/x": ["dev:/z"], "dev:/y": ["dev:/z"]},
        {"A": "z"},
    ),
    "a reference to its own": ({"dev:/": {"A": "a${B}", "B": "b"}}, {}, {"A": "ab", "B": "b"}),
    "a reference to what it imports": (
        {"dev:/": {"A": "a${B}"}, "dev:/x": {"B": "b"}},
        {"dev:/": ["dev:/x"]},
        {"A": "ab", "B": "b"},
    ),
    "a reference to another environment's root": ({"dev:/": {"A": "${prod.B}"}, "prod:/": {"B": "b"}}, {}, {"A": "b"}),
    "a reference to a folder below": ({"dev:/": {"A": "${prod.x.y.B}"}, "prod:/x/y": {"B": "b"}}, {}, {"A": "b"}),
    "a reference to what another folder imports": (
        {"dev:/": {"A": "${dev.x.B}"}, "dev:/x": {}, "dev:/y": {"B": "b"}},
        {"dev:/x": ["dev:/y"]},
        {"A": "b"},
    ),
    "a chain of references": (
        {"dev:/": {"A": "a${dev.x.B}"}, "dev:/x": {"B": "b${C}", "C": "c${prod.D}"}, "prod:/": {"D": "d"}},
        {},
        {"A": "abcd"},
    ),
    "an imported secret's reference from where that is stored": (
        {"dev:/": {"B": "here"}, "dev:/x": {"A": "${B}", "B": "there"}},
        {"dev:/": ["dev:/x"]},
        {"A": "there", "B": "here"},
    ),
    "a key of the very name before a place": (
        {"dev:/": {"A": "jdbc://${db.host}/x", "db.host": "h"}, "db:/": {"host": "elsewhere"}},
        {},
        {"A": "jdbc://h/x", "db.host": "h"},
    ),
    "an imported key of the very name before a place": (
        {"dev:/": {"A": "${db.x.host}"}, "dev:/y": {"db.x.host": "h"}, "db:/x": {"host": "elsewhere"}},
        {"dev:/": ["dev:/y"]},
        {"A": "h", "db.x.host": "h"},
    ),
    "a place where there is no key of the very name": (
        {"dev:/": {"A": "${db.host}"}, "db:/": {"host": "h"}},
        {},
        {"A": "h"},
    ),
    "text where only a key could have that name and none has": (
        {"dev:/": {"A": "${" + "e" * 65 + ".K}", "B": "${" + "f" * 65 + ".K}", "f" * 65 + ".K": "k"}},
        {},
        {"A": "${" + "e" * 65 + ".K}", "B": "k", "f" * 65 + ".K": "k"},
    ),
    "an escaped reference as text": ({"dev:/": {"A": "$${B} ${B}", "B": "b"}}, {}, {"A": "${B} b", "B": "b"}),
    "what came from an escape as it is": ({"dev:/": {"A": "${B}", "B": "$${C}"}}, {}, {"A": "${C}", "B": "${C}"}),
    "the same reference twice in a value": ({"dev:/": {"A": "${B}${B}", "B": "b"}}, {}, {"A": "bb", "B": "b"}),
}


@pytest.mark.parametrize(("folders", "imports", "seen"), SEEN.values(), ids=SEEN.keys())
def test_a_folder_shows(folders: Folders, imports: Imports, seen: dict[str, str]) -> None:
    assert read(folders, imports, ["dev:/"]) == seen


REFUSED: dict[str, tuple[Folders, Imports, type[Exception], list[str]]] = {
    "a key that is missing": (
        {"dev:/": {"A": "hunter2${B}"}},
        {},
        ReferenceMissing,
        ["secret A in dev:/", "${B}", "no secret B in dev:/"],
    ),
    "a folder that is missing": (
        {"dev:/": {"A": "hunter2${prod.x.B}"}},
        {},
        ReferenceMissing,
        ["secret A in dev:/", "${prod.x.B}", "no folder prod:/x"],
    ),
    "what is missing at the end of a chain": (
        {"dev:/": {"A": "${B}", "B": "hunter2${C}"}},
        {},
        ReferenceMissing,
        ["secret B in dev:/", "${C}"],
    ),
    "a secret that refers to itself": ({"dev:/": {"A": "${A}"}}, {}, ReferenceCycle, ["secret A in dev:/", "A → A"]),
    "a cycle of three": (
        {"dev:/": {"A": "hunter2${B}", "B": "${prod.C}"}, "prod:/": {"C": "${dev.B}"}},
        {},
        ReferenceCycle,
        ["secret B in dev:/", "B → C → B"],
    ),
    "imports that go round": (
        {"dev:/": {}, "dev:/x": {}},
        {"dev:/": ["dev:/x"], "dev:/x": ["dev:/"]},
        ReferenceCycle,
        ["imports of dev:/x"],
    ),
    "a reference within a reference": (
        {"dev:/": {"A": "hunter2${dev.${B}.C}", "B": "b"}},
        {},
        ReferenceMissing,
        ["secret A in dev:/", "not supported"],
    ),
    "a folder named without its environment": (
        {"dev:/": {"A": "${common.MY_SECRET}"}, "dev:/common": {"MY_SECRET": "hunter2"}},
        {},
        ReferenceMissing,
        ["secret A in dev:/", "no folder common:/", "Did you mean ${dev.common.MY_SECRET}?"],
    ),
    "a folder below named without its environment": (
        {"dev:/": {"A": "${app.db.HOST}"}, "dev:/app/db": {"HOST": "hunter2"}},
        {},
        ReferenceMissing,
        ["Did you mean ${dev.app.db.HOST}?"],
    ),
    "a misspelt key": (
        {"dev:/": {"A": "${API_KYE}", "API_KEY": "hunter2"}},
        {},
        ReferenceMissing,
        ["Did you mean ${API_KEY}?"],
    ),
    "a misspelt environment": (
        {"dev:/": {"A": "${Prod.KEY}"}, "prod:/": {"KEY": "hunter2"}},
        {},
        ReferenceMissing,
        ["Did you mean ${prod.KEY}?"],
    ),
    "nothing that is near": (
        {"dev:/": {"A": "${prod.KEY}"}, "prod:/": {"OTHER": "hunter2"}},
        {},
        ReferenceMissing,
        ["no secret KEY in prod:/", "For the text itself write $${prod.KEY}."],
    ),
    "euro signs, which are three bytes each": (
        {"dev:/": {"EE": "${E}${E}${E}", "E": "€" * 20_000}},
        {},
        ReferenceMissing,
        ["secret EE in dev:/", "longer than 65,536 bytes"],
    ),
    "a long value around a long one": (
        {"dev:/": {"BIGGER": "x" * 40_000 + "${BIG}", "BIG": "y" * 40_000}},
        {},
        ReferenceMissing,
        ["secret BIGGER in dev:/", "longer than 65,536 bytes"],
    ),
    "values that grow without end": (
        {"dev:/": {f"A{n}": f"${{A{n + 1}}}" * 10 for n in range(8)} | {"A8": "hunter2"}},
        {},
        ReferenceMissing,
        ["longer than 65,536"],
    ),
}


@pytest.mark.parametrize(("folders", "imports", "error", "parts"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(folders: Folders, imports: Imports, error: type[Exception], parts: list[str]) -> None:
    with pytest.raises(error) as caught:
        read(folders, imports, ["dev:/"])

    for part in parts:
        assert part in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "hint"),
    [
        ("${x.B}", "there is no folder x:/. Did you mean ${dev.x.B}? For the text itself write $${x.B}."),
        (
            "${prod.x.Z}",
            "there is no folder prod:/x. Create it, or correct the reference. For the text itself write $${prod.x.Z}.",
        ),
    ],
)
def test_says_what_a_reference_to_nothing_may_have_meant(reference: str, hint: str) -> None:
    with pytest.raises(ReferenceMissing) as caught:
        read({"dev:/": {"A": reference}, "dev:/x": {"B": "b"}}, {}, ["dev:/"])

    assert str(caught.value) == f"The secret A in dev:/ refers to {reference}, but {hint}"


@pytest.mark.parametrize(
    ("length", "chain"),
    [
        (10, "K0 → K1 → K2 → K3 → K4 → K5 → K6 → K7 → K8 → K9 → K0"),
        (11, "K0 → K1 → K2 → K3 → K4 → K5 → K6 → K7 → K8 → K9 → … → K0"),
        (12, "K0 → K1 → K2 → K3 → K4 → K5 → K6 → K7 → K8 → K9 → … → K0"),
    ],
)
def test_a_long_circle_is_told_by_its_first_ten(length: int, chain: str) -> None:
    circle = {f"K{number}": f"${{K{(number + 1) % length}}}" for number in range(length)}

    with pytest.raises(ReferenceCycle, match=rf" refers to itself: {chain}\. Change one of these references\.$"):
        read({"dev:/": circle}, {}, ["dev:/"])


def test_two_folders_with_the_same_key_are_refused_by_name() -> None:
    with pytest.raises(DuplicateKey, match="key A is in dev:/ and in dev:/x") as caught:
        read({"dev:/": {"A": "hunter2"}, "dev:/x": {"A": "hunter2"}}, {}, ["dev:/", "dev:/x"])

    assert str(caught.value).endswith(" Rename or delete one of them, or read without subfolders.")
    assert "hunter2" not in str(caught.value)


def test_the_same_secret_by_two_ways_is_no_duplicate() -> None:
    folders = {"dev:/": {}, "dev:/x": {"A": "1"}}

    assert read(folders, {"dev:/": ["dev:/x"]}, ["dev:/", "dev:/x"]) == {"A": "1"}


def test_chains_may_be_long() -> None:
    secrets = {f"A{n}": f"${{A{n + 1}}}" for n in range(5000)} | {"A5000": "end"}
    folders: Folders = {f"dev:/{n}": {} for n in range(5000)} | {"dev:/5000": secrets}
    imports = {f"dev:/{n}": [f"dev:/{n + 1}"] for n in range(5000)}

    assert read(folders, imports, ["dev:/0"])["A0"] == "end"


def test_a_value_may_be_as_long_as_a_stored_one() -> None:
    folders = {"dev:/": {"A": "x" * 25_536 + "${B}", "B": "y" * 40_000}}

    assert len(read(folders, {}, ["dev:/"])["A"]) == 65_536


def test_never_holds_what_would_be_too_long() -> None:
    """2,000 references to the longest value would take 128 MiB."""
    resolved = resolver({"dev:/": {"A": "${B}" * 2000, "B": "y" * MAX_VALUE_BYTES}}, {})
    secret = resolved.visible(id_of("dev:/"))["A"]

    tracemalloc.start()
    try:
        with pytest.raises(ReferenceMissing, match="its references make it longer than 65,536 bytes"):
            resolved.value(secret)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 64 * MAX_VALUE_BYTES


def test_a_literal_value_is_taken_as_it_is() -> None:
    text = "server_name $${HOST}; proxy ${@a.b.C} ${X} ${dev.${A}.B}"
    place, secret = Place("dev", "/"), StoredSecret(id_of("A"), "A", id_of("dev:/"), lambda: text, is_literal=True)
    referring = StoredSecret(id_of("B"), "B", id_of("dev:/"), lambda: "<${A}>")
    resolved = Resolver({id_of("dev:/"): place}, {}, [secret, referring])

    assert (resolved.value(secret), resolved.value(referring)) == (text, f"<{text}>")


def test_only_what_is_asked_for_is_resolved() -> None:
    resolved = resolver({"dev:/": {"GOOD": "${HOST}!", "HOST": "h", "BAD": "${NOPE}", "ODD": "${@a.b.C}"}}, {})
    visible = resolved.visible(id_of("dev:/"))

    assert resolved.value(visible["GOOD"]) == "h!"
    for key in ("BAD", "ODD"):
        with pytest.raises(ReferenceMissing, match=key):
            resolved.value(visible[key])
