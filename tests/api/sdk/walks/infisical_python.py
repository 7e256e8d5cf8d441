"""Walks through the Python client that is made of Rust. Run with that client's own Python, not with ours."""

import os

from infisical_client import (
    AuthenticationOptions,
    ClientSettings,
    CreateSecretOptions,
    DeleteSecretOptions,
    GetSecretOptions,
    InfisicalClient,
    ListSecretsOptions,
    UniversalAuthMethod,
    UpdateSecretOptions,
)

HERE = {"environment": "dev", "project_id": os.environ["PROJECT_ID"], "path": "/my-secrets"}

login = UniversalAuthMethod(client_id=os.environ["CLIENT_ID"], client_secret=os.environ["CLIENT_SECRET"])
auth = AuthenticationOptions(universal_auth=login)
client = InfisicalClient(ClientSettings(auth=auth, cache_ttl=0, site_url=os.environ["HOST"]))

created = client.createSecret(CreateSecretOptions(secret_name="TOKEN", secret_value="a-1", **HERE))
assert (created.secret_key, created.secret_value) == ("TOKEN", "a-1")
client.createSecret(CreateSecretOptions(secret_name="URL", secret_value="https://${TOKEN}", **HERE))
# This client says of lists alone whether to expand references.
assert client.getSecret(GetSecretOptions(secret_name="URL", **HERE)).secret_value == "https://${TOKEN}"
client.updateSecret(UpdateSecretOptions(secret_name="TOKEN", secret_value="a-2", **HERE))
wishes = {"expand_secret_references": True, "include_imports": True, "recursive": True}
listed = client.listSecrets(ListSecretsOptions(**wishes, **HERE))
assert {each.secret_key: each.secret_value for each in listed}["URL"] == "https://a-2"
deleted = client.deleteSecret(DeleteSecretOptions(secret_name="URL", **HERE))
assert deleted.secret_key == "URL"
print("walked")
