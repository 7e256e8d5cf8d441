"""A person sets up, names and removes their own second factor."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from accounts.models import Factor, RecoveryCode
from accounts.second_factor import factors, pages, totp
from audit.models import Entry
from encryption import key_id_of
from encryption.keyring import generate_key
from tests.accounts.second_factor.conftest import Clock, Phone

pytestmark = pytest.mark.django_db
LogIn = Callable[..., Client]
APP = "/admin/second-factor/app/"


def details() -> list[str]:
    return list(Entry.objects.exclude(detail="").order_by("id").values_list("detail", flat=True))


def shown_secret(page: Any) -> str:
    return str(page.context["secret"]).replace(" ", "")


def test_an_app_is_added_by_its_code(alice: User, clock: Clock, log_in: LogIn) -> None:
    client, elsewhere = log_in(), log_in()
    page = client.get(APP)
    code = totp.code_at(shown_secret(page), totp.current_step())

    answer = client.post(APP, {"kept": page.context["kept"], "name": "Work phone", "code": f"{code[:3]} {code[3:]}"})

    factor = Factor.objects.get(user=alice)
    assert (factor.kind, factor.name) == ("app", "Work phone")
    codes = answer.context["codes"]
    assert len(set(codes)) == RecoveryCode.objects.filter(user=alice).count() == 10
    assert all(code in unquote(answer.context["download"]) for code in codes)
    assert "Set up a second factor: Authenticator app “Work phone”." in details()
    assert client.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/").status_code == 302


def test_the_secret_is_kept_nowhere_in_clear(alice: User, clock: Clock, log_in: LogIn) -> None:
    client = log_in()
    page = client.get(APP)
    secret = shown_secret(page)
    code = totp.code_at(secret, totp.current_step())

    assert secret not in str(dict(client.session))
    answer = client.post(APP, {"kept": page.context["kept"], "name": "Phone", "code": code})

    rows = [*Factor.objects.values_list("sealed_secret"), *RecoveryCode.objects.values_list("sealed_code")]
    shown = [secret, *answer.context["codes"]]
    assert not [text for text in shown for row in rows if text in str(row)]
    after = client.get("/admin/second-factor/").content.decode() + str(dict(client.session)) + str(details())
    assert not [text for text in shown if text in after]


def test_a_wrong_code_adds_nothing_and_keeps_the_secret(alice: User, clock: Clock, log_in: LogIn) -> None:
    client = log_in()
    page = client.get(APP)

    again = client.post(APP, {"kept": page.context["kept"], "name": "Phone", "code": "000000"})

    assert "not the code" in again.content.decode()
    assert shown_secret(again) == shown_secret(page)
    assert not factors.has_any(alice)


@pytest.mark.parametrize("kind", ["of another person", "altered", "old"])
def test_a_secret_that_was_not_shown_to_this_person_is_not_taken(
    alice: User, clock: Clock, log_in: LogIn, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    User.objects.create_user("bob", password="correct-horse-8", is_staff=True)
    page = (log_in("bob", "correct-horse-8") if kind == "of another person" else log_in()).get(APP)
    secret, kept = shown_secret(page), page.context["kept"]
    if kind == "old":
        monkeypatch.setattr(pages, "LONGEST_SET_UP", 0)
    if kind == "altered":
        kept = kept[:-2]

    code = totp.code_at(secret, totp.current_step())
    log_in().post(APP, {"kept": kept, "name": "Phone", "code": code})

    assert not factors.has_any(alice)


def test_the_qr_code_is_drawn_within_the_page(alice: User, log_in: LogIn) -> None:
    html = log_in().get(APP).content.decode()

    assert re.search(r'<path d="M\d+ \d+h1v1h-1z', html)
    assert "style=" not in html[html.index('<svg class="ds-qr"') : html.index("</form>", html.index("ds-qr"))]


def test_a_second_app_makes_no_new_codes(alice: User, phone: Phone, log_in_fully: Callable[[], Client]) -> None:
    client = log_in_fully()
    page = client.get(APP)
    code = totp.code_at(shown_secret(page), totp.current_step())

    answer = client.post(APP, {"kept": page.context["kept"], "name": "Tablet", "code": code})

    assert answer["Location"] == "/admin/second-factor/"
    assert Factor.objects.count() == 2
    assert factors.take_recovery_code(alice, phone.recovery[0])


def test_new_codes_end_the_old_ones(alice: User, phone: Phone, log_in_fully: Callable[[], Client]) -> None:
    client = log_in_fully()
    asked = client.get("/admin/second-factor/codes/")

    answer = client.post("/admin/second-factor/codes/")

    assert "The 10 that you have left stop working" in asked.content.decode()
    assert not factors.take_recovery_code(alice, phone.recovery[0])
    assert factors.take_recovery_code(alice, answer.context["codes"][0])
    assert "Made new recovery codes." in details()


def test_no_codes_without_a_factor(alice: User, log_in: LogIn) -> None:
    log_in().post("/admin/second-factor/codes/")

    assert not RecoveryCode.objects.exists()


def test_one_is_named_and_removed(alice: User, phone: Phone, log_in_fully: Callable[[], Client]) -> None:
    client, factor = log_in_fully(), Factor.objects.get()

    client.post(f"/admin/second-factor/{factor.pk}/rename/", {"name": "Old phone"})
    asked = client.get(f"/admin/second-factor/{factor.pk}/remove/").content.decode()
    client.post(f"/admin/second-factor/{factor.pk}/remove/")

    assert "by your password alone" in asked
    assert not factors.has_any(alice)
    assert not RecoveryCode.objects.exists()
    assert details()[-2:] == [
        "Renamed a second factor: Authenticator app “Phone” is now “Old phone”.",
        "Removed a second factor: Authenticator app “Old phone”.",
    ]


@pytest.mark.parametrize("page", ["rename", "remove"])
def test_nobody_touches_that_of_another(alice: User, phone: Phone, log_in: LogIn, page: str) -> None:
    User.objects.create_superuser("root", password="correct-horse-8")
    client, factor = log_in("root", "correct-horse-8"), Factor.objects.get()

    assert client.post(f"/admin/second-factor/{factor.pk}/{page}/", {"name": "Mine"}).status_code == 404
    assert Factor.objects.get().name == "Phone"


def test_all_of_it_takes_part_in_a_rotation_of_keys(alice: User, phone: Phone, settings: LazySettings) -> None:
    settings.ENCRYPTION_KEYS = [generate_key(), *settings.ENCRYPTION_KEYS]

    call_command("rotate_encryption_keys", verbosity=0)

    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    assert len({key_id_of(row.sealed_code) for row in RecoveryCode.objects.all()}) == 1
    assert factors.take_app_code(alice, phone.code())
    assert factors.take_recovery_code(alice, phone.recovery[9])


def test_a_name_hides_nothing(alice: User, phone: Phone, log_in_fully: Callable[[], Client]) -> None:
    log_in_fully().post(f"/admin/second-factor/{Factor.objects.get().pk}/rename/", {"name": "a\u202eb"})

    assert Factor.objects.get().name == "a‹U+202E›b"
