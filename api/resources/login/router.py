"""`/api/v1/auth`: a client secret in, an access token out."""

from django.http import HttpRequest
from django.utils import timezone

from api.auth.callers import Bearer, identify
from api.auth.throttle import LogInFailed, count_request, guarding_log_in
from api.auth.tokens import Token
from api.http.errors import NotAuthenticated, TooManyRequests
from api.models import AccessToken, ClientSecret, MachineIdentity
from api.resources import resource
from api.resources.base import with_errors
from api.resources.login.schemas import Checked, LoggedIn, LogIn, Revoked, TokenIn
from api.resources.lookups import as_uuid
from audit.capture import UNKNOWN, note_failed_log_in
from common.addresses import client_address, counted, counted_address, is_allowed

router = resource("Authentication")

REFUSED = "Client ID and client secret do not go together, or may not be used from here."


@router.post("/universal-auth/login", auth=None, response=with_errors(LoggedIn))
def log_in(request: HttpRequest, body: LogIn) -> LoggedIn:
    """Exchanges a client secret for an access token. Three failures from one address lock the client ID there for five
    minutes (429); nobody elsewhere can lock a program out."""
    address = client_address(request)
    count_request(f"ip:{counted(address)}")
    try:
        # A UUID can be spelled in many ways, each of which would have failures of its own.
        with guarding_log_in(str(as_uuid(body.client_id) or body.client_id), counted(address)):
            secret = find_secret(body, address)
    except (LogInFailed, TooManyRequests) as error:
        is_locked = isinstance(error, TooManyRequests)
        note_failed(body, "locked out" if is_locked else "wrong client secret")
        raise (error if is_locked else NotAuthenticated(REFUSED)) from None
    secret.note_use(address)
    row, token = secret.issue_access_token()
    return as_answer(row, token)


def note_failed(body: LogIn, why: str) -> None:
    """A client ID that nobody has is not kept: it may be anything that a client has sent."""
    client_id = as_uuid(body.client_id)
    identity = MachineIdentity.objects.filter(client_id=client_id).first() if client_id is not None else None
    actor = f"machine identity {identity.name}" if identity is not None else UNKNOWN
    note_failed_log_in(actor, detail="By client ID and client secret.", lacking=why)


@router.post("/token/renew", auth=None, response=with_errors(LoggedIn))
def renew_token(request: HttpRequest, body: TokenIn) -> LoggedIn:
    """Prolongs a live access token, up to the longest lifetime of its identity."""
    row = live_access_token(request, body)
    row.renew()
    return as_answer(row, body.access_token)


@router.post("/checkAuth", auth=Bearer(), response=with_errors(Checked))
def check_auth(request: HttpRequest) -> Checked:
    """Whether the token that came with the request lives."""
    return Checked(message="Authenticated")


@router.post("/token/revoke", auth=None, response=with_errors(Revoked))
def revoke_token(request: HttpRequest, body: TokenIn) -> Revoked:
    """Ends an access token at once."""
    live_access_token(request, body).revoke()
    return Revoked(message="The access token is revoked.")


def find_secret(body: LogIn, address: str) -> ClientSecret:
    """Raises LogInFailed, for whatever reason alike."""
    token = Token.parse(body.client_secret)
    client_id = as_uuid(body.client_id)
    found = None
    if token is not None and client_id is not None:
        secrets = ClientSecret.objects.select_related("identity__user")
        found = secrets.filter(prefix=token.prefix, identity__client_id=client_id).first()
    proven = (token or Token("", "", body.client_secret)).proves(found.digest if found else None)
    if found is None or not proven or not found.is_live or not may_log_in(found.identity, address):
        raise LogInFailed
    return found


def may_log_in(identity: MachineIdentity, address: str) -> bool:
    return identity.is_enabled and identity.user.is_active and is_allowed(address, identity.allowed_networks)


def live_access_token(request: HttpRequest, body: TokenIn) -> AccessToken:
    count_request(f"ip:{counted_address(request)}")
    credential = identify(body.access_token, client_address(request)).credential
    if not isinstance(credential, AccessToken):
        raise NotAuthenticated("This is no access token of a machine identity.", is_invalid=True)
    return credential


def as_answer(row: AccessToken, token: str) -> LoggedIn:
    expires_at = row.expires_at or timezone.now()
    return LoggedIn(
        access_token=token,
        expires_in=max(round((expires_at - timezone.now()).total_seconds()), 0),
        accessTokenMaxTTL=row.identity.token_max_ttl,
        token_type="Bearer",  # noqa: S106
    )
