"""By which ways a folder, or one secret, comes to other folders. Folders are named by letters, in one environment."""

from itertools import pairwise
from uuid import UUID, uuid5

import pytest

from readers import ways
from readers.tree import Row, in_order, nested
from readers.ways import Shape, Stored, find_ways
from vault.references import Reference
from vault.resolution import Place


def id_of(name: str) -> UUID:
    return uuid5(UUID(int=0), name)


def shape_of(imports: str, secrets: str, references: str) -> Shape:
    """`b<a,c` imports a, then c; `aK` is a secret; `bB>aK` refers to another folder's, `bB>K` to its own folder's."""
    names = {name for name in imports + secrets if name.islower()}
    stored = {(id_of(name[0]), name[1:]): id_of(name) for name in secrets.split()}
    refer = []
    for one in references.split():
        name, target = one.split(">")
        place = ("dev", f"/{target[0]}") if target[0].islower() else ("", "")
        refer.append((Stored(id_of(name), id_of(name[0]), name[1:]), Reference(target.lstrip("abcdefgh"), *place)))
    sources = {id_of(one[0]): [id_of(each) for each in one[2:].split(",")] for one in imports.split()}
    return Shape({id_of(name): Place("dev", f"/{name}") for name in names}, sources, stored, refer)


# imports, secrets, references, start, and what is reached: a folder as a whole, or with its keys.
CASES = {
    "nobody": ("", "aK bK", "", "a", "a"),
    "an import, and one of that": ("b<a c<b", "aK", "", "a", "a b c"),
    "not against an import's direction": ("b<a", "bK", "", "b", "b"),
    "a reference": ("", "aK bB", "bB>aK", "a", "a b:B"),
    "a reference that leads nowhere": ("", "aK bB", "bB>aX", "a", "a"),
    "a reference to what a folder takes from elsewhere": ("b<a", "aK cC", "cC>bK", "a", "a b c:C"),
    "a reference past the folder": ("b<a", "aK cC", "cC>aK", "b", "b"),
    "a circle of imports": ("b<a a<b", "aK", "", "a", "a b"),
    "a circle of references": ("", "aK bB", "bB>aK aK>bB", "a", "a b:B"),
    "a secret and who imports it": ("b<a", "aK aX", "", "aK", "a:K b:K"),
    "one that hides it": ("b<a", "aK bK", "", "aK", "a:K"),
    "a later import hides it": ("b<a,c", "aK cK", "", "aK", "a:K"),
    "an earlier one does not": ("b<c,a", "aK cK", "", "aK", "a:K b:K"),
    "by two imports": ("b<a,c c<a", "aK", "", "aK", "a:K b:K c:K"),
    "a reference within its folder": ("", "aK aB", "aB>K", "aK", "a:B,K"),
    "over references and imports": ("b<a d<c", "aK bB cC", "bB>K cC>bB", "aK", "a:K b:B,K c:C d:C"),
    "a reference to another of that key": ("", "aK cK bB", "bB>cK", "aK", "a:K"),
    "a circle over both": ("b<a", "aK bB", "bB>K aK>bB", "aK", "a:K b:B,K"),
    "itself": ("", "aK", "aK>K", "aK", "a:K"),
    "a secret in a circle of imports": ("b<a a<b", "aK", "", "aK", "a:K b:K"),
}


@pytest.mark.parametrize(("imports", "secrets", "references", "start", "reached"), CASES.values(), ids=CASES.keys())
def test_reaches(imports: str, secrets: str, references: str, start: str, reached: str) -> None:
    shape = shape_of(imports, secrets, references)

    keys = find_ways(shape, id_of(start[0]), start[1:] or None).keys

    found = [f"{name}:{','.join(sorted(keys))}" if keys else name for name, keys in named(shape, keys)]
    assert " ".join(sorted(found)) == reached


def named(shape: Shape, keys: dict[UUID, set[str] | None]) -> list[tuple[str, set[str] | None]]:
    return [(shape.places[folder_id].path[1:], some) for folder_id, some in keys.items()]


def tree_of(shape: Shape, start: str) -> list[str]:
    steps = in_order(
        find_ways(shape, id_of(start[0]), start[1:] or None), lambda folder_id: str(shape.places[folder_id])
    )
    return ["-" * step.level + shape.places[step.folder_id].path[1:] + ("*" if step.is_again else "") for step in steps]


def test_each_folder_is_opened_once() -> None:
    shape = shape_of("b<a c<a,b d<c a<d", "aK", "")

    assert tree_of(shape, "a") == ["a", "-b", "--c*", "-c", "--d", "---a*"]


def test_a_long_chain_is_no_recursion() -> None:
    names = [f"f{number}" for number in range(5000)]
    places = {id_of(name): Place("dev", f"/{name}") for name in names}
    chain = {id_of(here): [id_of(above)] for above, here in pairwise(names)}
    shape = Shape(places, chain, {(id_of("f0"), "K"): id_of("K")}, [])

    for key in (None, "K"):
        assert len(list(in_order(find_ways(shape, id_of("f0"), key), str))) == len(names)


def test_a_project_without_end_is_followed_as_far_as_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "MOST_STEPS", 3)
    shape = shape_of("b<a c<b d<c e<d", "aK", "")

    assert find_ways(shape, id_of("a"), "K").is_cut
    assert not find_ways(shape, id_of("a")).is_cut


def test_lists_are_closed_as_often_as_they_are_opened() -> None:
    rows = nested([Row(name=str(level), url="", level=level) for level in (0, 1, 2, 2, 1, 2, 3)])

    assert [(row.opens, row.closes) for row in rows] == [
        (True, 0),
        (True, 0),
        (False, 0),
        (False, 1),
        (True, 0),
        (True, 0),
        (False, 3),
    ]
