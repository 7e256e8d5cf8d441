"""What leads from one folder of a project to others: its own alone, by whichever statement was made first."""

from tests.actors import ANYBODY
from vault import editing
from vault.links import load_links
from vault.models import Folder, Project


def test_of_each_project_its_own(app: Folder, shared: Folder) -> None:
    row = editing.add_import(app, shared, by=ANYBODY)
    editing.set_secret(app, "URL", "${dev.shared.HOST}", by=ANYBODY)
    other = editing.create_project(name="Other", slug="other", environments=[], by=ANYBODY)

    project_id = app.environment.project_id
    here, there = load_links(project_id), load_links(other.pk)
    resolved = load_links(project_id, resolved=True)

    assert here.sources() == {app.pk: [shared.pk]}
    assert here.imports[app.pk][0].id == row.pk
    assert [(each.folder_id, each.secret_key, each.key) for each in here.references] == [(app.pk, "URL", "HOST")]
    assert [each.referred_id for each in here.references] == [None]
    assert [each.referred_id for each in resolved.references] == [shared.pk]
    assert (there.imports, there.references) == ({}, [])
    revisions = dict(Project.objects.values_list("pk", "revision"))
    assert (here.revision, there.revision) == (revisions[project_id], revisions[other.pk])
