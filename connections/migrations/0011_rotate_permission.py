from typing import Any

from django.db import migrations


def let_whoever_changes_rotate(apps: Any, schema_editor: Any) -> None:
    """Until now whoever may change connections may have their keys rotated, too: nobody loses that."""
    using = schema_editor.connection.alias
    permission = apps.get_model("auth", "Permission").objects.using(using)
    change = permission.filter(content_type__app_label="connections", codename="change_connection").first()
    if change is None:
        # A new installation: whoever gets rights later gets this one by itself.
        return
    rotate, _ = permission.get_or_create(
        content_type_id=change.content_type_id,
        codename="rotate_connection",
        defaults={"name": "Can have the API key of a connection rotated"},
    )
    rotate.group_set.add(*change.group_set.all())
    rotate.user_set.add(*change.user_set.all())


class Migration(migrations.Migration):
    why_not_additive = "Gives a permission that only this version asks for to whoever had what it asked for before."

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("connections", "0010_credentials_set_at"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="connection",
            options={
                "ordering": ["name"],
                "permissions": [
                    ("use_connection", "Can test a connection and choose it for a sync"),
                    ("rotate_connection", "Can have the API key of a connection rotated"),
                ],
            },
        ),
        migrations.RunPython(let_whoever_changes_rotate, migrations.RunPython.noop),
    ]
