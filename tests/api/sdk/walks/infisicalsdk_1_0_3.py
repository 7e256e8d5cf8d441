"""Walks through the official Python client of 2024. Run with that client's own Python, not with ours."""

import os

from infisical_sdk import InfisicalSDKClient

HERE = {"environment_slug": "dev", "secret_path": "/my-secrets", "project_id": os.environ["PROJECT_ID"]}

client = InfisicalSDKClient(host=os.environ["HOST"])
client.auth.universal_auth.login(os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])

created = client.secrets.create_secret_by_name("TOKEN", secret_value="a-1", secret_comment="first", **HERE)
assert (created.secretKey, created.secretValue) == ("TOKEN", "a-1")
client.secrets.create_secret_by_name("URL", secret_value="https://${TOKEN}", **HERE)
assert client.secrets.get_secret_by_name("URL", **HERE).secretValue == "https://a-1"
updated = client.secrets.update_secret_by_name("TOKEN", secret_value="a-2", **HERE)
assert (updated.secretValue, updated.version) == ("a-2", 2)
assert client.secrets.get_secret_by_name("TOKEN", version="1", **HERE).secretValue == "a-1"
listed = {each.secretKey: each.secretValue for each in client.secrets.list_secrets(**HERE).secrets}
assert (listed["TOKEN"], listed["URL"]) == ("a-2", "https://a-2")
assert client.secrets.delete_secret_by_name("URL", **HERE).secretKey == "URL"
print("walked")
