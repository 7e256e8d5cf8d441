"""Nobody moves a value that they may not read out of its environment: by reference, import, or what becomes one."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User

from tests.actors import ANYBODY, writer
from vault import editing
from vault.editing import Actor, Edit
from vault.errors import NotAllowed
from vault.models import Environment, Folder, Project, SecretImport, SecretReference
from vault.reading import find_folder, read_secrets

VALUE = "canary-4e1b"
PERMISSION = "vault.reveal_secret"


@pytest.fixture
def blind(db: None) -> Actor:
    """A person who may write and not read."""
    return writer(User.objects.create_user("blind"))


@pytest.fixture
def at(project: Project) -> Callable[[str], Folder]:
    def find(place: str) -> Folder:
        environment, path = place.split(":")
        return find_folder(project, environment, path)

    return find


@pytest.fixture(autouse=True)
def vault(dev: Environment, prod: Environment, app: Folder, shared: Folder) -> None:
    """What a team has set up: some of it leaves prod, as somebody with the right allowed."""
    live = editing.create_folder(prod, "/live", by=ANYBODY)
    hidden = editing.create_folder(prod, "/hidden", by=ANYBODY)
    public = editing.create_folder(prod, "/public", by=ANYBODY)
    editing.set_secrets(live, {"DB": VALUE, "OTHER": VALUE}, by=ANYBODY)
    editing.set_secrets(hidden, {"DEEP": VALUE}, by=ANYBODY)
    editing.set_secrets(public, {"HOST": "host"}, by=ANYBODY)
    editing.set_secrets(
        app, {"PLAIN": "1", "TO_LIVE": "<${prod.live.DB}>", "TO_COME": "${prod.later.DEEP}"}, by=ANYBODY
    )
    editing.set_secrets(app, {"AWAITED": "${prod.live.NEW}", "ELSEWHERE": "${stage.hidden.DEEP}"}, by=ANYBODY)
    editing.set_secrets(app, {"TEXT": "${prod.live.DB}"}, literal={"TEXT": True}, by=ANYBODY)
    editing.set_secret(app, "ONCE", "${prod.live.DB}", by=ANYBODY)
    editing.set_secret(app, "ONCE", "nothing", by=ANYBODY)
    editing.set_secret(app, "SELF", "${dev.app.PLAIN}", by=ANYBODY)
    editing.add_import(app, public, by=ANYBODY)


Attempt = Callable[[Callable[[str], Folder], Actor], object]


def change(place: str, name: str, /, **fields: object) -> Attempt:
    return lambda at, by: editing.update_secret(at(place).secrets.get(key=name), **fields, by=by)  # type: ignore[arg-type]


def write(place: str, key: str, value: str) -> Attempt:
    return lambda at, by: editing.set_secrets(at(place), {key: value}, by=by)


def rename(place: str, name: str) -> Attempt:
    return lambda at, by: editing.rename_folder(at(place), name, by=by)


def show(folder: str, source: str) -> Attempt:
    return lambda at, by: editing.add_import(at(folder), at(source), by=by)


def reslug(old: str, new: str) -> Attempt:
    return lambda at, by: editing.update_environment(at(f"{old}:/").environment, slug=new, by=by)


REFUSED: dict[str, tuple[Attempt, str]] = {
    "a new secret": (write("dev:/app", "NEW", "${prod.live.DB}"), "prod.live.DB"),
    "a new value": (change("dev:/app", "PLAIN", value="a ${prod.live.DB} b"), "prod.live.DB"),
    "one more reference": (
        change("dev:/app", "TO_LIVE", value="<${prod.live.DB}${prod.live.OTHER}>"),
        "prod.live.OTHER",
    ),
    "another reference": (change("dev:/app", "TO_LIVE", value="${prod.live.OTHER}"), "prod.live.OTHER"),
    "what is not there yet": (write("dev:/app", "NEW", "${prod.nowhere.K}"), "prod.nowhere.K"),
    "an environment that is not there yet": (write("dev:/app", "NEW", "${qa.live.K}"), "qa.live.K"),
    "its root": (write("dev:/app", "NEW", "${prod.K}"), "prod.K"),
    "one of many": (
        lambda at, by: editing.set_secrets(at("dev:/app"), {"A": "1", "B": "${prod.live.DB}"}, by=by),
        "prod.live.DB",
    ),
    "text becomes a reference": (change("dev:/app", "TEXT", is_literal=False), "prod.live.DB"),
    "a version is restored": (
        lambda at, by: editing.restore_version(at("dev:/app").secrets.get(key="ONCE"), 1, by=by),
        "prod.live.DB",
    ),
    "a preview": (
        lambda at, by: editing.preview_secrets(at("dev:/app"), {"A": "${prod.live.DB}"}, by=by),
        "prod.live.DB",
    ),
    "an import": (show("dev:/app", "prod:/live"), "prod"),
    "an import of a folder that is empty": (show("dev:/shared", "prod:/"), "prod"),
    "an import points elsewhere": (
        lambda at, by: editing.point_import(SecretImport.objects.get(), at("prod:/live"), by=by),
        "prod",
    ),
    "what is imported imports more": (show("prod:/public", "prod:/hidden"), "DEEP"),
    "what is imported refers to more": (write("prod:/public", "HOST", "${prod.hidden.DEEP}"), "DEEP"),
    "a new key in what is imported": (write("prod:/public", "NEW", "${prod.hidden.DEEP}"), "DEEP"),
    "what is referred to refers to more": (change("prod:/live", "DB", value="${prod.hidden.DEEP}"), "DEEP"),
    "a folder takes the name of one referred to": (rename("prod:/hidden", "later"), "DEEP"),
    "a secret takes the name of one referred to": (change("prod:/live", "OTHER", key="NEW"), "NEW"),
    "secrets swap names": (
        lambda at, by: editing.update_secrets(
            at("prod:/live"),
            [
                Edit(at("prod:/live").secrets.get(key="DB"), key="OTHER"),
                Edit(at("prod:/live").secrets.get(key="OTHER"), key="DB"),
            ],
            by=by,
        ),
        "DB",
    ),
    "an environment takes the slug of one referred to": (reslug("prod", "stage"), "stage"),
    "references to the environment itself lead out of it": (reslug("dev", "develop"), "dev.app.PLAIN"),
}
ALLOWED: dict[str, Attempt] = {
    "a value": write("dev:/app", "PLAIN", "2"),
    "a reference within the environment": write("dev:/app", "PLAIN", "${dev.shared.X}"),
    "a reference within the folder": write("dev:/app", "NEW", "${PLAIN}"),
    "text that looks like one": write("dev:/app", "NEW", "$${prod.live.DB}"),
    "another text around the same reference": change("dev:/app", "TO_LIVE", value="https://${prod.live.DB}"),
    "the same text": change("dev:/app", "TO_LIVE", value="<${prod.live.DB}>"),
    "another key of such a secret": change("dev:/app", "TO_LIVE", key="TO_PROD"),
    "another comment": change("dev:/app", "TO_LIVE", comment="why"),
    "a reference becomes text": change("dev:/app", "TO_LIVE", is_literal=True),
    "text is set for one without references": change("dev:/app", "TEXT", value="${prod.live.OTHER}"),
    "an import within the environment": show("dev:/app", "dev:/shared"),
    "a value of what others refer to": write("prod:/live", "DB", "another"),
    "a new secret where another environment looks": write("prod:/live", "NEW", "mine"),
    "a new folder where another environment looks": (
        lambda at, by: editing.create_folder(at("prod:/").environment, "/later", by=by)
    ),
    "a folder is renamed": rename("prod:/hidden", "quiet"),
    "what is referred to is renamed away": change("prod:/live", "DB", key="GONE"),
    "an import goes": lambda at, by: editing.delete_import(SecretImport.objects.get(), by=by),
    "an import moves": lambda at, by: editing.move_import(SecretImport.objects.get(), 1, by=by),
    "an import stays where it points": (
        lambda at, by: editing.point_import(SecretImport.objects.get(), at("prod:/public"), by=by)
    ),
    "a secret goes": lambda at, by: editing.delete_secret(at("dev:/app").secrets.get(key="TO_LIVE"), by=by),
    "a folder goes": lambda at, by: editing.delete_folder(at("prod:/live"), by=by),
    "an environment gets a free slug": reslug("prod", "production"),
    "an environment is made where another looks": (
        lambda at, by: editing.create_environment(at("dev:/").environment.project, name="Stage", by=by)
    ),
}


def state() -> list[object]:
    edges = SecretReference.objects.order_by("pk").values_list("secret__key", "environment_slug", "path", "key")
    return [*edges, *SecretImport.objects.values_list("folder__path", "source__path")]


@pytest.mark.parametrize("name", REFUSED)
def test_takes_the_right_to_read(at: Callable[[str], Folder], blind: Actor, name: str) -> None:
    attempt, named = REFUSED[name]
    before = state()

    with pytest.raises(NotAllowed) as refusal:
        attempt(at, blind)

    assert named in refusal.value.message
    assert f"{PERMISSION}, which you lack." in refusal.value.message
    assert VALUE not in refusal.value.message
    assert state() == before


@pytest.mark.parametrize("name", REFUSED)
def test_is_free_for_those_who_have_it(at: Callable[[str], Folder], name: str) -> None:
    user = User.objects.create_user("reader")
    user.user_permissions.add(Permission.objects.get(codename="reveal_secret"))

    REFUSED[name][0](at, writer(user))


@pytest.mark.parametrize("name", ALLOWED)
def test_does_not_hinder_what_shows_no_more(at: Callable[[str], Folder], blind: Actor, name: str) -> None:
    ALLOWED[name](at, blind)


def test_a_chain_of_steps_that_are_each_allowed_shows_nothing(at: Callable[[str], Folder], blind: Actor) -> None:
    """The name that another environment awaits is taken by a secret of one's own, which then refers onwards."""
    editing.set_secret(at("prod:/live"), "NEW", "mine", by=blind)

    with pytest.raises(NotAllowed):
        editing.set_secret(at("prod:/live"), "NEW", "${prod.hidden.DEEP}", by=blind)

    editing.delete_secret(at("dev:/app").secrets.get(key="ELSEWHERE"), by=ANYBODY)
    editing.delete_secret(at("dev:/app").secrets.get(key="TO_COME"), by=ANYBODY)
    assert {one.key: one.value for one in read_secrets(at("dev:/app"))}["AWAITED"] == "mine"


def test_a_key_with_dots_that_goes_leaves_no_way_behind(at: Callable[[str], Folder], blind: Actor) -> None:
    """`${prod.DB}` is that key of the folder as long as it is there, and the environment's secret afterwards."""
    editing.set_secret(at("dev:/app"), "prod.DB", "mine", by=blind)

    with pytest.raises(NotAllowed):
        editing.set_secret(at("dev:/app"), "USES", "${prod.DB}", by=blind)


def test_whoever_may_not_read_a_value_is_not_told_that_it_was_guessed(
    at: Callable[[str], Folder], blind: Actor
) -> None:
    """A guess that is right is written like one that is wrong."""
    app = at("dev:/app")
    written = [editing.set_secrets(app, {"PLAIN": guess}, by=blind) for guess in ("1", "1", "2")]
    versions = [editing.update_secret(app.secrets.get(key="PLAIN"), value=guess, by=blind).version for guess in "22"]

    assert [(one.changed, one.unchanged) for one in written] == [(["PLAIN"], [])] * 3
    assert versions == [5, 6]
    assert editing.set_secrets(app, {"PLAIN": "2"}, by=ANYBODY).unchanged == ["PLAIN"]
