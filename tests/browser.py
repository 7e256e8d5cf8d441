"""A real browser for tests: Chromium, as patient as every test."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.patience import PATIENCE

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
MILLISECONDS = PATIENCE * 1000


@contextmanager
def open_browser() -> Iterator[Browser]:
    """To be started after the database and stopped with the tests of a file.

    Playwright keeps an event loop in this thread, beside which Django would refuse to talk to a database.
    """
    if not CHROMIUM:
        pytest.skip("There is no Chromium on this machine.")
    expect.set_options(timeout=MILLISECONDS)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        # In a container there is no sandbox to be had, and it only ever opens our own pages.
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], timeout=MILLISECONDS, env=environment()
        )
        yield browser
        browser.close()


def environment() -> dict[str, str | float | bool]:
    """Without faketime, under which the waits of Chromium's threads end at once, and all of them spin."""
    return {name: text for name, text in os.environ.items() if name not in ("LD_PRELOAD", "FAKETIME")}


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    context = browser.new_context(**options)
    context.set_default_timeout(MILLISECONDS)
    return context
