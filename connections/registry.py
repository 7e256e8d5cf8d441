"""Which apps a connection can be to. A further one adds its line here."""

from connections.devin.app import Devin
from connections.infisical.app import Infisical
from connections.kinds import Kind
from connections.openbao.app import OpenBao

KINDS: tuple[Kind, ...] = (Devin(), Infisical(), OpenBao())
_BY_NAME = {kind.name: kind for kind in KINDS}


def kind_named(name: str) -> Kind:
    """Raises KeyError if there is none."""
    return _BY_NAME[name]


def app_choices() -> list[tuple[str, str]]:
    return [(kind.name, kind.label) for kind in KINDS]


def method_choices() -> list[tuple[str, str]]:
    return list({method.name: method.label for kind in KINDS for method in kind.methods}.items())
