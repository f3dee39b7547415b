"""A configured provider and its keys."""

from __future__ import annotations

from gammainfra.domain.secret import Secret
from gammainfra.gateway.host import Host, HostKey
from gammainfra.providers.compatible import compatible


def test_keys_are_found_by_name_in_the_order_they_are_preferred() -> None:
    keys = (HostKey("acme-1", Secret("one")), HostKey("acme-2", Secret("two")))
    host = Host(compatible("acme", "http://acme.test/v1"), "http://acme.test/v1", keys)
    assert host.key_ids == ("acme-1", "acme-2")
    assert host.key("acme-2").secret.reveal() == "two"
    assert "two" not in repr(host)
