"""What slugs and organization ids look like, for models, forms and the API's document alike."""

from django.core.validators import RegexValidator

SLUG = "[a-z0-9]+(-[a-z0-9]+)*"
SLUG_RULE = "Lower-case letters and digits, in words joined by single hyphens."
# Devin's own, as its API accepts them in paths.
ORG_ID = "org-[A-Za-z0-9_-]{1,124}"

validate_slug = RegexValidator(
    rf"^{SLUG}\Z", "Use lower-case letters and digits, in words joined by single hyphens: my-project."
)
validate_org_id = RegexValidator(
    rf"^{ORG_ID}\Z", 'An organization ID starts with "org-", followed by letters, digits, "-" or "_".'
)
