"""What is read twice for one answer is opened once, and never another value for it."""

import pytest

from encryption import unseal
from tests.actors import ANYBODY
from vault import editing
from vault.errors import Unreadable
from vault.models import Folder, Secret
from vault.reading import read_secrets
from vault.values import opening_once

pytestmark = pytest.mark.django_db


def values(folder: Folder) -> dict[str, str]:
    return {secret.key: secret.value for secret in read_secrets(folder)}


def test_a_new_value_is_seen_between_two_readings(app: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def counted(sealed: str, *, context: str) -> str:
        opened.append(context.rpartition(":")[2])
        return unseal(sealed, context=context)

    monkeypatch.setattr("vault.values.unseal", counted)
    editing.set_secrets(app, {"A": "1", "B": "2"}, by=ANYBODY)
    opened.clear()
    with opening_once():
        assert values(app) == {"A": "1", "B": "2"}
        editing.set_secret(app, "A", "3", by=ANYBODY)
        opened.clear()
        assert values(app) == {"A": "3", "B": "2"}
    assert opened == ["A"]
    assert values(app) == {"A": "3", "B": "2"}
    assert opened == ["A", "A", "B"]


def test_what_was_altered_between_them_is_refused(app: Folder) -> None:
    editing.set_secrets(app, {"A": "1", "B": "2"}, by=ANYBODY)
    a, b = Secret.objects.get(key="A"), Secret.objects.get(key="B")
    with opening_once():
        values(app)
        Secret.objects.filter(pk=a.pk).update(sealed_value=b.sealed_value)
        with pytest.raises(Unreadable, match="A"):
            values(app)
