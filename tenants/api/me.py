"""What a program may know about who it is."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.web.doors import door


@door("member")
class Me(APIView):
    """Who the caller is in this tenant, and what they may do there."""

    def get(self, request: Request, tenant: str) -> Response:  # noqa: ARG002 - the address's tenant
        """Answer the caller with their actions and the places of each."""
        actor = request._request.actor  # type: ignore[attr-defined]  # noqa: SLF001 - set by the middleware
        reaches = {action: reach for action, reach in actor.grants.by_action.items() if reach}
        return Response(
            {
                "id": str(actor.user_id),
                "tenant": actor.tenant,
                "name": actor.name,
                "email": actor.email,
                "language": actor.language,
                "timeZone": actor.zone,
                "instanceOwner": actor.is_instance_owner,
                "actions": {
                    action: {"namespaces": sorted(reach.places), "ownNamespaces": sorted(reach.own_places)}
                    for action, reach in sorted(reaches.items())
                },
            }
        )
