"""Wrong settings of outgoing connections are told at the start, not by a connection that does not work."""

import ssl

from django.conf import settings
from django.core import checks
from django.core.exceptions import ValidationError

from common.environment import former_names_given
from connections.listing import is_entry
from connections.proxies import Proxy
from connections.sockets import tls_context
from connections.validation import clean_base_url


@checks.register(checks.Tags.security)
def check_hosts(app_configs: object, **_: object) -> list[checks.CheckMessage]:
    return [
        checks.Error(
            f"{setting} has “{entry}”, which is no host.",
            hint="Write api.devin.ai, devin.example.com:8443 or .example.com, without https:// and without a path.",
            id="connections.E001",
        )
        for setting in ("DEVIN_HOSTS", "SOURCE_HOSTS", "OUTBOUND_PROXIES", "NOTIFY_HOSTS")
        for entry in getattr(settings, setting)
        if not is_entry(entry)
    ]


@checks.register(checks.Tags.security)
def check_usual_address(app_configs: object, **_: object) -> list[checks.CheckMessage]:
    try:
        clean_base_url(settings.DEVIN_API_URL)
    except ValidationError as error:
        return [checks.Error(f"DEVIN_API_URL cannot be used. {error.messages[0]}", id="connections.E003")]
    return []


@checks.register(checks.Tags.security)
def check_proxy(app_configs: object, **_: object) -> list[checks.CheckMessage]:
    try:
        if settings.OUTBOUND_PROXY:
            Proxy.parse(settings.OUTBOUND_PROXY)
    except ValueError:
        return [
            checks.Error(
                "OUTBOUND_PROXY is no address of a proxy.",
                hint="Write http://proxy.example.com:3128, with user:password@ before the host if it asks for that.",
                id="connections.E004",
            )
        ]
    return []


@checks.register(checks.Tags.security)
def check_ca_bundle(app_configs: object, **_: object) -> list[checks.CheckMessage]:
    path = settings.OUTBOUND_CA_BUNDLE
    if not path:
        return []
    try:
        tls_context(path)
    except (OSError, ssl.SSLError) as error:
        return [
            checks.Error(
                f"OUTBOUND_CA_BUNDLE names {path}, which cannot be used ({type(error).__name__}).",
                hint="Name a PEM file that holds the certificates of the authorities to trust, or leave it empty.",
                id="connections.E002",
            )
        ]
    return []


@checks.register(checks.Tags.security)
def check_former_names(app_configs: object, **_: object) -> list[checks.CheckMessage]:
    return [
        checks.Warning(f"{former} is called {name} now.", hint=f"Rename it: {former} goes.", id="connections.W001")
        for former, name in former_names_given().items()
    ]
