"""Which providers the environment names: whole, or the start says what is missing."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from common.environment import Environment
from common.single_sign_on_settings import read_providers, require_way_in

WHOLE = {
    "SSO_PROVIDERS": "acme, staff-google",
    "SSO_ACME_ISSUER": "https://acme.example/realms/main",
    "SSO_ACME_CLIENT_ID": "one",
    "SSO_ACME_CLIENT_SECRET": "s1",
    "SSO_ACME_GROUPS": "platform=Editor, cn=on-call,ou=teams=Operator",
    "SSO_STAFF_GOOGLE_ISSUER": "https://accounts.google.com",
    "SSO_STAFF_GOOGLE_CLIENT_ID": "two",
    "SSO_STAFF_GOOGLE_CLIENT_SECRET": "s2",
    "SSO_STAFF_GOOGLE_LABEL": "Google",
    "SSO_STAFF_GOOGLE_REQUIRED_CLAIMS": "hd=example.com",
}


def test_several_providers_are_read_in_their_order(tmp_path: Any) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from a file\n")
    given = {name: text for name, text in WHOLE.items() if name != "SSO_ACME_CLIENT_SECRET"}
    given["SSO_ACME_GROUPS"] = "platform=Editor, cn=on-call=Operator"

    acme, google = read_providers(Environment(given | {"SSO_ACME_CLIENT_SECRET_FILE": str(secret)})).values()

    assert (acme.label, google.label, acme.client_secret) == ("Acme", "Google", "from a file")
    assert acme.groups == (("platform", "Editor"), ("cn=on-call", "Operator"))
    assert google.required == (("hd", "example.com"),)
    assert acme.creates_people
    assert not acme.trusts_email
    assert "from a file" not in repr(acme)


def test_what_is_not_whole_stops_the_start() -> None:
    faults: list[tuple[dict[str, str], str]] = [
        ({"SSO_PROVIDERS": "Acme"}, "SSO_PROVIDERS"),
        ({"SSO_PROVIDERS": "acme,acme"}, "SSO_PROVIDERS"),
        ({"SSO_PROVIDERS": "acme/x"}, "SSO_PROVIDERS"),
        ({"SSO_ACME_CLIENT_ID": ""}, "SSO_ACME_CLIENT_ID"),
        ({"SSO_ACME_CLIENT_SECRET": " "}, "SSO_ACME_CLIENT_SECRET"),
        ({"SSO_ACME_ISSUER": "http://acme.example"}, "SSO_ACME_ISSUER"),
        ({"SSO_ACME_ISSUER": "https://user:hidden@acme.example"}, "SSO_ACME_ISSUER"),
        ({"SSO_ACME_GROUPS": "platform"}, "SSO_ACME_GROUPS"),
        ({"SSO_ACME_SCOPES": "profile"}, "SSO_ACME_SCOPES"),
        ({"SSO_ACME_TRUSTS_EMAIL": "perhaps"}, "SSO_ACME_TRUSTS_EMAIL"),
    ]
    for change, named in faults:
        with pytest.raises(ImproperlyConfigured, match=named) as caught:
            read_providers(Environment(WHOLE | {"SSO_ACME_GROUPS": "platform=Editor"} | change))
        assert "hidden" not in str(caught.value)
    for only, glass in ((True, ""), (True, "glass"), (False, "glass")):
        with pytest.raises(ImproperlyConfigured):
            require_way_in({}, only=only, break_glass=glass)
