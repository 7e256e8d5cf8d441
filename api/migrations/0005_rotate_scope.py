from typing import Any

from django.db import migrations

WRITE, ROTATE = "connections:write", "connections:rotate"


def let_whoever_writes_rotate(apps: Any, schema_editor: Any) -> None:
    """Until now a token that may change connections may have their keys rotated, too: none loses that."""
    for name in ("ApiToken", "MachineIdentity"):
        rows = apps.get_model("api", name).objects.using(schema_editor.connection.alias)
        for row in rows.exclude(scopes=[]):
            if WRITE in row.scopes and ROTATE not in row.scopes:
                rows.filter(pk=row.pk).update(scopes=[*row.scopes, ROTATE])


class Migration(migrations.Migration):
    why_not_additive = "Names a scope that only this version knows; old code takes an unknown one as allowing nothing."

    dependencies = [
        ("api", "0004_hooks"),
    ]

    operations = [migrations.RunPython(let_whoever_writes_rotate, migrations.RunPython.noop)]
