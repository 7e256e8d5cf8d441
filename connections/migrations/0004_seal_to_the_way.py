"""Credentials are bound to the authorities that a connection trusts; those of before were bound to its address alone."""

from typing import Any

from django.db import migrations

from connections.ways import described
from encryption import DecryptionError, seal, unseal


def seal_to_the_way(apps: Any, schema_editor: Any) -> None:
    """What does not open stays as it is: it has to be entered again, as before."""
    for row in apps.get_model("connections", "Connection").objects.exclude(sealed_credentials=""):
        way = described(row.parameters)
        if not way:
            continue
        place = f"connections.Connection/{row.pk}/sealed_credentials/{row.base_url}"
        try:
            opened = unseal(row.sealed_credentials, context=place)
        except DecryptionError:
            continue
        row.sealed_credentials = seal(opened, context=f"{place}{way}")
        row.save(update_fields=["sealed_credentials"])


class Migration(migrations.Migration):
    why_not_additive = (
        "What old code opens by the address alone would open wherever the certificate leads. Old processes can't use a "
        "connection with a CA certificate of its own after it: CHANGELOG.md says to stop them where there is one."
    )
    dependencies = [("connections", "0003_tokens_and_budgets")]

    operations = [migrations.RunPython(seal_to_the_way, migrations.RunPython.noop)]
