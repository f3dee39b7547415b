"""Reads the body's ``provider`` object (OpenRouter's shape, C23): strict about what it knows, deaf to the rest.

Source of the fields: OpenRouter's documentation, "Provider Routing".
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final, Literal

import msgspec
from msgspec import Raw, Struct

from gammainfra.domain.sketch import ProviderPreferences
from gammainfra.wire.lenient import NONE, read_body, refused

_PICO_PER_TOKEN: Final = 1_000_000  # one USD per million tokens, in pico-USD per token

Sort = Literal["price", "throughput", "latency"]


class _MaxPrice(Struct):
    prompt: Raw = NONE
    completion: Raw = NONE


class _SortBy(Struct):
    by: Sort | None = None


class _Provider(Struct):
    order: list[str] | None = None
    only: list[str] | None = None
    ignore: list[str] | None = None
    allow_fallbacks: bool | None = None
    require_parameters: bool | None = None
    data_collection: Literal["allow", "deny"] | None = None
    zdr: bool | None = None
    sort: Raw = NONE
    max_price: _MaxPrice | None = None


class _Envelope(Struct):
    provider: _Provider


_DECODER: Final = msgspec.json.Decoder(_Envelope)
_SORT: Final = msgspec.json.Decoder(Sort | _SortBy | None)


def read_preferences(raw: bytes) -> ProviderPreferences:
    """The preferences in ``raw``, the JSON of the object; Refused 400 that names the field of a wrong type."""
    found = read_body(b'{"provider":' + raw + b"}", _DECODER).provider
    price = found.max_price or _MaxPrice()
    return ProviderPreferences(
        order=tuple(found.order or ()),
        only=tuple(found.only or ()),
        ignore=tuple(found.ignore or ()),
        allow_fallbacks=found.allow_fallbacks is not False,
        require_parameters=bool(found.require_parameters),
        data_collection=found.data_collection or "allow",
        zdr=bool(found.zdr),
        sort=_sort(found.sort),
        max_price_input_pico=_pico(price.prompt, "provider.max_price.prompt"),
        max_price_output_pico=_pico(price.completion, "provider.max_price.completion"),
    )


def _sort(raw: Raw) -> Sort | None:
    if raw is NONE:
        return None
    try:
        sort = _SORT.decode(raw)
    except msgspec.ValidationError:
        raise refused("`provider.sort`: expected price, throughput or latency", "provider.sort") from None
    return sort.by if isinstance(sort, _SortBy) else sort


def _pico(raw: Raw, param: str) -> int | None:
    """USD per million tokens, a JSON number or its text, as pico-USD per token without a float between."""
    text = bytes(raw).decode("utf-8", "replace").strip('"')
    if text in {"", "null"}:
        return None
    try:
        price = Decimal(text)
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or price < 0 or price.adjusted() > 9:  # noqa: PLR2004 - more digits are no price
        raise refused(f"`{param}`: expected USD per million tokens, such as 2.5", param)
    return int(price * _PICO_PER_TOKEN)
