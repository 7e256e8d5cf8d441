"""The resolver answers what the rules say, told in the plainest way: by recursion, for small worlds at random."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from hypothesis import example, given
from hypothesis import strategies as st

from vault.errors import ReferenceCycle, ReferenceMissing, SourceError
from vault.lenient import LenientResolver
from vault.references import BadReference, Reference, expand, find_references
from vault.resolution import Place, Resolver, StoredSecret

PLACES = ("dev:/", "dev:/a", "dev:/a/b", "prod:/", "prod:/a")
KEYS = ("A", "B", "C", "dev.A", "a.B")
PIECES = (
    "x",
    "€",
    "$",
    "{",
    "}",
    "$${A}",
    "${",
    "${A}",
    "${B}",
    "${C}",
    "${dev.A}",
    "${a.B}",
    "${dev.a.B}",
    "${dev.a.b.C}",
    "${prod.A}",
    "${prod.a.C}",
    "${qa.A}",
    "${B:-x}",
)


@dataclass(frozen=True)
class World:
    """Imports as (folder, source), in order; secrets as (folder, key), with their values, some of them literal."""

    imports: tuple[tuple[str, str], ...]
    values: dict[tuple[str, str], str]
    literal: frozenset[tuple[str, str]] = frozenset()

    def sources(self, place: str) -> list[str]:
        return [source for folder, source in self.imports if folder == place]

    def build(self, kind: type[Resolver]) -> Resolver:
        def open_by(where: tuple[str, str]) -> Callable[[], str]:
            return lambda: self.values[where]

        return kind(
            {id_of(place): Place(*place.split(":")) for place in PLACES},
            {id_of(place): [id_of(source) for source in self.sources(place)] for place in PLACES},
            [
                StoredSecret(id_of(*where), where[1], id_of(where[0]), open_by(where), is_literal=where in self.literal)
                for where in self.values
            ],
        )


def id_of(*names: str) -> UUID:
    return uuid5(UUID(int=0), " ".join(names))


def shown(world: World, place: str, above: tuple[str, ...] = ()) -> dict[str, tuple[str, str]]:
    """By key, where the secret that a folder shows is stored: own wins over imports, the last of these over others."""
    if place in above:
        raise ReferenceCycle("imports")
    found: dict[str, tuple[str, str]] = {}
    for source in world.sources(place):
        found |= shown(world, source, (*above, place))
    return found | {key: (folder, key) for folder, key in world.values if folder == place}


def read(world: World, where: tuple[str, str], above: tuple[tuple[str, str], ...] = ()) -> str:
    """The value with its references expanded, each looked up from where its secret is stored."""
    if where in world.literal:
        return world.values[where]
    if where in above:
        raise ReferenceCycle("references")

    def value_of(reference: Reference) -> str | None:
        exact = shown(world, where[0]).get(reference.inner)
        if exact is None and reference.environment_slug:
            place = f"{reference.environment_slug}:{reference.path}"
            exact = shown(world, place).get(reference.key) if place in PLACES else None
        if exact is None and reference.is_weak:
            return None
        if exact is None:
            raise ReferenceMissing(str(reference))
        return read(world, exact, (*above, where))

    try:
        return expand(world.values[where], value_of)
    except BadReference as error:
        raise ReferenceMissing(str(error)) from None


def outcome(ask: Callable[..., Any], *what: object) -> Any:
    """What is answered, or that it is refused."""
    try:
        return ask(*what)
    except SourceError:
        return SourceError


def shown_ids(world: World, place: str) -> dict[str, UUID]:
    return {key: id_of(*where) for key, where in shown(world, place).items()}


def visible_ids(resolver: Resolver, place: str) -> dict[str, UUID]:
    return {key: secret.id for key, secret in resolver.visible(id_of(place)).items()}


def value_at(resolver: Resolver, where: tuple[str, str]) -> str:
    return resolver.value(resolver.own(id_of(where[0]))[where[1]])


WHERE = st.tuples(st.sampled_from(PLACES), st.sampled_from(KEYS))
VALUES = st.lists(st.sampled_from(PIECES), max_size=3).map("".join)
PAIRS = st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(PLACES)), max_size=5, unique=True).map(tuple)
# A folder imports only what stands later here, so that no import leads back.
ORDERED = PAIRS.map(lambda pairs: tuple(pair for pair in pairs if PLACES.index(pair[0]) < PLACES.index(pair[1])))


def worlds(imports: st.SearchStrategy[Any]) -> st.SearchStrategy[World]:
    values = st.dictionaries(WHERE, VALUES, max_size=9)
    return st.builds(World, imports, values, st.frozensets(WHERE, max_size=2))


@given(worlds(PAIRS))
def test_shows_what_the_rules_say_and_refuses_every_circle_of_imports(world: World) -> None:
    resolver = world.build(Resolver)

    for place in PLACES:
        assert outcome(visible_ids, resolver, place) == outcome(shown_ids, world, place)


@given(worlds(ORDERED))
@example(World((), {("dev:/", "A"): "${B}", ("dev:/", "B"): "${A}"}))
@example(World((), {("dev:/", "A"): "${B}", ("dev:/", "B"): "${A}"}, frozenset({("dev:/", "B")})))
def test_expands_as_the_rules_say_and_refuses_every_circle_of_references(world: World) -> None:
    resolver = world.build(Resolver)

    for where in world.values:
        assert outcome(value_at, resolver, where) == outcome(read, world, where)


@given(worlds(ORDERED), st.randoms(use_true_random=False))
def test_the_order_of_asking_changes_no_answer(world: World, random: Any) -> None:
    asked = list(world.values)
    random.shuffle(asked)
    one, other = world.build(Resolver), world.build(Resolver)

    shuffled = {where: outcome(value_at, one, where) for where in asked}

    assert shuffled == {where: outcome(value_at, other, where) for where in sorted(world.values)}


@given(worlds(ORDERED))
def test_a_lenient_answer_is_the_strict_one_or_names_what_leads_nowhere(world: World) -> None:
    strict, lenient = world.build(Resolver), world.build(LenientResolver)

    for where in world.values:
        value, expected = value_at(lenient, where), outcome(value_at, strict, where)
        unresolved = lenient.unresolved(lenient.own(id_of(where[0]))[where[1]])
        if expected is SourceError:
            assert unresolved
        else:
            assert (value, unresolved) == (expected, ())


@given(worlds(PAIRS))
def test_no_error_tells_what_a_value_holds(world: World) -> None:
    world = World(world.imports, {at: "hunter2" + text for at, text in world.values.items()})
    resolver = world.build(Resolver)

    def refusal(place: str, key: str) -> str:
        try:
            resolver.value(resolver.visible(id_of(place))[key])
        except SourceError as error:
            return str(error)
        return ""

    assert not any("hunter2" in refusal(*where) for where in world.values)


@given(worlds(ORDERED), st.sampled_from(PLACES), st.sampled_from(["A", "dev.Aa", "a.b.C", "PROD.A", "b"]))
def test_what_is_suggested_works(world: World, place: str, inner: str) -> None:
    (reference,) = find_references("${" + inner + "}")
    resolver = world.build(Resolver)

    told = resolver.describe_missing(id_of(place), reference)

    meant = told.partition("Did you mean ")[2].partition("?")[0]
    if meant:
        assert resolver.find(id_of(place), find_references(meant)[0]) is not None
    else:
        assert "Create it, or correct the reference." in told
