"""Who is told, by the REST API: what the pages of channels, rules, incidents and deliveries show and do."""

from api.routers import Routers, register_routers


def register() -> None:
    register_routers("notices", _routers)


def _routers() -> Routers:
    from notices.api import channels, deliveries, incidents, rules

    return (
        ("/v1/notifications/channels", channels.router),
        ("/v1/notifications/rules", rules.router),
        ("/v1/notifications/incidents", incidents.router),
        ("/v1/notifications/deliveries", deliveries.router),
    )
