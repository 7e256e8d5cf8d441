"""Which hosts connections may lead to: Devin's in DEVIN_HOSTS, those of sources in SOURCE_HOSTS, and this machine.

An entry is `host`, `host:port` or `.suffix`; a suffix stands for the domain and all below it, an entry without a port
for all ports. Whoever may edit connections chooses among these hosts only, so an API key and what it carries go nowhere
else, and nobody uses DevinSync to look around in the network it stands in. The address in
DEVIN_API_URL counts as listed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

from connections.http import Route
from connections.listing import matches
from connections.proxies import Proxy
from connections.validation import clean_base_url, is_loopback


@dataclass(frozen=True)
class Hosts:
    """Those that one kind of service may be at: listed in the setting, or an address that is usual."""

    setting: str
    usual: Callable[[], Iterable[str]] = tuple
    takes_path: bool = False

    def clean(self, raw: str) -> str:
        """The address in its one spelling. Raises ValidationError unless its host is listed, or this machine."""
        url = clean_base_url(raw, takes_path=self.takes_path)
        if not self.is_allowed(url):
            raise ValidationError(
                f"{urlsplit(url).netloc} is not among the hosts that this installation may talk to. Correct it, or ask "
                f"whoever runs DevinSync to add it to {self.setting}."
            )
        return url

    def is_allowed(self, base_url: str) -> bool:
        return is_loopback(urlsplit(base_url).hostname or "") or self.is_listed(base_url)

    def is_listed(self, base_url: str) -> bool:
        """Whether the operator has named the host: then it may also be in a private network."""
        return base_url in self.usual() or matches(base_url, getattr(settings, self.setting))

    def route_to(self, base_url: str) -> Route:
        """How to come to an allowed host: by the settings, and into a private network only if it is listed."""
        proxy = Proxy.parse(settings.OUTBOUND_PROXY) if settings.OUTBOUND_PROXY else None
        return Route(private=self.is_listed(base_url), ca_file=settings.OUTBOUND_CA_BUNDLE, proxy=proxy)


def _usual_devin() -> tuple[str, ...]:
    try:
        return (clean_base_url(settings.DEVIN_API_URL),)
    except ValidationError:
        return ()


DEVIN = Hosts("DEVIN_HOSTS", usual=_usual_devin)
# Where secrets are read from. A self-hosted one may stand below a path.
SOURCES = Hosts("SOURCE_HOSTS", takes_path=True)

clean_devin_url = DEVIN.clean
route_to = DEVIN.route_to
