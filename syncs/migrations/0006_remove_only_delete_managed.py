from django.db import migrations


class Migration(migrations.Migration):
    """`strangers` stands for it. By itself: PostgreSQL changes no table whose rows the same transaction has changed."""

    dependencies = [
        ("syncs", "0005_deletions_and_hand_overs"),
    ]

    operations = [
        migrations.RemoveField(model_name="devinsync", name="only_delete_managed"),
    ]
