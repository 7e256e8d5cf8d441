"""A site in a process of its own whose view fails with a secret in its hands; `python -m tests.metrics.failing`."""

import logging
import os

import django
from django.http import HttpRequest, HttpResponse
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
CANARY = "canary-8c2e"


def fail(request: HttpRequest, key: str) -> HttpResponse:
    value = request.POST["value"] + key
    raise ValueError(f"no number: {value}")


def server_error(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=500)


handler500 = server_error
urlpatterns = [path("fail/<str:key>", fail)]


def main() -> None:
    django.setup()
    from django.conf import settings
    from django.test import Client

    from common import observing

    settings.ROOT_URLCONF, settings.MIDDLEWARE = __name__, []
    observing.start("web")
    client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {CANARY}"})
    client.cookies["sessionid"] = CANARY
    client.post(f"/fail/{CANARY}?q={CANARY}", {"value": CANARY})
    logging.getLogger("syncs.runs.jobs").error("run %s ended by %s", "5a1c", "KeyError")
    observing.stop()


if __name__ == "__main__":
    main()
