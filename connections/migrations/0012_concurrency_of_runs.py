import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0011_rotate_permission"),
    ]

    operations = [
        migrations.AlterField(
            model_name="connection",
            name="concurrency",
            field=models.PositiveSmallIntegerField(
                default=4,
                help_text=(
                    "How many requests of runs may be under way at once, of all its organizations together. Shrinks by "
                    "itself when the service asks for patience."
                ),
                validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(16)],
            ),
        ),
    ]
