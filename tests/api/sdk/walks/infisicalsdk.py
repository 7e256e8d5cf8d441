"""Walks through the official Python client. Run with that client's own Python, not with ours."""

import os

from infisical_sdk import InfisicalSDKClient
from infisical_sdk.infisical_requests import APIError

PROJECT = os.environ["PROJECT_ID"]
HERE = {"environment_slug": "dev", "secret_path": "/walk", "project_id": PROJECT}


def fails_with(status: int, call: object, **arguments: object) -> None:
    answered = None
    try:
        call(**arguments)  # type: ignore[operator]
    except APIError as error:
        answered = error.status_code
    assert answered == status


client = InfisicalSDKClient(host=os.environ["HOST"], cache_ttl=None)
fails_with(401, client.auth.universal_auth.login, client_id=os.environ["CLIENT_ID"], client_secret="wrong")
logged_in = client.auth.universal_auth.login(os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])
assert logged_in.tokenType == "Bearer"
assert logged_in.expiresIn > 0

folder = client.folders.create_folder(name="walk", environment_slug="dev", project_id=PROJECT, description="A walk")
assert (folder.name, folder.path, folder.description) == ("walk", "/walk", "A walk")
assert [each.name for each in client.folders.list_folders(PROJECT, "dev", "/").folders] == ["my-secrets", "walk"]
assert client.folders.get_folder_by_id(folder.id).environment.envSlug == "dev"
renamed = client.folders.update_folder(folder.id, "stroll", "dev", PROJECT)
assert renamed.path == "/stroll"
client.folders.update_folder(folder.id, "walk", "dev", PROJECT)

created = client.secrets.create_secret_by_name("TOKEN", secret_value="a-1", secret_comment="first", **HERE)
assert (created.secretKey, created.secretValue, created.secretComment, created.version) == ("TOKEN", "a-1", "first", 1)
client.secrets.create_secret_by_name("URL", secret_value="https://${TOKEN}", **HERE)
fails_with(400, client.secrets.create_secret_by_name, secret_name="TOKEN", secret_value="again", **HERE)

assert client.secrets.get_secret_by_name("URL", **HERE).secretValue == "https://a-1"
raw = client.secrets.get_secret_by_name("URL", expand_secret_references=False, **HERE)
assert raw.secretValue == "https://${TOKEN}"
fails_with(404, client.secrets.get_secret_by_name, secret_name="NONE", **HERE)

updated = client.secrets.update_secret_by_name("TOKEN", secret_value="a-2", new_secret_name="KEY", **HERE)
assert (updated.secretKey, updated.secretValue, updated.version) == ("KEY", "a-2", 2)
client.secrets.update_secret_by_name("URL", secret_value="https://${KEY}", **HERE)
assert client.secrets.get_secret_by_name("KEY", version="1", **HERE).secretValue == "a-1"

listed = client.secrets.list_secrets(**HERE)
assert {each.secretKey: each.secretValue for each in listed.secrets} == {"KEY": "a-2", "URL": "https://a-2"}
below = client.secrets.list_secrets(environment_slug="dev", secret_path="/", project_slug="acme-shop", recursive=True)
assert {each.secretPath for each in below.secrets} == {"/my-secrets", "/walk"}
hidden = client.secrets.list_secrets(view_secret_value=False, **HERE)
assert all(each.secretValueHidden for each in hidden.secrets)

deleted = client.secrets.delete_secret_by_name("URL", **HERE)
assert deleted.secretKey == "URL"
fails_with(404, client.secrets.delete_secret_by_name, secret_name="URL", **HERE)
assert client.folders.delete_folder(folder.id, "dev", PROJECT).name == "walk"
print("walked")
