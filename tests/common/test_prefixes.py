import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from common.prefixes import starts_with


@pytest.mark.postgresql
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("prefix", "names"),
    [("app", ["app", "app/x"]), ("App", ["App/y"]), ("a_p", []), ("%", []), ("", ["App/y", "app", "app/x"])],
)
def test_tells_large_letters_from_small_ones(prefix: str, names: list[str]) -> None:
    for name in ("app", "app/x", "App/y"):
        User.objects.create_user(name)

    found = User.objects.filter(starts_with("username", prefix))
    others = User.objects.exclude(starts_with("username", prefix))

    assert sorted(found.values_list("username", flat=True)) == names
    assert len(others) == 3 - len(names)


def test_nobody_looks_by_djangos_prefix() -> None:
    """On SQLite it is LIKE, which takes large letters for small ones."""
    packages = [path.parent for path in Path(settings.BASE_DIR).glob("*/__init__.py") if path.parent.name != "tests"]
    ours = [path for package in packages for path in package.rglob("*.py")]

    assert [path for path in ours if re.search(r"__(startswith|endswith|contains)\b", path.read_text())] == []
