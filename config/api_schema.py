"""OpenAPI of the API, with what the router alone cannot know: scopes, refusals, and how answers lead on to requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext as _
from ninja.openapi.schema import REF_TEMPLATE, OpenAPISchema
from ninja.operation import Operation

from crm.api.auth import Token
from crm.api.problems import MEDIA_TYPE, ProblemOut
from crm.models.staff import Role

if TYPE_CHECKING:
    from ninja import NinjaAPI

WRITES = ("POST", "PATCH", "PUT", "DELETE")
# address → parameter of the next request → where it stands in the answer. What one may go on to from there.
LEADS_TO: dict[str, dict[str, dict[str, str]]] = {
    "customer_save": {
        name: {"pk": "$response.body#/record/id"}
        for name in ("customer", "customer_change", "identities", "identity_claim", "consents", "consent_record")
    },
    "account_save": {
        name: {"pk": "$response.body#/record/id"}
        for name in ("account", "account_change", "stakeholders", "stakeholder_save")
    },
    "order_save": {"order": {"pk": "$response.body#/record/id"}},
    "product_save": {"product": {"pk": "$response.body#/record/id"}},
    "identity_claim": {
        "identity_withdraw": {"pk": "$response.body#/customer", "link": "$response.body#/id"},
        "identities": {"pk": "$response.body#/customer"},
    },
}


class Truth(OpenAPISchema):
    def __init__(self, api: NinjaAPI, path_prefix: str) -> None:
        super().__init__(api, path_prefix)
        self["servers"] = [{"url": settings.HARK_URL}]
        for unused in [name for name in self.schemas if name.endswith("Filter")]:
            del self.schemas[unused]
        self.schemas["Problem"] = ProblemOut.model_json_schema(ref_template=REF_TEMPLATE)
        self.schemas |= self.schemas["Problem"].pop("$defs")

    def operation_details(self, operation: Operation) -> dict[str, Any]:
        operation.operation_id = operation.url_name
        details: dict[str, Any] = super().operation_details(operation)
        guard = token_of(operation)
        details["x-roles"] = [role for role in Role.values if role in guard.roles]
        return details

    def operation_parameters(self, operation: Operation) -> list[dict[str, Any]]:
        """Less the null: a parameter is there or it is not."""
        found: list[dict[str, Any]] = super().operation_parameters(operation)
        for each in found:
            kinds = [kind for kind in each["schema"].pop("anyOf", []) if kind != {"type": "null"}]
            each["schema"] = {**(kinds[0] if kinds else {}), **each["schema"]}
        return found

    def operation_security(self, operation: Operation) -> list[dict[str, Any]]:
        self.securitySchemes["token"] = {
            "type": "http", "scheme": "bearer", "description": _("A token from Team settings: Bearer hark_…"),
        }  # fmt: skip
        return [{"token": [token_of(operation).scope.value]}]

    def responses(self, operation: Operation) -> dict[int, Any]:
        found: dict[int, Any] = super().responses(operation)
        for answer in found.values():
            if leads := LEADS_TO.get(operation.url_name):
                answer["links"] = {name: {"operationId": name, "parameters": known} for name, known in leads.items()}
        problem = {MEDIA_TYPE: {"schema": {"$ref": REF_TEMPLATE.format(model="Problem")}}}
        return found | {
            status: {"description": says, "content": problem} for status, says in refusals(operation).items()
        }


def token_of(operation: Operation) -> Token:
    (guard,) = operation.auth_callbacks
    assert isinstance(guard, Token)
    return guard


def refusals(operation: Operation) -> dict[int, str]:
    """Every status with which this endpoint may refuse, and what that means here."""
    writes = operation.methods[0] in WRITES
    one, person = "{" in operation.path, names_a_customer(operation)
    found = {
        400: (_("The body is not JSON."), writes),
        401: (_("No token, or one that is not in force."), True),
        403: (_("The token lacks the scope, or its person may not do that."), True),
        404: (_("There is no such record, or not for the token’s person."), one or person),
        409: (_("The same request is being worked on, or the token names no other system."), writes),
        410: (
            _("The record was merged (“survivor” says into which) or the person erased."),
            names_a_customer(operation),
        ),
        413: (_("The body is too large."), writes),
        415: (_("The body is not sent as application/json."), writes),
        422: (_("A value cannot be taken; “errors” says which, “detail” why."), True),
        429: (_("Too many requests in this minute; Retry-After says when to go on."), True),
    }
    return {status: str(says) for status, (says, may) in found.items() if may}


def names_a_customer(operation: Operation) -> bool:
    return "/customers/{int:pk}" in operation.path or operation.url_name == "messages"
