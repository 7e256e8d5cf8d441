"""Which folders a change reaches. Folders are named by letters."""

from uuid import UUID, uuid5

import pytest

from vault.affected import Edges, find_affected


def id_of(name: str) -> UUID:
    return uuid5(UUID(int=0), name)


# (importing folder, source), (folder and key of a secret, folder and key it refers to), changed, affected
CASES: dict[str, tuple[list[str], list[str], list[str], str]] = {
    "a change stays where nothing reads it": ([], [], ["a A"], "a"),
    "an import": (["b a"], [], ["a A"], "ab"),
    "two levels of imports": (["b a", "c b"], [], ["a A"], "abc"),
    "many levels of imports": (["b a", "c b", "d c", "e d", "f e"], [], ["a A"], "abcdef"),
    "not against the direction of an import": (["b a"], [], ["b A"], "b"),
    "a reference": ([], ["b B a A"], ["a A"], "ab"),
    "two levels of references": ([], ["b B a A", "c C b B"], ["a A"], "abc"),
    "a reference to another key": ([], ["b B a X"], ["a A"], "a"),
    "a reference to another key of a folder in between": ([], ["b B a A", "c C b X"], ["a A"], "ab"),
    "a reference within the folder, then an outside one": ([], ["a B a A", "b C a B"], ["a A"], "ab"),
    "a reference to what is imported": (["b a"], ["c C b A"], ["a A"], "abc"),
    "an import of what refers": (["c b"], ["b B a A"], ["a A"], "abc"),
    "the whole folder changed": (["b a"], ["c C a X", "d D c C"], ["a *"], "abcd"),
    "a cycle of imports": (["b a", "a b"], [], ["a A"], "ab"),
    "a cycle of references": ([], ["a A b B", "b B a A"], ["a A"], "ab"),
    "several changes": (["c a", "d b"], [], ["a A", "b B"], "abcd"),
}


@pytest.mark.parametrize(("imports", "references", "changed", "affected"), CASES.values(), ids=CASES.keys())
def test_reaches(imports: list[str], references: list[str], changed: list[str], affected: str) -> None:
    edges = Edges()
    for importer, source in map(str.split, imports):
        edges.importers[id_of(source)].append(id_of(importer))
    for folder, key, referred, referred_key in map(str.split, references):
        edges.referrers[id_of(referred)].append((referred_key, id_of(folder), key))
    marked = [(id_of(folder), None if key == "*" else key) for folder, key in map(str.split, changed)]

    assert find_affected(marked, edges) == {id_of(name) for name in affected}
