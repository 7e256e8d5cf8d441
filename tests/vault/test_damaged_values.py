"""A stored value that can't be opened: what still works, and how a person gets rid of it."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.actors import ANYBODY
from vault import editing
from vault.errors import Unreadable
from vault.models import Folder, Secret
from vault.reading import list_keys, read_secrets
from vault.values import open_value

CANARY = "canary-7f3a"


@pytest.fixture
def damaged(app: Folder) -> Secret:
    """Version 2 of A, with another secret's sealed value in its place, as a clumsy repair by hand leaves it."""
    other = editing.set_secret(app, "OTHER", CANARY, by=ANYBODY)
    editing.set_secret(app, "A", "first", comment="why", by=ANYBODY)
    secret = editing.set_secret(app, "A", "second", by=ANYBODY)
    Secret.objects.filter(pk=secret.pk).update(sealed_value=other.sealed_value)
    return Secret.objects.get(pk=secret.pk)


def post(client: Client, name: str, pk: object, **data: str) -> Any:
    return client.post(reverse(f"admin:vault_{name}", args=[pk]), data, follow=True)


def test_it_can_be_entered_again(app: Folder, damaged: Secret, announced: list[set[str]]) -> None:
    changed = editing.update_secret(damaged, value="third", by=ANYBODY)

    assert (changed.version, changed.comment, open_value(changed)) == (3, "why", "third")
    assert announced == [{"dev:/app"}]


def test_it_can_be_written_over_among_many(app: Folder, damaged: Secret) -> None:
    written = editing.set_secrets(app, {"A": "third", "OTHER": CANARY}, by=ANYBODY)

    assert (written.changed, written.unchanged) == (["A"], ["OTHER"])
    assert {secret.key: secret.value for secret in read_secrets(app)} == {"A": "third", "OTHER": CANARY}


def test_an_older_version_takes_its_place(app: Folder, damaged: Secret) -> None:
    restored = editing.restore_version(damaged, 1, by=ANYBODY)

    assert (restored.version, open_value(restored)) == (3, "first")


def test_all_but_its_value_can_be_changed(app: Folder, damaged: Secret) -> None:
    renamed = editing.update_secret(damaged, key="B", comment="old", by=ANYBODY)

    assert (renamed.key, renamed.comment, renamed.version) == ("B", "old", 2)
    assert list_keys(app) == ["B", "OTHER"]


def test_its_switch_turns_only_with_a_value(app: Folder, damaged: Secret) -> None:
    with pytest.raises(Unreadable, match="value of A"):
        editing.update_secret(damaged, is_literal=True, by=ANYBODY)

    assert editing.update_secret(damaged, value="${x", is_literal=True, by=ANYBODY).is_literal


def test_it_goes_with_its_secret(app: Folder, damaged: Secret) -> None:
    editing.delete_secret(damaged, by=ANYBODY)

    assert [secret.key for secret in read_secrets(app)] == ["OTHER"]


def test_pages_show_the_rest_and_say_what_is_wrong(editor: Client, app: Folder, damaged: Secret) -> None:
    pages = [
        editor.get(reverse("admin:vault_secret_page", args=[damaged.pk])),
        editor.get(reverse("admin:vault_folder_page", args=[app.pk])),
        post(editor, "secret_reveal", damaged.pk),
        post(editor, "secret_edit", damaged.pk, key="A", value="", is_literal="on", version="2"),
    ]

    assert [page.status_code for page in pages] == [200] * 4
    assert next(str(message) for message in pages[2].context["messages"]).startswith("The stored value of A can't be")
    assert "The stored value of A can't be read." in str(pages[3].context["form"].errors["__all__"][0])
    assert not any(CANARY in page.content.decode() for page in pages)


def test_pages_take_it_again(editor: Client, app: Folder, damaged: Secret) -> None:
    preview = post(editor, "dotenv", app.pk, text="A=third")
    assert (preview.context["preview"].changed, CANARY in preview.content.decode()) == (["A"], False)
    post(editor, "dotenv", app.pk, kept=preview.context["kept"])
    assert read_secrets(app)[0].value == "third"

    Secret.objects.filter(key="A").update(sealed_value=Secret.objects.get(key="OTHER").sealed_value)
    post(editor, "secret_edit", damaged.pk, key="A", value="fourth", comment="", version="3")
    assert read_secrets(app)[0].value == "fourth"
