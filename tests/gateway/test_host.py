"""A configured provider and its keys."""

from __future__ import annotations

import asyncio

from gammainfra.app import hosts_of
from gammainfra.domain.endpoint import Capabilities, Endpoint, Model
from gammainfra.domain.secret import Secret
from gammainfra.gateway.host import Host, HostKey
from gammainfra.providers.compatible import compatible
from gammainfra.settings import ProviderSettings


def test_keys_are_found_by_name_in_the_order_they_are_preferred() -> None:
    keys = (HostKey("acme-1", Secret("one")), HostKey("acme-2", Secret("two")))
    host = Host(compatible("acme", "http://acme.test/v1"), "http://acme.test/v1", keys)
    assert host.key_ids == ("acme-1", "acme-2")
    assert host.key("acme-2").secret.reveal() == "two"
    assert "two" not in repr(host)


def test_a_model_that_is_served_in_another_dialect_is_asked_in_that_one_at_its_url() -> None:
    host = hosts_of({"openai": ProviderSettings("openai", api_keys=(Secret("sk-1"),))})["openai"]
    pro = _endpoint(dialect="openai_responses")
    provider, url = host.speaking(pro)
    assert (provider.dialect.name, url) == ("openai_responses", "https://api.openai.com/v1/responses")
    provider, url = host.speaking(_endpoint())
    assert (provider.dialect.name, url) == ("openai_chat", "https://api.openai.com/v1/chat/completions")


def _endpoint(dialect: str = "") -> Endpoint:
    model = Model("openai/m", "openai", "m", "M", Capabilities(1, 1))
    return Endpoint("openai", model, "m", None, dialect=dialect)


class Tokens:
    """A source of one token."""

    async def token(self) -> str:
        """The token."""
        return "made"


def test_what_is_sent_is_the_key_or_a_token_made_from_it() -> None:
    assert asyncio.run(HostKey("acme-1", Secret("one")).credential()) == "one"
    assert asyncio.run(HostKey("acme-1", Secret("{}"), Tokens()).credential()) == "made"
