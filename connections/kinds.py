"""What is special about an app that a connection can be to: its methods, what each takes, which hosts, and who.

Everything else about connections (sealing, versions, forms, the API, repointing) asks a `Kind` and knows none by name.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError

from connections.hosts import Hosts

if TYPE_CHECKING:
    from connections.models import Connection


@dataclass(frozen=True)
class Identity:
    """Who the credentials are, as the service says; what it does not say is empty."""

    principal_type: str
    name: str = ""
    org_id: str = ""


@dataclass(frozen=True)
class Entry:
    """One thing that a person enters. `clean` gives its one spelling or raises ValidationError, repeating nothing.

    `name` is that of the form, `api_name` that of the API and of what is sealed. Of what `is_masked` nothing is shown
    while it is typed; of the one that `is_hinted` the end is kept, to tell one from another. A parameter that
    `is_pointing` says where credentials go, or whom they trust there: changing it takes them anew. `shown` is what of a
    cleaned parameter may be kept and shown.
    """

    name: str
    label: str
    help_text: str
    clean: Callable[[str], str]
    longest: int = 1000
    is_required: bool = True
    is_masked: bool = True
    is_hinted: bool = False
    is_pointing: bool = False
    lines: int = 1
    choices: tuple[tuple[str, str], ...] = ()
    shown: Callable[[str], str] = str

    @property
    def api_name(self) -> str:
        first, *others = self.name.split("_")
        return first + "".join(word.capitalize() for word in others)


@dataclass(frozen=True)
class Method:
    """A way to prove who one is. The last credential is the one whose field shows what the service said."""

    name: str
    label: str
    credentials: tuple[Entry, ...]


class Kind(ABC):
    """One service. `parameters` are what it takes beside address and credentials; they are no secret."""

    name: str
    label: str
    methods: tuple[Method, ...]
    hosts: Hosts
    parameters: tuple[Entry, ...] = ()
    # What the credentials are called in sentences ("Enter the API key").
    secret_words: str
    # For the page that asks for the app.
    summary: str
    address_label = "base URL"
    address_help = ""

    @abstractmethod
    def usual_address(self) -> str:
        """Where a new connection leads; "" if there is no usual place."""

    @abstractmethod
    def identify(self, connection: "Connection") -> Identity:
        """Ask the service who the stored credentials are, while a person waits. Raises ConnectionFailed."""

    def describe(self, identity: Identity, *, organization: bool = True) -> str:
        """Who the credentials are, in words: “sync-bot (service user), organization org-1”. Empty if never told."""
        kind = identity.principal_type.replace("_", " ")
        who = f"{identity.name} ({kind})" if identity.name else kind
        return f"{who}, organization {identity.org_id}" if organization and identity.org_id else who

    def known(self, said: str) -> str:
        """The sentence for credentials that the service has just accepted."""
        return f"{self.label} knows the {self.secret_words}: {said}."

    def method(self, name: str) -> Method:
        """Raises ValidationError if the app has no such method."""
        for method in self.methods:
            if method.name == name:
                return method
        named = ", ".join(method.name for method in self.methods)
        raise ValidationError(f"A connection to {self.label} has the method {named}.")

    def clean_credentials(self, method: str, given: Mapping[str, str]) -> dict[str, str]:
        """By API name, in their one spelling. Raises ValidationError for what is missing or cannot be."""
        return _cleaned(self.method(method).credentials, given)

    def clean_parameters(self, given: Mapping[str, str]) -> dict[str, str]:
        """As with credentials; empty ones are left out."""
        cleaned = _cleaned(self.parameters, given)
        return {
            each.api_name: each.shown(cleaned[each.api_name]) for each in self.parameters if each.api_name in cleaned
        }


def _cleaned(entries: tuple[Entry, ...], given: Mapping[str, str]) -> dict[str, str]:
    cleaned = {}
    for entry in entries:
        text = given.get(entry.api_name) or ""
        if text or entry.is_required:
            cleaned[entry.api_name] = entry.clean(text)
    return cleaned
