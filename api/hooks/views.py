"""`POST /hooks/infisical/{id}`: the same answer for a hook that is not there as for a message that is not real."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from api.auth.throttle import count_request
from api.hooks.receiving import receive
from api.http.errors import TooManyRequests
from common.addresses import counted_address
from sources.infisical.messages import HEADER, LARGEST


@csrf_exempt
@require_POST
def infisical_hook(request: HttpRequest, hook_id: str) -> HttpResponse:
    """What it is sent is read up to a size, believed by its signature, and then only where something changed."""
    try:
        count_request(f"hook {counted_address(request)}"[:255])
    except TooManyRequests as error:
        later = {"Retry-After": str(error.retry_after)}
        return JsonResponse({"message": "Too many messages."}, status=429, headers=later)
    body = request.read(LARGEST + 1)
    if len(body) > LARGEST:
        return JsonResponse({"message": "The message is too large."}, status=413)
    if not receive(_id(hook_id), body, request.headers.get(HEADER, "")):
        return JsonResponse({"message": "The message is not accepted."}, status=401)
    return JsonResponse({"message": "Thank you."})


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
