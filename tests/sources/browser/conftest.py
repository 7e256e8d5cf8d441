"""The browser that the wizard's tests have, beside a source of the tests' own."""

from tests.syncs.browser.conftest import *  # noqa: F403 - its fixtures
