"""What customers ordered and own: kept in another system, shown here."""

from __future__ import annotations

from typing import Annotated, Any

from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status
from pydantic import Field

from crm.api.auth import Caller, Token
from crm.api.idempotency import once
from crm.api.kinds import (
    PLAIN,
    SAYS_SOMETHING,
    Amount,
    Currency,
    Day,
    Id,
    In,
    Line,
    Moment,
    Name,
    OrderState,
    OutsideId,
    ProductState,
    Slug,
    Words,
)
from crm.api.paging import Filter, Page, page
from crm.api.schemas import OrderOut, ProductOut
from crm.api.writing import SavedOut, fields, save
from crm.importing.records import What
from crm.models import Order, Product, Scope
from crm.models.staff import CUSTOMER_ROLES, LEADING_ROLES

router = Router(tags=["Orders"])
# whoever may import orders may send them in one by one
READ, WRITE = Token(Scope.ORDERS_READ, CUSTOMER_ROLES), Token(Scope.ORDERS_WRITE, LEADING_ROLES)

Number = Annotated[str, Field(min_length=1, max_length=60, pattern=SAYS_SOMETHING, examples=["2026-5005"])]
Tracking = Annotated[str, Field(max_length=500, pattern=PLAIN, examples=["https://parcels.example/1"])]
OfCustomer = Annotated[
    OutsideId, Field(description="The customer’s id in the token’s own system.", examples=["C-1001"])
]
OfAccount = Annotated[
    OutsideId | None, Field(description="The account’s id there, where they ordered for one.", examples=["A-77"])
]
OfOrder = Annotated[OutsideId | None, Field(description="The order’s id there.", examples=["O-5005"])]


class OwnedFilter(Filter):
    """Several of these narrow each other down."""

    customer: Annotated[Id | None, Field(description="Our number of the customer.")] = None
    account: Annotated[Id | None, Field(description="Our number of the account.")] = None
    external_id: OutsideId | None = None
    source: Annotated[Slug | None, Field(description="Whose “external_id” it is; else the token’s own system.")] = None

    def narrow(self, rows: Any, own: str) -> Any:
        """Orders or products."""
        asked = {"customer": self.customer, "account": self.account, "external_id": self.external_id}
        named = {name: value for name, value in asked.items() if value is not None}
        return rows.filter(**named, **({"source": self.source or own} if self.external_id is not None else {}))


class OrderIn(In):
    """An order of the token's own system. A new one needs customer and number; what is left out stays as it is."""

    external_id: Annotated[OutsideId, Field(examples=["O-5005"])]
    customer_external_id: OfCustomer = ""
    number: Annotated[Number, Field(description="As the customer knows it.")] = ""
    state: OrderState | None = None
    account_external_id: OfAccount = None
    what: Words | None = None
    amount: Amount | None = None
    currency: Annotated[Currency | None, Field(description="Needed where there is an amount.")] = None
    placed_at: Moment | None = None
    promised_on: Day | None = None
    delivered_on: Day | None = None
    tracking_url: Tracking | None = None


class ProductIn(In):
    """A thing of the token's own system. A new one needs customer and name; what is left out stays as it is."""

    external_id: Annotated[OutsideId, Field(examples=["S-9"])]
    customer_external_id: OfCustomer = ""
    name: Annotated[Name, Field(examples=["Rail pass"])] = ""
    state: ProductState | None = None
    account_external_id: OfAccount = None
    order_external_id: OfOrder = None
    serial: Line | None = None
    since_on: Day | None = None
    until_on: Day | None = None


@router.get("/orders", response=Page[OrderOut], auth=READ, url_name="orders", summary="List orders")
def orders(request: Caller, asked: Query[OwnedFilter]) -> Page[OrderOut]:
    rows = asked.narrow(Order.objects.visible_to(request.user), request.auth.source)
    return page(rows, asked, OrderOut.of, Page[OrderOut])


@router.get("/orders/{int:pk}", response=OrderOut, auth=READ, url_name="order", summary="Get an order")
def order(request: Caller, pk: Id) -> OrderOut:
    return OrderOut.of(get_object_or_404(Order.objects.visible_to(request.user), pk=pk))


@router.post(
    "/orders", response={200: SavedOut[OrderOut], 201: SavedOut[OrderOut]}, auth=WRITE, url_name="order_save",
    summary="Make or change an order by its outside id",
)  # fmt: skip
@once
def order_save(request: Caller, body: OrderIn) -> Status[SavedOut[OrderOut]]:
    """Its customer is one the token's own system has sent in before."""
    saved = save(What.ORDERS, request, _record(body))
    return SavedOut[OrderOut].answer(saved, OrderOut.of(Order.objects.get(pk=saved.object.pk)))


@router.get("/products", response=Page[ProductOut], auth=READ, url_name="products", summary="List products owned")
def products(request: Caller, asked: Query[OwnedFilter]) -> Page[ProductOut]:
    rows = asked.narrow(Product.objects.visible_to(request.user), request.auth.source)
    return page(rows, asked, ProductOut.of, Page[ProductOut])


@router.get("/products/{int:pk}", response=ProductOut, auth=READ, url_name="product", summary="Get a product owned")
def product(request: Caller, pk: Id) -> ProductOut:
    return ProductOut.of(get_object_or_404(Product.objects.visible_to(request.user), pk=pk))


@router.post(
    "/products", response={200: SavedOut[ProductOut], 201: SavedOut[ProductOut]}, auth=WRITE, url_name="product_save",
    summary="Make or change a product owned by its outside id",
)  # fmt: skip
@once
def product_save(request: Caller, body: ProductIn) -> Status[SavedOut[ProductOut]]:
    saved = save(What.PRODUCTS, request, _record(body))
    return SavedOut[ProductOut].answer(saved, ProductOut.of(Product.objects.get(pk=saved.object.pk)))


def _record(body: OrderIn | ProductIn) -> dict[str, Any]:
    """The fields as an import names them: "customer" is the customer's id over there."""
    named = fields(body, "external_id")
    return {"id": body.external_id, **{name.removesuffix("_external_id"): value for name, value in named.items()}}
