"""What the audit log says of a folder. It names other folders too: imports, and where secrets came from or went."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from vault.access import Place, can
from vault.access.asking import demand_at
from vault.models import Folder
from vault.pages.access import allowed, page, parents_of, url_of

# For those who see the whole project.
TAKES = ("vault.view_folder", "vault.view_secret")


def may_read_lines(user: Any, folder: Folder) -> bool:
    return all(can(user, right, Place(folder.environment.project_id)) for right in TAKES)


@allowed(*TAKES)
def lines_page(request: HttpRequest, folder_id: UUID) -> HttpResponse:
    folder = get_object_or_404(Folder.objects.select_related("environment__project"), pk=folder_id)
    demand_at(request.user, Place(folder.environment.project_id), *TAKES)
    context = {"folder": folder, "parents": parents_of(folder), "back_url": url_of(folder)}
    return page(request, "lines", title="History", **context)
