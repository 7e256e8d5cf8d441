"""What a change does to more readers than anybody reads of."""

import pytest

from connections.models import Connection
from syncs.models import DevinSync
from tests.actors import ANYBODY
from vault import editing, effects
from vault.models import Folder

pytestmark = pytest.mark.django_db


def test_some_are_looked_at_and_all_counted(app: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects, "MOST_READ", 2)
    editing.set_secret(app, "A", "1", by=ANYBODY)
    to, project = Connection.objects.create(name="acme", base_url="https://devin.example"), app.environment.project
    for number in range(5):
        DevinSync.objects.create(name=f"s{number}", project=project, folder=app, connection=to, org_id=f"org-{number}")

    def foreseen() -> list[effects.Effect]:
        return effects.foresee(lambda: editing.set_secret(app, "A", "2", by=ANYBODY), compares_values=True)

    *looked_at, more = foreseen()

    assert [effect.replaces for effect in looked_at] == [("A",), ("A",)]
    assert (more.reader, more.note) == ("3 more syncs", "read this too; look at their plans.")
    assert effects.digest(foreseen()) == effects.digest([*looked_at, more])
