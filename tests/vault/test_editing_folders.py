import pytest

from tests.actors import ANYBODY
from vault import editing
from vault.errors import InUse, Invalid, Missing, Taken
from vault.models import Environment, Folder, Project
from vault.reading import read_secrets


def paths(environment: Environment) -> list[str]:
    return list(environment.folders.values_list("path", flat=True))


def test_a_project_has_its_environments_and_they_a_root(project: Project) -> None:
    assert project.slug == "shop"
    assert [(e.name, e.slug, paths(e)) for e in project.environments.all()] == [
        ("Development", "dev", ["/"]),
        ("Production", "prod", ["/"]),
    ]


@pytest.mark.parametrize("slug", ["Ä", "a b", "-a", "a--b", "a_b", "x" * 65, "a\n b"])
def test_refuses_a_slug(project: Project, slug: str) -> None:
    with pytest.raises(Invalid) as caught:
        editing.create_environment(project, name="X", slug=slug, by=ANYBODY)

    assert caught.value.field == "slug"


@pytest.mark.parametrize("name", ["\N{RIGHT-TO-LEFT OVERRIDE}dorP", "Prod\N{LEFT-TO-RIGHT ISOLATE}", "Pr\x1bod"])
def test_refuses_a_name_that_reads_as_another(name: str) -> None:
    with pytest.raises(Invalid, match="Remove them") as caught:
        editing.create_project(name=name, slug="shop", environments=(), by=ANYBODY)

    assert caught.value.field == "name"


def test_refuses_slugs_that_are_taken(project: Project) -> None:
    with pytest.raises(Taken, match="shop"):
        editing.create_project(name="Shop", by=ANYBODY)
    with pytest.raises(Taken, match="dev"):
        editing.create_environment(project, name="Dev", by=ANYBODY)


def test_an_environment_comes_last_unless_told(project: Project) -> None:
    environment = editing.create_environment(project, name="QA", by=ANYBODY)

    assert (environment.slug, environment.position) == ("qa", 3)


def test_after_the_last_place_of_all_comes_no_other(project: Project) -> None:
    editing.update_environment(project.environments.get(slug="dev"), position=10_000, by=ANYBODY)

    assert editing.create_environment(project, name="QA", by=ANYBODY).position == 10_000


@pytest.mark.parametrize("position", [-1, 10_001])
def test_refuses_a_place_that_is_none(project: Project, position: int) -> None:
    with pytest.raises(Invalid, match="from 0 to 10,000") as caught:
        editing.create_environment(project, name="QA", position=position, by=ANYBODY)

    assert caught.value.field == "position"


def test_makes_the_folders_above(dev: Environment) -> None:
    folder = editing.create_folder(dev, "/a/b/c/", description="Deep", by=ANYBODY)

    assert paths(dev) == ["/", "/a", "/a/b", "/a/b/c"]
    assert (folder.name, folder.description, folder.parent) == ("c", "Deep", dev.folders.get(path="/a/b"))
    assert str(folder) == "dev:/a/b/c"


@pytest.mark.parametrize("path", ["/a//b", "/a.b", "/a b", "/ä", "/" + "x" * 256, "/x" * 600, "/.."])
def test_refuses_a_path(dev: Environment, path: str) -> None:
    with pytest.raises(Invalid):
        editing.create_folder(dev, path, by=ANYBODY)


def test_refuses_a_folder_that_is_there(dev: Environment, app: Folder) -> None:
    for path in ("/app", "/"):
        with pytest.raises(Taken):
            editing.create_folder(dev, path, by=ANYBODY)


def test_renaming_moves_the_paths_below(dev: Environment, app: Folder) -> None:
    for path in ("/app/api/v1", "/apple", "/App/x", "/x/app"):
        editing.create_folder(dev, path, by=ANYBODY)

    editing.rename_folder(app, "service", by=ANYBODY)

    assert set(paths(dev)) == {
        "/",
        "/App",
        "/App/x",
        "/apple",
        "/service",
        "/service/api",
        "/service/api/v1",
        "/x",
        "/x/app",
    }
    assert (app.name, app.path, app.version) == ("service", "/service", 2)


def test_renaming_tells_those_who_read_by_the_old_or_the_new_path(
    dev: Environment, prod: Environment, app: Folder, shared: Folder, announced: list[set[str]]
) -> None:
    api = editing.create_folder(dev, "/app/api", by=ANYBODY)
    editing.set_secret(shared, "OLD", "${dev.app.api.A}", by=ANYBODY)
    editing.set_secret(prod.folders.get(), "NEW", "${dev.service.api.A}", by=ANYBODY)
    editing.add_import(editing.create_folder(prod, "/x", by=ANYBODY), api, by=ANYBODY)
    announced.clear()

    editing.rename_folder(app, "service", by=ANYBODY)

    assert announced == [{"dev:/service", "dev:/service/api", "dev:/shared", "prod:/", "prod:/x"}]


def test_refuses_a_name_that_is_taken_or_no_name(app: Folder, shared: Folder, root: Folder) -> None:
    with pytest.raises(Taken):
        editing.rename_folder(app, "shared", by=ANYBODY)
    with pytest.raises(Invalid):
        editing.rename_folder(app, "a/b", by=ANYBODY)
    with pytest.raises(Invalid):
        editing.rename_folder(root, "x", by=ANYBODY)


@pytest.mark.postgresql
@pytest.mark.parametrize(("below", "longest"), [("", 20), ("/below", 14), ("/below/x", 12)])
def test_no_path_grows_too_long_by_a_new_name(dev: Environment, below: str, longest: int) -> None:
    above = "/".join(["x" * 250] * 3 + ["y" * 249])
    folder = editing.create_folder(dev, f"/{above}/a", by=ANYBODY)
    if below:
        editing.create_folder(dev, f"/{above}/a{below}", by=ANYBODY)

    with pytest.raises(Invalid, match=r"longer than 1,024 characters") as caught:
        editing.rename_folder(folder, "b" * (longest + 1), by=ANYBODY)
    assert caught.value.field == "name"

    editing.rename_folder(Folder.objects.get(id=folder.id), "b" * longest, by=ANYBODY)
    assert max(map(len, paths(dev))) == 1024


def test_a_description_alone_is_no_signal(app: Folder, announced: list[set[str]]) -> None:
    announced.clear()

    editing.update_folder(app, description="The shop's own", by=ANYBODY)

    assert announced == []


def test_renaming_an_environment_tells_those_who_read_it(
    dev: Environment, prod: Environment, app: Folder, announced: list[set[str]]
) -> None:
    editing.set_secret(prod.folders.get(), "A", "${dev.app.A}", by=ANYBODY)
    announced.clear()

    editing.update_environment(dev, slug="development", by=ANYBODY)

    assert announced == [{"development:/", "development:/app", "prod:/"}]


def test_deleting_a_folder_takes_what_is_below_and_tells_readers(
    dev: Environment, app: Folder, shared: Folder, announced: list[set[str]]
) -> None:
    editing.set_secret(editing.create_folder(dev, "/app/api", by=ANYBODY), "A", "1", by=ANYBODY)
    editing.set_secret(shared, "B", "${dev.app.api.A}", by=ANYBODY)
    announced.clear()

    editing.delete_folder(app, by=ANYBODY)

    assert paths(dev) == ["/", "/shared"]
    assert announced == [{"dev:/app", "dev:/app/api", "dev:/shared"}]


def test_refuses_to_delete_what_others_import(dev: Environment, prod: Environment, app: Folder) -> None:
    api = editing.create_folder(dev, "/app/api", by=ANYBODY)
    editing.add_import(prod.folders.get(), api, by=ANYBODY)

    with pytest.raises(InUse, match="prod:/"):
        editing.delete_folder(app, by=ANYBODY)
    with pytest.raises(InUse, match="prod:/"):
        editing.delete_environment(dev, by=ANYBODY)

    assert "/app/api" in paths(dev)


def test_deletes_folders_that_import_one_another(dev: Environment, app: Folder) -> None:
    one, two = (editing.create_folder(dev, f"/app/{name}", by=ANYBODY) for name in ("one", "two"))
    editing.add_import(one, two, by=ANYBODY)

    editing.delete_folder(app, by=ANYBODY)

    assert paths(dev) == ["/"]


def test_the_root_stays(root: Folder) -> None:
    with pytest.raises(Invalid, match="root"):
        editing.delete_folder(root, by=ANYBODY)


def test_deletes_a_project_with_all(project: Project, app: Folder, shared: Folder, announced: list[set[str]]) -> None:
    editing.add_import(app, shared, by=ANYBODY)
    editing.set_secret(shared, "A", "1", by=ANYBODY)
    announced.clear()

    editing.delete_project(project, by=ANYBODY)

    assert not Project.objects.exists()
    assert announced == [{"dev:/", "dev:/app", "dev:/shared", "prod:/"}]
    with pytest.raises(Missing):
        editing.set_secret(app, "A", "1", by=ANYBODY)


def test_imports_keep_their_order(dev: Environment, app: Folder, announced: list[set[str]]) -> None:
    sources = [editing.create_folder(dev, f"/{name}", by=ANYBODY) for name in "abc"]
    for source in sources:
        editing.set_secret(source, "A", source.name, by=ANYBODY)
    rows = [editing.add_import(app, source, by=ANYBODY) for source in sources]
    announced.clear()

    def order() -> str:
        return "".join(row.source.name for row in app.imports.all())

    assert (order(), read_secrets(app)[0].value) == ("abc", "c")
    editing.move_import(rows[2], 1, by=ANYBODY)
    assert (order(), read_secrets(app)[0].value) == ("cab", "b")
    editing.move_import(rows[2], 99, by=ANYBODY)
    assert order() == "abc"
    editing.delete_import(rows[0], by=ANYBODY)
    assert (order(), [row.position for row in app.imports.all()]) == ("bc", [1, 2])
    editing.add_import(app, sources[0], position=1, by=ANYBODY)
    assert order() == "abc"
    assert announced == [{"dev:/app"}] * 4


def test_refuses_imports_that_make_no_sense(app: Folder, shared: Folder, root: Folder, dev: Environment) -> None:
    elsewhere = editing.create_project(name="Other", environments=[("Dev", "dev")], by=ANYBODY).environments.get()
    editing.add_import(app, shared, by=ANYBODY)
    editing.add_import(root, app, by=ANYBODY)

    with pytest.raises(Taken):
        editing.add_import(app, shared, by=ANYBODY)
    with pytest.raises(Invalid, match="itself"):
        editing.add_import(app, app, by=ANYBODY)
    with pytest.raises(Invalid, match="imports it already"):
        editing.add_import(shared, root, by=ANYBODY)
    with pytest.raises(Invalid, match="own project"):
        editing.add_import(app, elsewhere.folders.get(), by=ANYBODY)
