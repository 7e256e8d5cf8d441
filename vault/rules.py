"""What names and values must be; each check answers the cleaned input or says at which field what is allowed."""

from collections.abc import Callable

from django.core.exceptions import ValidationError

from vault.errors import Invalid
from vault.models import FOLDER_NAME, KEY, ROOT, SLUG

MAX_VALUE_BYTES = 64 * 1024


def clean_name(name: str) -> str:
    return _short("name", name.strip(), longest=64, required=True)


def clean_slug(slug: str) -> str:
    slug = _short("slug", slug.strip().lower(), longest=64, required=True)
    _matches("slug", slug, SLUG)
    return slug


def clean_description(description: str) -> str:
    return _short("description", description.strip(), longest=256)


def clean_comment(comment: str) -> str:
    return _short("comment", comment.strip(), longest=2000)


def clean_folder_name(name: str) -> str:
    name = _short("name", name.strip(), longest=255, required=True)
    _matches("name", name, FOLDER_NAME)
    return name


def clean_path(path: str) -> str:
    """ "/" or "/a/b": a slash too many at either end does no harm."""
    names = path.strip().strip("/").split("/")
    if names == [""]:
        return ROOT
    for name in names:
        if not name:
            raise Invalid("A path has one slash between two folders: /services/api.", field="path")
        _matches("path", _short("folder's name", name, longest=255), FOLDER_NAME)
    return _short("path", "/" + "/".join(names), longest=1024)


def clean_key(key: str) -> str:
    key = _short("key", key.strip(), longest=255, required=True)
    _matches("key", key, KEY)
    return key


def check_value(key: str, value: str) -> None:
    # The encoder's own error would carry the value, so it must not be chained.
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise Invalid(f"The value of {key} has characters that are not valid Unicode.", field="value") from None
    if "\0" in value:
        raise Invalid(
            f"The value of {key} has a NUL character, which an environment variable can't hold.", field="value"
        )
    if size > MAX_VALUE_BYTES:
        raise Invalid(f"The value of {key} is {size:,} bytes long; the limit is {MAX_VALUE_BYTES:,}.", field="value")


def _short(field: str, text: str, *, longest: int, required: bool = False) -> str:
    if required and not text:
        raise Invalid(f"Enter a {field}.", field=field)
    if len(text) > longest:
        raise Invalid(f"The {field} is {len(text)} characters long; the limit is {longest}.", field=field)
    if "\0" in text or (not text.isprintable() and not text.replace("\n", "").replace("\r", "").isprintable()):
        raise Invalid(f"The {field} has characters that can't be shown.", field=field)
    return text


def _matches(field: str, text: str, rule: Callable[[str], None]) -> None:
    try:
        rule(text)
    except ValidationError as error:
        raise Invalid(f"“{text[:60]}” can't be a {field}. {error.messages[0]}", field=field) from None
