"""`/api/status`: for clients that look whether somebody is there before they log in."""

from django.http import HttpRequest
from django.utils import timezone

from api.auth.throttle import count_request
from api.resources import resource
from api.resources.base import with_errors
from api.resources.status.schemas import Status
from common.addresses import counted_address

router = resource("Status")


@router.get("", auth=None, response=with_errors(Status))
def get_status(request: HttpRequest) -> Status:
    """That the API answers. `/readyz` tells more."""
    count_request(f"ip:{counted_address(request)}")
    return Status(date=timezone.now(), message="Ok", invite_only_signup=True, redis_configured=True)
