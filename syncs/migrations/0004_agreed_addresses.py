from typing import Any

from django.db import migrations, models
from django.db.models import F, OuterRef, Subquery


def take_present_addresses(apps: Any, schema_editor: Any) -> None:
    """What runs today goes on: its connection leads where somebody has chosen that it leads."""
    syncs, connections = apps.get_model("syncs", "DevinSync"), apps.get_model("connections", "Connection")
    address = connections.objects.filter(pk=OuterRef("connection_id")).values("base_url")
    syncs.objects.update(agreed_connection_id=F("connection_id"), agreed_base_url=Subquery(address))


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0001_initial"),
        ("syncs", "0003_one_wording_of_each_field"),
    ]

    operations = [
        migrations.AddField(
            model_name="devinsync",
            name="agreed_base_url",
            field=models.CharField(blank=True, editable=False, max_length=255),
        ),
        migrations.AddField(
            model_name="devinsync",
            name="agreed_connection_id",
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.RunPython(take_present_addresses, migrations.RunPython.noop),
    ]
