from typing import Any

from django.db import migrations, models
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import TruncDate

from vault.rotation import first_due


def note_what_is_known(apps: Any, schema_editor: Any) -> None:
    """The newest version says when the value was entered; who asked for reminders by the API gets them."""
    secrets = apps.get_model("vault", "Secret").objects
    versions = apps.get_model("vault", "SecretVersion").objects
    newest = versions.filter(secret_id=OuterRef("pk"), version=OuterRef("version")).values("created_at")[:1]
    secrets.update(rotated_on=TruncDate(Subquery(newest)))
    secrets.filter(rotated_on=None).update(rotated_on=TruncDate(F("created_at")))
    for secret in secrets.filter(reminder_days__gt=0).defer("sealed_value").iterator():
        due_on = first_due(rotated_on=secret.rotated_on, every_days=secret.reminder_days, rotate_by=None)
        secrets.filter(pk=secret.pk).update(due_on=due_on)


class Migration(migrations.Migration):
    dependencies = [
        ("vault", "0006_bind_rows_to_their_places"),
    ]

    operations = [
        migrations.AddField(
            model_name="secret",
            name="owner",
            field=models.CharField(blank=True, max_length=254),
        ),
        migrations.AddField(
            model_name="secret",
            name="rotated_on",
            field=models.DateField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="secret",
            name="rotate_by",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="secret",
            name="due_on",
            field=models.DateField(db_index=True, editable=False, null=True),
        ),
        migrations.RunPython(note_what_is_known, migrations.RunPython.noop),
    ]
