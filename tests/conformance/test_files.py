from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from gammainfra.domain.endpoint import Capabilities, Endpoint, Model, key_variable
from gammainfra.domain.failure import Cause
from gammainfra.domain.vendor_variables import VENDOR_VARIABLES
from gammainfra.providers import registry
from gammainfra.providers.compatible import DIALECTS, compatible
from gammainfra.providers.provider import Provider
from tests.conformance.hosts import PLAYERS, PROVIDERS

OWN = tuple(compatible(f"own-{dialect}", "https://models.example/v1", dialect) for dialect in DIALECTS)

each_file = pytest.mark.parametrize("provider", PROVIDERS, ids=lambda one: one.name)
each_host = pytest.mark.parametrize("provider", [*PROVIDERS, *OWN], ids=lambda one: one.name)


@each_file
def test_a_provider_is_found_by_its_own_name(provider: Provider) -> None:
    assert registry.known()[provider.name] is provider
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*", provider.name)
    assert provider.title.strip() == provider.title != ""


@each_file
def test_addresses_are_https_and_nothing_else(provider: Provider) -> None:
    for address in (provider.base_url, provider.docs):
        parts = urlsplit(address)
        assert parts.scheme == "https"
        assert parts.hostname is not None
        assert "." in parts.hostname
        assert (parts.query, parts.fragment, parts.username, parts.password) == ("", "", None, None)
    assert not provider.base_url.endswith("/")


@each_file
def test_its_key_is_found_in_the_variable_that_errors_name(provider: Provider) -> None:
    variable = key_variable(provider.name)
    assert re.fullmatch(r"[A-Z][A-Z0-9_]*_API_KEY", variable)
    assert VENDOR_VARIABLES[variable] == provider.name


@each_host
def test_its_dialect_is_one_that_a_simulator_plays(provider: Provider) -> None:
    assert provider.dialect.name in PLAYERS
    assert provider.dialect.path.startswith(("/v", "/model"))  # where the address names the model, it has no version


@each_host
def test_the_version_is_said_once_however_the_address_is_written(provider: Provider) -> None:
    path = provider.dialect.path
    version = "/" + path.split("/")[1]
    urls = {provider.url(f"https://a.example{end}") for end in ("", "/", version, f"{version}/")}
    assert f"https://a.example{path}" in urls
    assert len(urls) == (1 if provider.address is None else 2)  # an address of one's own may stand below the host
    assert provider.url(f"https://a.example/proxy{version}") == f"https://a.example/proxy{path}"
    assert provider.url().endswith(path.removeprefix(version))
    assert len(re.findall(r"/v\d\w*/", provider.url())) == (version != path)


@each_host
def test_headers_are_lower_case_and_one_line_each(provider: Provider) -> None:
    for name, value in {**provider.headers, **provider.auth("sk-some-key")}.items():
        assert re.fullmatch(r"[a-z0-9-]+", name)
        assert re.fullmatch(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?", value)
        assert name not in {"host", "content-length", "transfer-encoding", "connection", "cookie"}


@each_host
def test_its_key_is_sent_in_one_header_and_never_an_empty_one(provider: Provider) -> None:
    sent = provider.auth("sk-some-key")
    assert len([value for value in sent.values() if "sk-some-key" in value]) == len(sent) == 1
    assert provider.auth("") == {}


@each_host
def test_what_it_says_of_statuses_and_parameters_can_be_true(provider: Provider) -> None:
    assert all(400 <= status <= 599 and isinstance(cause, Cause) for status, cause in provider.failures.items())
    names = {*provider.drop, *provider.renames, *provider.renames.values()}
    assert all(re.fullmatch(r"[a-z_]+", name) for name in names)
    assert not names & {"model", "messages", "tools", "stream"}
    assert not provider.drop & set(provider.renames)


@each_host
def test_a_target_says_what_the_file_says(provider: Provider) -> None:
    able = Capabilities(1000, 100, refuses=frozenset({"temperature"}), renames={"stop": "stop_sequences"})
    endpoint = Endpoint(provider.name, Model("v/m", "v", "m", "M", able), "m-2026", price=None)

    target = provider.target(endpoint, stream=True)

    assert (target.provider, target.dialect) == (provider.name, provider.dialect.name)
    assert (target.model, target.stream) == ("m-2026", True)
    assert target.drop == provider.drop | {"temperature"}
    assert target.renames == {**provider.renames, "stop": "stop_sequences"}


@pytest.mark.parametrize("provider", OWN, ids=lambda one: one.name)
def test_a_host_of_ones_own_owns_no_dialect_and_needs_no_key(provider: Provider) -> None:
    assert (provider.owns_dialect, provider.needs_key) == (False, False)
    assert provider.base_url == provider.docs == "https://models.example/v1"


@each_host
@pytest.mark.parametrize("body", [b"", b"<html>", b"null", b"[]", b'{"error":', b'{"error":7}', b"\xff\xfe"])
def test_any_body_of_any_error_is_some_cause(provider: Provider, body: bytes) -> None:
    for status in (400, 401, 402, 403, 404, 408, 413, 418, 429, 499, 500, 502, 503, 504, 529, 599):
        failure = provider.read_error(status, {}, body)
        assert failure.status == status
        assert failure.message.strip() != ""
