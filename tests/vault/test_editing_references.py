"""What of references is judged, refused and noted when a value is saved."""

import pytest

from tests.actors import ANYBODY
from vault import editing
from vault.errors import Invalid, ReferenceMissing
from vault.models import Environment, Folder, Secret, SecretReference
from vault.reading import read_secrets
from vault.values import open_value

CANARY = "canary-7f3a"


def read(folder: Folder) -> dict[str, str]:
    return {secret.key: secret.value for secret in read_secrets(folder)}


@pytest.mark.parametrize("value", ["${@shared.prod.X}", "x${dev.${A}.B}", "${A:-${B}}"])
def test_refuses_what_can_never_be_resolved(root: Folder, value: str) -> None:
    editing.set_secret(root, "OLD", "1", by=ANYBODY)
    old = Secret.objects.get()

    for save in (
        lambda: editing.set_secrets(root, {"B": "1", "A": CANARY + value}, by=ANYBODY),
        lambda: editing.update_secret(old, value=CANARY + value, by=ANYBODY),
    ):
        with pytest.raises(Invalid, match=r"not supported\. For the text itself write \$\$\{…\}") as caught:
            save()
        assert caught.value.field == "value"
        assert CANARY not in str(caught.value)
    assert open_value(Secret.objects.get()) == "1"


TEXTS = {
    "an environment's slug of 65 characters": "${" + "e" * 65 + ".K}",
    "a key of 300 characters": "${" + "K" * 300 + "}",
    "a key of 300 characters in a place": "${dev." + "K" * 300 + "}",
    "a folder's name of 300 characters": "${dev." + "f" * 300 + ".K}",
    "a path of 1,100 characters": "${dev" + ".abcdefghi" * 110 + ".K}",
    "defaults and spaces": "${HOME:-/root} ${ KEY } ${#A} ${",
    "escapes": "$${USER}@host $${@a.b.C} $${x.$${y}}",
}


@pytest.mark.postgresql
@pytest.mark.parametrize("value", TEXTS.values(), ids=TEXTS.keys())
def test_takes_as_text_what_can_be_no_reference(root: Folder, value: str) -> None:
    editing.set_secret(root, "A", value, by=ANYBODY)

    assert read(root) == {"A": value.replace("$${", "${")}


@pytest.mark.postgresql
def test_a_key_of_the_very_name_wins_and_is_followed(
    root: Folder, app: Folder, prod: Environment, announced: list[set[str]]
) -> None:
    editing.set_secrets(root, {"db.host": "h", "URL": "jdbc://${db.host}/x"}, by=ANYBODY)
    editing.set_secret(app, "X", "${dev.URL}", by=ANYBODY)
    announced.clear()

    editing.set_secret(root, "db.host", "i", by=ANYBODY)

    assert (read(root)["URL"], read(app)["X"]) == ("jdbc://i/x", "jdbc://i/x")
    assert announced == [{"dev:/", "dev:/app"}]


def test_a_folder_without_its_environment_is_suggested(dev: Environment, root: Folder) -> None:
    common = editing.create_folder(dev, "/common", by=ANYBODY)
    editing.set_secret(common, "MY_SECRET", CANARY, by=ANYBODY)
    editing.set_secret(root, "A", "${common.MY_SECRET}", by=ANYBODY)

    with pytest.raises(ReferenceMissing, match=r"Did you mean \$\{dev\.common\.MY_SECRET\}\?"):
        read_secrets(root)


TEMPLATE = "proxy_pass http://${upstream}; ${@x.y.Z} ${a.${b}} $${c}"


@pytest.mark.postgresql
def test_a_secret_without_references_is_sent_as_it_is(root: Folder) -> None:
    secret = editing.set_secret(root, "T", TEMPLATE, is_literal=True, by=ANYBODY)

    assert read(root) == {"T": TEMPLATE}
    assert not SecretReference.objects.exists()
    assert secret.versions.get().is_literal


def test_the_switch_is_a_version_that_readers_are_told_of(root: Folder, announced: list[set[str]]) -> None:
    secret = editing.set_secret(root, "T", "${A}", by=ANYBODY)
    announced.clear()

    literal = editing.update_secret(secret, is_literal=True, by=ANYBODY)
    assert (literal.version, read(root), SecretReference.objects.count()) == (2, {"T": "${A}"}, 0)
    again = editing.update_secret(secret, is_literal=True, by=ANYBODY)
    assert (again.version, announced) == (2, [{"dev:/"}])

    restored = editing.restore_version(secret, 1, by=ANYBODY)
    assert (restored.version, restored.is_literal, restored.references.get().key) == (3, False, "A")


def test_the_switch_stays_when_only_the_value_changes(root: Folder) -> None:
    editing.set_secret(root, "T", "1", is_literal=True, by=ANYBODY)

    assert editing.set_secret(root, "T", TEMPLATE, by=ANYBODY).is_literal


def test_the_switch_does_not_go_off_over_what_can_never_be_resolved(root: Folder) -> None:
    secret = editing.set_secret(root, "T", TEMPLATE, is_literal=True, by=ANYBODY)

    with pytest.raises(Invalid, match="value of T"):
        editing.update_secret(secret, is_literal=False, by=ANYBODY)


MATERIAL = [
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj+gEAAoIBAQC7VJTUt9Us8cKj",
    "tzeQGX7lQwYs2hVnLkfC9bN4mRzPaJdT5xKe8uGiWy3oEv6Z",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghijk",
    "AKIAIOSFODNN7EXAMPLE",
    "d41d8cd98f00b204e9800998ecf8427e",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
]


@pytest.mark.parametrize("key", MATERIAL)
def test_a_name_that_looks_like_key_material_is_refused_without_repeating_it(root: Folder, key: str) -> None:
    with pytest.raises(Invalid, match="looks like key material") as caught:
        editing.set_secrets(root, {key: "1"}, by=ANYBODY)
    assert (caught.value.field, key[:12] in str(caught.value)) == ("key", False)

    secret = editing.set_secret(root, "A", "1", by=ANYBODY)
    with pytest.raises(Invalid, match="looks like key material"):
        editing.rename_secret(secret, key, by=ANYBODY)


def test_a_secret_that_has_such_a_name_already_can_be_changed(root: Folder) -> None:
    secret = editing.set_secret(root, "A", "1", by=ANYBODY)
    Secret.objects.update(key=MATERIAL[0])

    assert editing.update_secret(secret, key=MATERIAL[0], value="2", by=ANYBODY).version == 2


NAMES = (
    "A",
    "STRIPE_WEBHOOK_SECRET",
    "NEXT_PUBLIC_SUPABASE_ANON_KEY",
    "APP_S3_V2_URL_K8S_NS_DB_1_HOST_IP_A_B_C_D_E_F",
    "OAUTH2_PROXY_CLIENT_ID_V2_EU_WEST_1",
    "GOOGLE_APPLICATION_CREDENTIALS_JSON_BASE64",
    "MIGRATION_DATABASE_URL",
    "sentryDsnForFrontendV2StagingEu1",
    "s3BucketNameForTheProductionEnvironment2024Data",
    "ConnectionStrings__DefaultConnection",
    "spring.datasource.hikari.maximum-pool-size",
    "db.host",
)


@pytest.mark.parametrize("key", NAMES)
def test_a_name_is_no_key_material(root: Folder, key: str) -> None:
    assert editing.set_secret(root, key, "1", by=ANYBODY).key == key


COMMENTS = {
    "a no-break space": "10\u00a0000 requests",
    "a tab": "a\tb",
    "two lines": "a\nb",
    "a joined emoji": "for the \U0001f468\u200d\U0001f469\u200d\U0001f467 page",
    "an ideographic space": "東京\u3000本社",
    "a soft hyphen, a mark of direction and a private character": "a\u00adb\u200fc\ue000d",
}


@pytest.mark.postgresql
@pytest.mark.parametrize("comment", COMMENTS.values(), ids=COMMENTS.keys())
def test_a_comment_may_have_any_text(root: Folder, comment: str) -> None:
    secret = editing.set_secret(root, "A", "1", comment=comment, by=ANYBODY)

    assert (secret.comment, secret.versions.get().comment) == (comment, comment)


def test_line_breaks_of_a_comment_are_of_one_kind(root: Folder) -> None:
    assert editing.set_secret(root, "A", "1", comment="a\r\nb\rc\n", by=ANYBODY).comment == "a\nb\nc"


@pytest.mark.parametrize("comment", ["a\0b", "a\x1bb", "a\x7fb", "a\x85b", "a\ud800b"])
def test_a_comment_has_no_control_characters(root: Folder, comment: str) -> None:
    with pytest.raises(Invalid, match="control characters") as caught:
        editing.set_secret(root, "A", "1", comment=comment, by=ANYBODY)

    assert caught.value.field == "comment"


@pytest.mark.postgresql
def test_many_can_be_changed_at_once(root: Folder, announced: list[set[str]]) -> None:
    editing.set_secrets(root, {"A": "1", "B": "2", "C": "3", "D": "4"}, by=ANYBODY)
    a, b, c, d = root.secrets.order_by("key")
    announced.clear()

    edits = [
        editing.Edit(a, key="B", value="9"),
        editing.Edit(b, key="A"),
        editing.Edit(c, comment="why"),
        editing.Edit(d, value="4"),
    ]
    changed = editing.update_secrets(root, edits, by=ANYBODY)

    assert [(secret.key, secret.version, secret.comment) for secret in changed] == [
        ("B", 2, ""),
        ("A", 1, ""),
        ("C", 1, "why"),
        ("D", 1, ""),
    ]
    assert read(root) == {"A": "2", "B": "9", "C": "3", "D": "4"}
    assert Secret.objects.get(key="C").versions.get().comment == "why"
    assert announced == [{"dev:/"}]
