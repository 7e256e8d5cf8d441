"""What a reference that leads nowhere may have meant: the nearest thing that works from that folder, if anything is."""

from uuid import UUID, uuid5

import pytest

from vault.references import Reference, find_references
from vault.resolution import Place, Resolver, StoredSecret
from vault.suggestions import suggest

# Keys by place; the folder that refers is always dev:/app.
VAULT = {
    "dev:/": ["API_KEY", "ROOT_ONLY", "Mixed_Case"],
    "dev:/app": ["DB_URL", "DB_USER", "TOKEN"],
    "dev:/app/db": ["HOST", "PORT"],
    "dev:/common": ["SHARED_KEY"],
    "prod:/": ["API_KEY", "PASSWORD"],
    "prod:/common": ["SHARED_KEY", "SHARED_TOKEN"],
    "pre-prod:/": ["ONLY_HERE"],
}


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    def id_of(name: str) -> UUID:
        return uuid5(UUID(int=0), name)

    return Resolver(
        {id_of(name): Place(*name.split(":")) for name in VAULT},
        {},
        [
            StoredSecret(id_of(f"{name} {key}"), key, id_of(name), lambda: "canary-7f3a")
            for name, keys in VAULT.items()
            for key in keys
        ],
    )


MEANT = {
    "a key of the environment's root": ("ROOT_ONLY", "dev.ROOT_ONLY"),
    "a misspelt key of the folder": ("DB_ULR", "DB_URL"),
    "a key in small letters": ("token", "TOKEN"),
    "the nearer of two keys": ("DB_USR", "DB_USER"),
    "a folder named without its environment": ("common.SHARED_KEY", "dev.common.SHARED_KEY"),
    "two folders named without their environment": ("app.db.HOST", "dev.app.db.HOST"),
    "a key in a folder named without its environment": ("common.SHARED_KEYS", "dev.common.SHARED_KEY"),
    "a misspelt environment": ("prd.PASSWORD", "prod.PASSWORD"),
    "an environment in capital letters": ("PROD.PASSWORD", "prod.PASSWORD"),
    "a misspelt folder": ("prod.comon.SHARED_TOKEN", "prod.common.SHARED_TOKEN"),
    "a misspelt key of another environment": ("prod.PASWORD", "prod.PASSWORD"),
    "a key of another environment in other letters": ("dev.mixed_case", "dev.Mixed_Case"),
    "an environment that is spelt almost alike": ("preprod.ONLY_HERE", "pre-prod.ONLY_HERE"),
}


@pytest.mark.parametrize(("inner", "meant"), MEANT.values(), ids=MEANT.keys())
def test_suggests(resolver: Resolver, inner: str, meant: str) -> None:
    assert ask(resolver, inner) == find_references("${" + meant + "}")[0]


@pytest.mark.parametrize("inner", ["ZZZ", "zzz.ZZZ", "prod.ZZZ", "zzz.yyy.ZZZ", "prod.common.ZZZ", "dev.app.db.ZZZ"])
def test_suggests_nothing_where_nothing_is_near(resolver: Resolver, inner: str) -> None:
    assert ask(resolver, inner) is None


def ask(resolver: Resolver, inner: str) -> Reference | None:
    (reference,) = find_references("${" + inner + "}")
    here = resolver.folders()[Place("dev", "/app")]
    assert resolver.find(here, reference) is None

    found = suggest(resolver, here, reference)

    assert "canary" not in resolver.describe_missing(here, reference)
    return found
