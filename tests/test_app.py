from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gammainfra.accounts.keys import ApiKeys
from gammainfra.accounts.pepper import FILE_NAME as PEPPER
from gammainfra.accounts.pepper import read_or_create
from gammainfra.app import App, SystemClock, SystemRandom, build, free_socket, hosts_of, show_plan, usable_keys
from gammainfra.domain.secret import Secret
from gammainfra.settings import ProviderSettings, SettingsWrong
from gammainfra.simulate import AgentTask, ServerSpec, World
from gammainfra.store.database import FILE_NAME, version_note
from gammainfra.store.engine import StoreUnusable
from gammainfra.store.keys import Keys
from gammainfra.store.writer import Writer
from tests.asgi import ask
from tests.gateway_in_process import CALLER, chat, gateway, run, settings_in
from tests.store.making import record

TOOLS = [{"type": "function", "function": {"name": "read_file", "parameters": {"type": "object", "properties": {}}}}]


def one(name: str, **given: object) -> Mapping[str, ProviderSettings]:
    return {name: ProviderSettings(name, **given)}  # type: ignore[arg-type]


def test_a_vendor_is_a_host_when_it_has_a_key() -> None:
    assert hosts_of(one("openai")) == {}
    host = hosts_of(one("openai", api_keys=(Secret("a"), Secret("b"))))["openai"]
    assert (host.url, host.key_ids) == ("https://api.openai.com/v1/chat/completions", ("openai-1", "openai-2"))


def test_a_host_of_ones_own_needs_an_address_and_no_key() -> None:
    host = hosts_of(one("my-host", base_url="http://127.0.0.1:9/v1"))["my-host"]
    assert (host.url, host.key_ids) == ("http://127.0.0.1:9/v1/chat/completions", ("my-host-0",))
    assert host.provider.auth(host.keys[0].secret.reveal()) == {}
    with pytest.raises(SettingsWrong, match=r"\[providers.my-host\] needs base_url: my-host is none of the known"):
        hosts_of(one("my-host", api_keys=(Secret("a"),)))


def test_a_host_of_ones_own_speaks_the_dialect_that_is_named() -> None:
    host = hosts_of(one("mine", base_url="http://127.0.0.1:9", dialect="anthropic"))["mine"]
    assert host.url == "http://127.0.0.1:9/v1/messages"
    with pytest.raises(SettingsWrong, match=r"dialect 'gemini' is not known: it is one of openai_chat, anthropic"):
        hosts_of(one("mine", base_url="http://127.0.0.1:9", dialect="gemini"))


def test_a_vendors_dialect_can_be_said_but_not_changed() -> None:
    assert "openai" in hosts_of(one("openai", api_keys=(Secret("a"),), dialect="openai_chat"))
    with pytest.raises(SettingsWrong, match="openai speaks openai_chat"):
        hosts_of(one("openai", api_keys=(Secret("a"),), dialect="anthropic"))


def test_a_host_hides_its_keys_from_what_it_said() -> None:
    host = hosts_of(one("openai", api_keys=(Secret("our-own-key"), Secret("x"))))["openai"]
    assert host.hide_keys("no: our-own-key, next") == "no: ***, next"


def test_a_host_of_googles_cloud_stands_under_its_project_and_location() -> None:
    given = {"api_keys": (Secret("ya29.token"),)}
    host = hosts_of(one("vertex", project="mine", location="europe-west4", **given))["vertex"]
    place = "projects/mine/locations/europe-west4/publishers/google/models"
    assert host.url == f"https://europe-west4-aiplatform.googleapis.com/v1/{place}"
    assert host.keys[0].tokens is None
    assert hosts_of(one("vertex", base_url="http://127.0.0.1:9", **given))["vertex"].url.startswith(
        "http://127.0.0.1:9/v1/"
    )
    with pytest.raises(SettingsWrong, match=r"\[providers.vertex\] needs project.*GOOGLE_CLOUD_PROJECT"):
        hosts_of(one("vertex", **given))
    with pytest.raises(SettingsWrong, match=r"\[providers.openai\] has no project or location"):
        hosts_of(one("openai", project="mine", **given))


def test_a_service_account_names_its_project_and_makes_tokens() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    told = {"type": "service_account", "project_id": "mine", "private_key": pem.decode()}
    told |= {"client_email": "a@b.example", "token_uri": "http://127.0.0.1:9"}
    host = hosts_of(one("vertex", api_keys=(Secret(json.dumps(told)),)))["vertex"]
    assert "/projects/mine/locations/global/" in host.url
    assert host.keys[0].tokens is not None
    with pytest.raises(SettingsWrong, match=r"\[providers.vertex\] api_key: the key is no service account's JSON"):
        hosts_of(one("vertex", api_keys=(Secret("{}"),)))


def close(app: App) -> None:
    asyncio.run(app.close())


def test_the_first_start_makes_a_key_and_later_ones_do_not(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, {"GAMMAINFRA_BOOTSTRAP_KEY": ""})
    first = build(settings)
    assert first.first_key is not None
    assert [key.name for key in usable_keys(first.keys)] == ["first"]
    close(first)
    second = build(settings)
    assert second.first_key is None
    assert second.keys.authenticate(first.first_key).key.name == "first"
    second.keys.revoke(usable_keys(second.keys)[0].id)
    close(second)
    third = build(settings)
    assert third.first_key not in {None, first.first_key}
    close(third)


def test_a_bootstrap_key_that_cannot_be_used_is_a_setting_that_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(SettingsWrong, match="GAMMAINFRA_BOOTSTRAP_KEY cannot be used: a key of one's own"):
        build(settings_in(tmp_path, {"GAMMAINFRA_BOOTSTRAP_KEY": "short"}))


def test_keys_that_lost_their_pepper_are_named(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    close(build(settings))
    (settings.server.data_dir / PEPPER).unlink()
    app = build(settings)
    notes = [note for note in app.notes() if note != version_note()]
    close(app)
    assert len(notes) == 1
    assert "bootstrap (...cdef)" in notes[0]
    assert str(settings.server.data_dir / PEPPER) in notes[0]


def test_a_second_gateway_on_one_data_folder_is_refused_and_the_folder_is_free_afterwards(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    first = build(settings)
    with pytest.raises(StoreUnusable, match="another gateway"):
        build(settings)
    close(first)
    close(build(settings))


def test_what_is_past_its_days_is_forgotten_while_the_gateway_runs(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path) as app:
            app.writer.add(record(1, at=1.0))
            await app.writer.flush()
            chore = asyncio.create_task(app.forget_old())
            await asyncio.sleep(0)
            await app.writer.flush()  # behind what the chore has asked of the writer
            chore.cancel()
            assert app.reader.generation("local", "gen-000001") is None

    run(test())


def test_warnings_of_the_settings_are_notes(tmp_path: Path) -> None:
    file = tmp_path / "gammainfra.toml"
    file.write_text("[providers.openai]\napi_key = 'sk-literal'\n", encoding="utf-8")
    file.chmod(0o644)
    app = build(settings_in(tmp_path))
    assert any("run chmod 600" in note for note in app.notes())
    close(app)


def test_the_database_has_the_name_that_the_store_gives_it(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    close(build(settings))
    assert (settings.server.data_dir / FILE_NAME).is_file()


def test_operators_models_and_names_can_be_asked_for(tmp_path: Path) -> None:
    models = tmp_path / "data" / "models"
    models.mkdir(parents=True)
    (models / "own.toml").write_text(
        '[models."acme/tiny"]\nlimit = { context = 1000, output = 100 }\nendpoints = [{ provider = "acme" }]\n',
        encoding="utf-8",
    )
    (tmp_path / "gammainfra.toml").write_text(
        "[providers.acme]\nbase_url = 'http://127.0.0.1:9/v1'\nmodels = ['tiny', 'Huge.2']\n"
        "[models.\"my-coder\"]\nchain = ['acme/tiny', 'acme/huge-2']\n[aliases]\n'gpt-4' = 'my-coder'\n",
        encoding="utf-8",
    )

    async def test() -> None:
        async with gateway(tmp_path) as app:
            got = await ask(app.asgi, "GET", "/v1/models", headers=CALLER)
        rows = {row["id"]: row for row in got.json["data"]}
        assert rows["acme/tiny"]["context_length"] == 1000
        assert {"my-coder", "gpt-4", "acme/Huge.2"} <= set(rows)
        assert len([name for name in rows if name == "acme/tiny"]) == 1

    run(test())


def test_a_restart_remembers_the_tasks(tmp_path: Path) -> None:
    async def test() -> None:
        async with World((ServerSpec("openai"),), script=AgentTask(steps=5)) as world:
            environ = {"GAMMAINFRA_PROVIDERS_OPENAI_BASE_URL": world.openai.base_url, "OPENAI_API_KEY": "sk-a"}
            messages: list[dict[str, object]] = [{"role": "user", "content": "Write the files."}]
            sessions, costs = [], []
            for _ in range(2):
                async with gateway(tmp_path, environ) as app:
                    asked = {"model": "openai/gpt-4.1", "messages": messages, "tools": TOOLS}
                    got = await chat(app, asked)
                sessions.append(got.headers["x-gammainfra-session-id"])
                costs.append(float(got.headers["x-gammainfra-session-cost-usd"]))
                message = got.json["choices"][0]["message"]
                results = [
                    {"role": "tool", "tool_call_id": call["id"], "content": "ok"} for call in message["tool_calls"]
                ]
                messages += [message, *results]
        assert sessions[0] == sessions[1]
        assert costs[1] > costs[0] > 0

    run(test())


def test_a_restart_remembers_what_an_idempotency_key_was_answered_with(tmp_path: Path) -> None:
    async def test() -> None:
        async with World([ServerSpec("openai")]) as world:
            environ = {"OPENAI_API_KEY": "sk-up", "GAMMAINFRA_PROVIDERS_OPENAI_BASE_URL": world.openai.base_url}
            body = {"model": "gpt-5", "messages": [{"role": "user", "content": "Hi"}]}
            keyed = {"idempotency-key": "once"}
            async with gateway(tmp_path, environ) as app:
                first = await chat(app, body, keyed)
            async with gateway(tmp_path, environ) as app:
                again = await chat(app, body, keyed)
                other = await chat(app, {**body, "seed": 1}, keyed)
        assert (first.status, again.status, other.status) == (200, 409, 409)
        error = again.json["error"]
        assert (error["code"], error["metadata"]) == ("already_served", {"generation_id": first.json["id"]})
        assert other.json["error"]["code"] == "idempotency_key_reused"

    run(test())


def test_a_key_made_elsewhere_opens_a_running_gateway_after_a_reload(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path) as app:
            peppers = read_or_create(app.settings.server.data_dir, SystemRandom().bytes)
            writer = Writer(app.writer.engine, show_plan=show_plan)
            other = ApiKeys(Keys(writer), peppers, clock=SystemClock(), random=SystemRandom())
            secret, key = other.issue("made elsewhere")
            headers = {"authorization": f"Bearer {secret}"}
            assert (await ask(app.asgi, "GET", "/v1/models", headers=headers)).status == 401
            app.keys.reload()
            assert (await ask(app.asgi, "GET", "/v1/models", headers=headers)).status == 200
            other.revoke(key.id)
            writer.close()
            app.keys.reload()
            got = await ask(app.asgi, "GET", "/v1/models", headers=headers)
            assert "was revoked" in got.error["message"]

    run(test())


def test_closing_refuses_new_requests_and_lets_running_ones_end(tmp_path: Path) -> None:
    async def test() -> None:
        async with gateway(tmp_path, {"OPENAI_API_KEY": "sk-a"}) as app:
            await app.close()
            got = await chat(app, {"model": "gpt-5", "messages": [{"role": "user", "content": "x"}]})
        assert (got.status, got.headers["retry-after"]) == (503, "1")
        assert "shutting down" in got.error["message"]

    run(test())


def test_a_taken_port_is_an_error_at_once() -> None:
    with free_socket("127.0.0.1", 0) as taken, pytest.raises(OSError, match="in use"):
        free_socket("127.0.0.1", taken.getsockname()[1])


def test_sockets_are_of_the_family_of_their_address() -> None:
    with free_socket("127.0.0.1", 0) as bound:
        assert (bound.family, bound.getblocking()) == (socket.AF_INET, False)


def test_clock_and_randomness_are_the_systems() -> None:
    clock, random = SystemClock(), SystemRandom()
    assert clock.now() <= clock.now()
    assert clock.wall() > 1_600_000_000
    assert len({random.bytes(16) for _ in range(100)}) == 100
    assert all(0 <= random.uniform() < 1 for _ in range(100))
