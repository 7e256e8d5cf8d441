"""`python -m tests.releases.roll make URL | ask NAME… | change | wanted NAME…`: what a person does during a rolling
upgrade, by the code of the folder that this is run in. It keeps to what both versions have."""

import json
import sys

from tests.releases.carry_on import lead_to, settle_what_died, wanted

ROLLED = {"one": "org-one", "two": "org-two"}


def make(url: str) -> None:
    """Two more syncs of what `shop-to-devin` reads, each to an organization of its own."""
    from syncs.models import DevinSync

    lead_to(url)
    settle_what_died()
    first = DevinSync.objects.get(name="shop-to-devin")
    for name, org_id in ROLLED.items():
        DevinSync.objects.create(
            name=name, project=first.project, folder=first.folder, connection=first.connection, org_id=org_id
        )


def ask(names: list[str]) -> list[str]:
    """The ids of the runs."""
    from syncs.choices import Operation, Trigger
    from syncs.models import DevinSync
    from syncs.runs.ask import request_run

    runs = [
        request_run(sync, trigger=Trigger.MANUAL, operation=Operation.SYNC)
        for sync in DevinSync.objects.filter(name__in=names)
    ]
    return [str(run.pk) for run in runs]


def change() -> None:
    from vault.editing import Actor, set_secrets
    from vault.models import Folder

    folder = Folder.objects.get(environment__slug="dev", path="/app")
    set_secrets(folder, {"TEXT": "changed while old and new go on"}, by=Actor.on_command_line())


def main() -> None:
    import django

    django.setup()
    command, *arguments = sys.argv[1:]
    if command == "make":
        make(arguments[0])
    elif command == "change":
        change()
    elif command == "ask":
        print(json.dumps(ask(arguments)))
    else:
        print(json.dumps(wanted(arguments)))


if __name__ == "__main__":
    main()
