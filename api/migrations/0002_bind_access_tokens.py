import django.db.models.deletion
from django.db import migrations, models


def end_unbound_tokens(apps, schema_editor):
    """Nobody knows which client secret they were got for. Programs log in again."""
    apps.get_model("api", "AccessToken").objects.using(schema_editor.connection.alias).all().delete()


class Migration(migrations.Migration):
    dependencies = [("api", "0001_initial")]

    operations = [
        migrations.RunPython(end_unbound_tokens, migrations.RunPython.noop),
        migrations.AlterModelOptions(
            name="accesstoken", options={"ordering": ["-created_at"], "verbose_name": "access token"}
        ),
        migrations.AddField(
            model_name="accesstoken",
            name="client_secret",
            field=models.ForeignKey(
                default=None,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="access_tokens",
                to="api.clientsecret",
            ),
            preserve_default=False,
        ),
    ]
