"""What names and values must be; each check answers the cleaned input or says at which field what is allowed."""

import unicodedata
from collections.abc import Callable

from django.core.exceptions import ValidationError

from common.key_material import looks_like_key_material
from common.patterns import validate_slug
from common.visible import TURNING
from vault.errors import Invalid
from vault.limits import (
    LONGEST_COMMENT,
    LONGEST_FOLDER_NAME,
    LONGEST_KEY,
    LONGEST_OWNER,
    LONGEST_PATH,
    LONGEST_SLUG,
    MAX_VALUE_BYTES,
)
from vault.models import FOLDER_NAME, KEY, ROOT
from vault.references import ESCAPING, BadReference, check_references

KEY_MATERIAL = "This name looks like key material, and names are shown in clear. Enter it as a value, under a name."


def clean_name(name: str) -> str:
    return _short("name", name.strip(), longest=64, required=True)


def clean_slug(slug: str) -> str:
    slug = _short("slug", slug.strip().lower(), longest=LONGEST_SLUG, required=True)
    _matches("slug", slug, validate_slug)
    return slug


def clean_description(description: str) -> str:
    return _short("description", description.strip(), longest=256, lines=True)


def clean_comment(comment: str) -> str:
    """Any text: only control characters are refused, and of these not the tab and the line break."""
    comment = comment.replace("\r\n", "\n").replace("\r", "\n").strip()
    return _short("comment", comment, longest=LONGEST_COMMENT, lines=True)


def clean_owner(owner: str) -> str:
    return _short("owner", owner.strip(), longest=LONGEST_OWNER)


def clean_folder_name(name: str) -> str:
    name = _short("name", name.strip(), longest=LONGEST_FOLDER_NAME, required=True)
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
        _matches("path", _short("path", name, called="folder's name", longest=LONGEST_FOLDER_NAME), FOLDER_NAME)
    return _short("path", "/" + "/".join(names), longest=LONGEST_PATH)


def clean_key(key: str) -> str:
    key = _short("key", key.strip(), longest=LONGEST_KEY, required=True)
    if looks_like_key_material(key):
        raise Invalid(KEY_MATERIAL, field="key")
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


def check_resolvable(key: str, value: str) -> None:
    """Refuses a reference that can never be resolved; one that leads nowhere yet may lead somewhere soon."""
    try:
        check_references(value)
    except BadReference as error:
        raise Invalid(f"The value of {key} can't be saved: {error}. {ESCAPING}", field="value") from None


def _short(
    field: str, text: str, *, longest: int, required: bool = False, lines: bool = False, called: str = ""
) -> str:
    what = called or field
    if required and not text:
        raise Invalid(f"Enter a {what}.", field=field)
    if len(text) > longest:
        raise Invalid(f"The {what} is {len(text)} characters long; the limit is {longest}.", field=field)
    allowed = "\n\t" if lines else ""
    if any(unicodedata.category(char) in ("Cc", "Cs") and char not in allowed for char in text):
        raise Invalid(f"The {what} has control characters. Remove them.", field=field)
    if not lines and not TURNING.isdisjoint(text):
        raise Invalid(f"The {what} has characters that turn round the text beside them. Remove them.", field=field)
    return text


def _matches(field: str, text: str, rule: Callable[[str], None]) -> None:
    try:
        rule(text)
    except ValidationError as error:
        raise Invalid(f"“{text[:60]}” can't be a {field}. {error.messages[0]}", field=field) from None
