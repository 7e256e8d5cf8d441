"""The pages that show a value, to those who may read it: as stored, as a reader gets it, or in the form to edit it.

Whose value was seen, and what for, is noted. A copy goes from the answer to the clipboard, and is never to be seen.
"""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from vault.errors import VaultError
from vault.generating_form import GenerateForm
from vault.pages.access import actor_of, allowed, url_of, user_of
from vault.pages.asking import lines_of_reach
from vault.pages.secret_forms import edit_words, secret_form, show_in_form
from vault.pages.secrets import get_secret, show_secret, version_in
from vault.reading import reveal
from vault.resolved import reveal_resolved

COPY, EDIT = "to copy it", "to edit it"
NOT_IN_A_FORM = (
    "The value of {key} has carriage returns, which a page's form can't keep. Reveal it, and enter it anew; "
    "or change it by the API."
)


@sensitive_variables()
@require_POST
@allowed("vault.view_secret", "vault.reveal_secret")
def reveal_secret(request: HttpRequest, secret_id: UUID) -> HttpResponse:
    secret = get_secret(secret_id)
    version, is_copied = version_in(request) or secret.version, "copy" in request.POST
    try:
        value = reveal(secret, user_of(request), version=version, purpose=COPY if is_copied else "")
    except VaultError as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(url_of(secret))
    shown = {"revealed": exactly(value), "is_empty": not value, "revealed_version": version, "is_copied": is_copied}
    return _unstored(show_secret(request, secret, **shown))


@sensitive_variables()
@require_POST
@allowed("vault.view_secret", "vault.reveal_secret")
def resolve_secret(request: HttpRequest, secret_id: UUID) -> HttpResponse:
    secret = get_secret(secret_id)
    try:
        seen = reveal_resolved(secret, user_of(request))
    except VaultError as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(url_of(secret))
    shown = {"revealed": exactly(seen.value), "is_empty": not seen.value, "revealed_version": secret.version}
    return _unstored(show_secret(request, secret, **shown, is_resolved=True, parts=seen.parts))


@sensitive_variables()
@sensitive_post_parameters()
@require_POST
@allowed("vault.view_secret", "vault.change_secret", "vault.reveal_secret")
def reveal_to_edit(request: HttpRequest, secret_id: UUID) -> HttpResponse:
    secret = get_secret(secret_id)
    try:
        value = reveal(secret, user_of(request), purpose=EDIT)
    except VaultError as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(url_of(secret))
    if "\r" in value:
        messages.error(request, NOT_IN_A_FORM.format(key=secret.key))
        return HttpResponseRedirect(url_of(secret))
    form = show_in_form(request, secret, value)
    reach = lines_of_reach(secret.folder, secret.key, by=actor_of(request))
    action = reverse("admin:vault_secret_edit", args=[secret.pk])
    shown = {"reach": reach, "action": action, **edit_words(secret)}
    return _unstored(secret_form(request, form, GenerateForm(), back=secret, **shown))


def exactly(value: str) -> SafeString:
    """For a `<pre>`, from which a script reads it again: a browser takes a bare carriage return for a line's end."""
    return mark_safe(escape(value).replace("\r", "&#13;"))  # noqa: S308 - escaped right here


def _unstored(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    return response
