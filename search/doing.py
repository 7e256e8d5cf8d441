"""What can be done and where one can go: actions and pages, by their names. Each leads to a page, none acts."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser, User
from django.urls import reverse

from search.hits import Hit
from search.question import Question
from sources.copying.copying import RIGHTS as RIGHTS_TO_COPY
from theme.navigation import LinkArea
from vault.access import can_somewhere


@dataclass(frozen=True)
class Action:
    """`words` find it too. `does` is for a script; without one, the address is that of a button."""

    label: str
    url_name: str = ""
    rights: tuple[str, ...] = ()
    words: str = ""
    does: str = ""

    @property
    def url(self) -> str:
        return reverse(f"admin:{self.url_name}") if self.url_name else "#theme"


ACTIONS = (
    Action("New sync", "syncs_devinsync_add", ("syncs.add_devinsync",), "add create"),
    Action("New sync set", "fleets_syncset_add", ("syncs.add_devinsync",), "add create many organizations fleet"),
    Action("New project", "vault_project_add", ("vault.add_project",), "add create"),
    Action(
        "Link a project", "sources_link", ("vault.add_project", "connections.use_connection"), "infisical openbao vault"
    ),
    Action("Copy a project into the vault", "sources_copy_add", tuple(RIGHTS_TO_COPY), "infisical import migrate"),
    Action("New connection", "connections_connection_add", ("connections.add_connection",), "add create devin key"),
    Action("New webhook", "api_hook_add", ("api.add_hook",), "add create"),
    Action("New channel", "notices_channel_add", ("notices.add_channel",), "add create notification mail slack"),
    Action("New rule", "notices_rule_add", ("notices.add_rule",), "add create notification"),
    Action("New API token", "api_apitoken_add", ("api.add_apitoken",), "add create"),
    Action("New user", "auth_user_add", ("auth.add_user",), "add create person"),
    Action("Pause or resume all syncs", "syncs_synccontrol_changelist", ("syncs.pause_syncs",), "stop"),
    Action("Change theme", does="theme", words="dark light look"),
    Action("Change password", "password_change"),
    Action("Where you are logged in", "sessions", words="sessions log out"),
    Action(
        "Second factor", "second_factor", words="totp authenticator app security key passkey recovery codes 2fa mfa"
    ),
)


def actions(question: Question, user: User | AnonymousUser) -> list[Hit]:
    allowed = [action for action in ACTIONS if all(can_somewhere(user, right) for right in action.rights)]
    return ranked(question, [(Hit(each.label, each.url, does=each.does), each.words) for each in allowed])


def pages(question: Question, areas: Iterable[LinkArea]) -> list[Hit]:
    """Those of the sidebar, which has what one may see."""
    links = [(Hit(link.label, link.url, area.title), area.title) for area in areas for link in area.links]
    return ranked(question, links)


def ranked(question: Question, hits: Iterable[tuple[Hit, str]]) -> list[Hit]:
    """By their labels; behind these, what has the words beside its label only."""
    found = [hit for hit, words in hits if question.rank(f"{hit.label} {words}") is not None]
    return sorted(found, key=lambda hit: question.rank_or_last(hit.label))
