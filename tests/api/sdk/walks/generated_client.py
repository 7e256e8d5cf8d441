"""Walks the whole way of a sync with a client that openapi-python-client made from the document."""

import os

from devinsync_api import AuthenticatedClient, Client
from devinsync_api.api.app_connections import create_devin_connection, delete_devin_connection
from devinsync_api.api.authentication import log_in
from devinsync_api.api.folders import create_folder
from devinsync_api.api.projects import create_project
from devinsync_api.api.runs import get_sync_run
from devinsync_api.api.secret_syncs import (
    create_devin_sync,
    delete_devin_sync,
    list_sync_runs,
    plan_devin_sync,
    sync_secrets,
    update_devin_sync,
)
from devinsync_api.api.secrets_v_4 import create_many_secrets, list_all_secrets, update_one_secret
from devinsync_api.models import (
    CreateConnection,
    CreateFolder,
    CreateProject,
    CreateSecrets,
    CreateSync,
    DeleteDevinSyncRemovesecrets,
    DestinationConfigIn,
    DevinCredentials,
    LogIn,
    NewSecret,
    SyncOptionsIn,
    SyncOptionsInInitialsyncbehavior,
    UpdateSecret,
    UpdateSync,
)

HOST = os.environ["HOST"]
log_in_body = LogIn(client_id=os.environ["CLIENT_ID"], client_secret=os.environ["CLIENT_SECRET"])
token = log_in.sync(client=Client(base_url=HOST), body=log_in_body).access_token
client = AuthenticatedClient(base_url=HOST, token=token, raise_on_unexpected_status=True, timeout=None)

project = create_project.sync(client=client, body=CreateProject(project_name="Generated")).project
place = {"project_id": str(project.id), "environment": "dev"}
create_folder.sync(client=client, body=CreateFolder(name="made", **place))
secrets = [NewSecret(secret_key=key, secret_value="v-1") for key in ("ONE", "TWO")]
made = create_many_secrets.sync(client=client, body=CreateSecrets(secret_path="/made", secrets=secrets, **place))
assert [each.secret_key for each in made.secrets] == ["ONE", "TWO"]

credentials = DevinCredentials(api_key=os.environ["DEVIN_API_KEY"], base_url=os.environ["DEVIN_URL"])
connection = create_devin_connection.sync(
    client=client, body=CreateConnection(name="generated", credentials=credentials)
).app_connection
sync = create_devin_sync.sync(
    client=client,
    body=CreateSync(
        name="generated",
        connection_id=connection.id,
        secret_path="/made",
        sync_options=SyncOptionsIn(
            initial_sync_behavior=SyncOptionsInInitialsyncbehavior.OVERWRITE_DESTINATION,
            auto_sync_enabled=False,
            key_schema="G_{{secretKey}}",
        ),
        destination_config=DestinationConfigIn(org_id=os.environ["DEVIN_ORG"]),
        **place,
    ),
).secret_sync
assert sync.sync_options.key_schema == "G_{{secretKey}}"
assert plan_devin_sync.sync(sync.id, client=client).plan.counts.create == 2
assert sync_secrets.sync(sync.id, client=client, wait=20).secret_sync.sync_status == "succeeded"
(run,) = list_sync_runs.sync(sync.id, client=client).sync_runs
assert {change.destination_key for change in get_sync_run.sync(run.id, client=client).sync_run.changes} == {
    "G_ONE",
    "G_TWO",
}

update_one_secret.sync("ONE", client=client, body=UpdateSecret(secret_path="/made", secret_value="v-2", **place))
listed = list_all_secrets.sync(client=client, secret_path="/made", **place)
assert {each.secret_key: each.secret_value for each in listed.secrets} == {"ONE": "v-2", "TWO": "v-1"}
renamed = update_devin_sync.sync(sync.id, client=client, body=UpdateSync(name="renamed")).secret_sync
assert (renamed.name, renamed.version) == ("renamed", 2)
gone = delete_devin_sync.sync(
    sync.id, client=client, remove_secrets=DeleteDevinSyncRemovesecrets.TRUE, wait=20
).secret_sync
assert gone.remove_status == "succeeded"
assert delete_devin_connection.sync(connection.id, client=client).app_connection.name == "generated"
print("walked")
