from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0009_rotation_schedule"),
    ]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="credentials_set_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
