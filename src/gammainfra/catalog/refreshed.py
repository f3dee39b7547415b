"""Lays what providers say of their own models over the catalog's tables: a new value, the old one stays as it is.

A vendor's word counts for its own models only: what a reseller lists of them is about its endpoint. Prices, quality,
refused parameters and chains are never taken from a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gammainfra.catalog.listing import Listed
from gammainfra.catalog.load import Tables
from gammainfra.domain.endpoint import Capabilities, Endpoint, Model


def refreshed(tables: Tables, listings: Mapping[str, Mapping[str, Listed]]) -> Tables:
    """The tables with the capabilities that ``listings`` (by provider, then by the model's name there) tell."""
    models = {
        model_id: _refreshed(model, tables.endpoints.get(model_id, ()), listings)
        for model_id, model in tables.models.items()
    }
    endpoints = {
        model_id: tuple(replace(one, model=models[model_id]) for one in several)
        for model_id, several in tables.endpoints.items()
    }
    return replace(tables, models=models, endpoints=endpoints)


def _refreshed(model: Model, endpoints: tuple[Endpoint, ...], listings: Mapping[str, Mapping[str, Listed]]) -> Model:
    for endpoint in endpoints:
        listed = listings.get(endpoint.provider, {}).get(endpoint.upstream_model)
        if listed is not None and endpoint.provider == model.vendor:
            return replace(model, capabilities=_overlaid(model.capabilities, listed))
    return model


def _overlaid(known: Capabilities, listed: Listed) -> Capabilities:
    gained = {need for need, able in listed.does.items() if able}
    lost = {need for need, able in listed.does.items() if not able}
    return replace(
        known,
        context_tokens=listed.context_tokens or known.context_tokens,
        max_output_tokens=listed.max_output_tokens or known.max_output_tokens,
        does=(known.does | gained) - lost,
        thinking=listed.thinking or known.thinking,
    )
