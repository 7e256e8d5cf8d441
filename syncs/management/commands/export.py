"""`manage.py export`: connections, syncs and sync sets as YAML, for git. Without keys and values."""

from typing import Any

import yaml
from django.core.management.base import BaseCommand

from syncs.editing.declaration import describe_all
from syncs.editing.declaration_schema import declaration_schema
from syncs.editing.declared_organizations import with_names
from syncs.management import answers

HEAD = (
    "# Connections, syncs and sync sets of DevinSync. Apply with: manage.py apply FILE\n"
    "# API keys are not in here: enter them in the admin, or name an environment variable with api_key_env.\n"
)


class Command(BaseCommand):
    help = (
        "Prints all connections, syncs and sync sets as YAML, which `apply` takes. It holds no API key and no secret."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--schema", action="store_true", help="Print the JSON Schema of the document instead.")
        answers.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["schema"]:
            answers.print_json(self, declaration_schema())
        elif options["json"]:
            answers.print_json(self, describe_all())
        else:
            document = describe_all()
            text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
            self.stdout.write(HEAD + with_names(document, text), ending="")
