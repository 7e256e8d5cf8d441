"""Which connections something uses that would stand still without them."""

from django.db.models import Exists, OuterRef, Q

from sources.models import LinkedProject
from syncs.models import DevinSync


def is_used() -> Q:
    """Of a connection: enabled syncs write through it, or projects that are kept elsewhere are read through it."""
    syncs = DevinSync.objects.filter(connection=OuterRef("pk"), is_enabled=True)
    links = LinkedProject.objects.filter(connection=OuterRef("pk"))
    return Q(Exists(syncs)) | Q(Exists(links))
