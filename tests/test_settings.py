from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain.policy import Hedging, RateLimits
from gammainfra.domain.secret import Secret
from gammainfra.domain.vendor_variables import VENDOR_VARIABLES
from gammainfra.settings import (
    BOOTSTRAP_VARIABLE,
    CONFIG_VARIABLE,
    Settings,
    SettingsWrong,
    default_data_dir,
    read_settings,
)
from gammainfra.settings_table import SETTINGS

CANARY = "sk-canary-4f1b2d"
PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"


def read(
    folder: Path,
    toml: str | None = None,
    env: dict[str, str] | None = None,
    flags: dict[str, str] | None = None,
) -> Settings:
    if toml is not None:
        file = folder / "gammainfra.toml"
        file.write_text(toml, encoding="utf-8")
        file.chmod(0o600)
    return read_settings(flags=flags, environ=env or {}, folder=folder, home=folder / "home", platform="linux")


def error_of(
    folder: Path,
    toml: str | None = None,
    env: dict[str, str] | None = None,
    flags: dict[str, str] | None = None,
) -> str:
    with pytest.raises(SettingsWrong) as caught:
        read(folder, toml, env, flags)
    return str(caught.value)


def test_nothing_said_gives_the_defaults(tmp_path: Path) -> None:
    settings = read(tmp_path)

    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8787)
    assert settings.server.data_dir == tmp_path / "home/.local/share/gammainfra"
    assert settings.server.cors_origins == ()
    assert (settings.server.drain_s, settings.head_after_ms) == (120, 20_000)
    assert (settings.providers, settings.models, settings.aliases) == ({}, {}, {})
    assert (settings.billing, settings.log_level, settings.log_format) == ("off", "info", "text")
    assert (settings.metrics_token, settings.bootstrap_key, settings.file, settings.warnings) == (None, None, None, ())


def test_the_store_is_an_address_that_is_never_shown_and_a_number_of_days(tmp_path: Path) -> None:
    settings = read(tmp_path, "[store]\nurl = 'postgresql://me:hunter2@db/books'\nkeep_days = 30\n")

    assert settings.store_url == Secret("postgresql://me:hunter2@db/books")
    assert settings.keep_days == 30
    assert "hunter2" not in str(list(settings.describe()))
    assert (read(tmp_path, "").store_url, read(tmp_path, "").keep_days) == (None, 90)
    for wrong in ("0", "1.5", "40000", "'x'"):
        assert "a whole number of days from 1 to 36500" in error_of(tmp_path, f"[store]\nkeep_days = {wrong}\n")


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        """
        [server]
        host = "0.0.0.0"
        port = 9000
        data_dir = "records"
        cors_origins = ["https://app.example"]
        drain_s = 12.5
        [stream]
        head_after_ms = 5000
        [providers.openai]
        api_keys = ["env:FIRST", "sk-second"]
        [providers.my-host]
        base_url = "http://127.0.0.1:9999/v1/"
        dialect = "openai_chat"
        models = ["tiny"]
        [models."my.coder"]
        chain = ["anthropic/claude-opus-4-7", "openai/gpt-5"]
        [aliases]
        "claude-haiku-*" = "gammainfra/auto"
        [billing]
        mode = "off"
        [log]
        level = "debug"
        format = "json"
        [metrics]
        token = "let me in"
        """,
        {"FIRST": "sk-first"},
    )

    assert (settings.server.host, settings.server.port, settings.server.drain_s) == ("0.0.0.0", 9000, 12.5)
    assert settings.server.data_dir == tmp_path / "records"
    assert settings.server.cors_origins == ("https://app.example",)
    assert settings.head_after_ms == 5000
    assert settings.providers["openai"].api_keys == (Secret("sk-first"), Secret("sk-second"))
    own = settings.providers["my-host"]
    assert (own.base_url, own.dialect, own.models) == ("http://127.0.0.1:9999/v1", "openai_chat", ("tiny",))
    assert own.api_keys == ()
    assert settings.models == {"my.coder": ("anthropic/claude-opus-4-7", "openai/gpt-5")}
    assert settings.aliases == {"claude-haiku-*": "gammainfra/auto"}
    assert (settings.log_level, settings.log_format) == ("debug", "json")
    assert settings.metrics_token == Secret("let me in")


def test_a_flag_beats_the_environment_which_beats_the_file(tmp_path: Path) -> None:
    file, env, flags = "[server]\nport = 1", {"GAMMAINFRA_PORT": "2"}, {"server.port": "3"}

    assert read(tmp_path, file).server.port == 1
    assert read(tmp_path, file, env).server.port == 2
    assert read(tmp_path, file, env, flags).server.port == 3


def test_a_server_setting_may_leave_its_section_out_of_the_variable(tmp_path: Path) -> None:
    assert read(tmp_path, env={"GAMMAINFRA_SERVER_HOST": "::1"}).server.host == "::1"
    assert read(tmp_path, env={"GAMMAINFRA_HOST": "::1"}).server.host == "::1"
    assert "keep one" in error_of(tmp_path, env={"GAMMAINFRA_SERVER_HOST": "a", "GAMMAINFRA_HOST": "b"})


def test_lists_in_the_environment_are_separated_by_commas(tmp_path: Path) -> None:
    settings = read(tmp_path, env={"GAMMAINFRA_CORS_ORIGINS": "https://a.example, https://b.example"})

    assert settings.server.cors_origins == ("https://a.example", "https://b.example")


def test_a_provider_is_found_by_its_variable_in_the_spelling_of_the_file(tmp_path: Path) -> None:
    env = {"GAMMAINFRA_PROVIDERS_MY_HOST_API_KEY": "sk-env", "GAMMAINFRA_PROVIDERS_OPENAI_BASE_URL": "http://[::1]:1"}
    toml = '[providers.my-host]\nbase_url = "https://host.example"\napi_keys = ["sk-file"]'

    named = read(tmp_path, toml, env).providers
    assert set(named) == {"my-host", "openai"}
    assert named["my-host"].api_keys == (Secret("sk-env"),)
    assert named["openai"].base_url == "http://[::1]:1"
    assert set(read(tmp_path, "", env).providers) == {"my_host", "openai"}


def test_vendor_variables_are_found_and_count_least(tmp_path: Path) -> None:
    env = dict.fromkeys(VENDOR_VARIABLES, "sk-vendor")

    found = read(tmp_path, env=env).providers
    assert {name: one.api_keys for name, one in found.items()} == {
        name: (Secret("sk-vendor"),) for name in VENDOR_VARIABLES.values()
    }
    assert len(found) == 17
    named = read(tmp_path, '[providers.openai]\napi_key = "sk-file"', env).providers
    assert named["openai"].api_keys == (Secret("sk-file"),)


def test_project_and_location_are_found_where_googles_sdks_look_and_configure_nothing_alone(tmp_path: Path) -> None:
    place = {"GOOGLE_CLOUD_PROJECT": "mine", "GOOGLE_CLOUD_LOCATION": "eu"}
    assert read(tmp_path, env=place).providers == {}
    vertex = read(tmp_path, env={**place, "VERTEX_API_KEY": "ya29.x"}).providers["vertex"]
    assert (vertex.project, vertex.location) == ("mine", "eu")
    written = read(tmp_path, '[providers.vertex]\nproject = "other"\napi_key = "x"', place).providers["vertex"]
    assert (written.project, written.location) == ("other", "eu")


def test_the_first_of_googles_two_variables_counts(tmp_path: Path) -> None:
    both = {"GEMINI_API_KEY": "second", "GOOGLE_API_KEY": "first"}
    assert read(tmp_path, env=both).providers["google"].api_keys == (Secret("first"),)


def test_an_empty_variable_is_an_absent_one(tmp_path: Path) -> None:
    settings = read(tmp_path, env={"OPENAI_API_KEY": "", "GAMMAINFRA_PORT": "", "GAMMAINFRA_NONSENSE": ""})

    assert (settings.providers, settings.server.port) == ({}, 8787)


def test_variables_of_clients_are_not_ours(tmp_path: Path) -> None:
    assert read(tmp_path, env={"GAMMAINFRA_API_KEY": "x", "GAMMAINFRA_BASE_URL": "y"}) == read(tmp_path)


def test_the_bootstrap_key_is_a_secret(tmp_path: Path) -> None:
    assert read(tmp_path, env={BOOTSTRAP_VARIABLE: "sk-mine"}).bootstrap_key == Secret("sk-mine")


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[serve]\nport = 1", "no section [serve]: did you mean server?"),
        ("[server]\nprot = 1", "[server] has no setting prot: did you mean port?"),
        ("[providers.openai]\napikey = 'x'", "[providers.openai] has no setting apikey: did you mean api_key?"),
        ("[models.mine]\nchian = ['a']", "[models.mine] has no setting chian: did you mean chain?"),
        ("[zzz]", "there are: aliases, billing"),
        ("server = 1", "[server] should be a table"),
        ("[models]\nmine = 1", "[models.mine] should be a table"),
        ("[server]\nport = '1'", "[server] port: '1' cannot be used: it must be a whole number from 0 to 65535"),
        ("[server]\nport = 65536", "65536 cannot be used"),
        ("[server]\nport = 1.5", "1.5 cannot be used"),
        ("[server]\nport = true", "True cannot be used"),
        ("[server]\ndrain_s = -1", "number of seconds from 0 to 3600"),
        ("[server]\nhost = ''", "a text that is not empty"),
        ("[server]\ncors_origins = 'https://a.example'", "must be a list such as https://app.example"),
        ("[server]\ncors_origins = [1]", "must be a list such as https://app.example"),
        ("[server]\ncors_origins = ['https://a.example/']", "must be a list such as https://app.example"),
        ("[server]\ncors_origins = ['a.example']", "must be a list such as https://app.example"),
        ("[providers.x]\nmodels = [1]", "must be a list of texts"),
        ("[stream]\nhead_after_ms = 600001", "milliseconds from 0 to 600000"),
        ("[billing]\nmode = 'card'", "'card' cannot be used: it must be one of off, credits"),
        ("[billing]\nfees = 'none'", "it must be one of launch, standard"),
        ("[log]\nlevel = 'loud'", "one of debug, info, warning, error"),
        ("[log]\nformat = 'xml'", "one of text, json"),
        ("[models.mine]\nchain = []", "at least one model name"),
        ("[aliases]\nmine = 1", "[aliases] mine: 1 cannot be used"),
        ("[providers.Open]\napi_key = 'x'", "a provider's name is lower-case"),
        ("[providers.'a.b']\napi_key = 'x'", "a provider's name is lower-case"),
        ("[providers.a]\napi_key = 'x'\napi_keys = ['y']", "api_key or api_keys, not both"),
        ("[providers.a]\napi_key = 1", "env:NAME, file:PATH or the secret itself"),
        ("[providers.a]\napi_key = 'env:NOT_THERE'", "[providers.a] api_key: the variable NOT_THERE is not set"),
        ("[providers.a]\napi_key = 'file:not-there'", "cannot be read"),
        ("[providers.a]\nbase_url = 'ftp://a.example'", "http:// or https://"),
        ("[providers.a]\nbase_url = 'https://'", "http:// or https://"),
        ("[providers.a]\nbase_url = 'https://me:pass@a.example'", "http:// or https://"),
        ("[providers.a]\nbase_url = 'https://a.example:port'", "http:// or https://"),
        ("[providers.a]\nbase_url = 'https://a.example/?x=1'", "http:// or https://"),
        ("port = ", "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_and_the_remedy(tmp_path: Path, toml: str, words: str) -> None:
    message = error_of(tmp_path, toml)

    assert words in message
    assert str(tmp_path / "gammainfra.toml") in message or "[providers.a]" in message


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"GAMMAINFRA_PRT": "1"}, "there is no setting GAMMAINFRA_PRT: did you mean GAMMAINFRA_PORT?"),
        ({"GAMMAINFRA_PORT": "many"}, "GAMMAINFRA_PORT: 'many' cannot be used"),
        ({"GAMMAINFRA_PORT": "-1"}, "whole number from 0"),
        ({"GAMMAINFRA_CORS_ORIGINS": "a,,b"}, "separated by commas"),
        ({"GAMMAINFRA_PROVIDERS__API_KEY": "x"}, "there is no setting GAMMAINFRA_PROVIDERS__API_KEY"),
        ({"GAMMAINFRA_PROVIDERS___API_KEY": "x"}, "a provider's name is lower-case"),
        ({CONFIG_VARIABLE: "elsewhere.toml"}, "there is no file"),
    ],
)
def test_a_wrong_variable_is_refused_by_its_name(tmp_path: Path, env: dict[str, str], words: str) -> None:
    assert words in error_of(tmp_path, env=env)


def test_an_unknown_flag_is_refused(tmp_path: Path) -> None:
    assert "did you mean server.port?" in error_of(tmp_path, flags={"server.prot": "1"})


def test_a_wrong_flag_names_the_flag(tmp_path: Path) -> None:
    assert error_of(tmp_path, flags={"server.drain_s": "long"}).startswith("flag --drain-s: 'long'")


def test_a_named_file_is_read_and_the_others_are_not(tmp_path: Path) -> None:
    (tmp_path / "gammainfra.toml").write_text("[server]\nport = 1", encoding="utf-8")
    (tmp_path / "other.toml").write_text("[server]\nport = 2", encoding="utf-8")

    named = read_settings(environ={}, folder=tmp_path, config=Path("other.toml"))
    by_variable = read_settings(environ={CONFIG_VARIABLE: "other.toml"}, folder=tmp_path)
    assert (named.server.port, by_variable.server.port) == (2, 2)
    assert named.file == tmp_path / "other.toml"


def test_the_data_folder_may_hold_the_file_but_not_name_itself_in_it(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    file = tmp_path / "records/gammainfra.toml"
    env = {"GAMMAINFRA_DATA_DIR": "records"}

    file.write_text("[server]\nport = 7", encoding="utf-8")
    assert read(tmp_path, env=env).server.port == 7
    file.write_text("[server]\ndata_dir = 'x'", encoding="utf-8")
    assert "data_dir cannot be set in the file that is found by it" in error_of(tmp_path, env=env)


def test_a_secret_is_read_from_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{CANARY}\n", encoding="utf-8")
    file.chmod(0o600)

    named = read(tmp_path, "[providers.a]\napi_key = 'file:key'").providers
    assert named["a"].api_keys == (Secret(CANARY),)
    file.write_text("\n", encoding="utf-8")
    assert "is empty" in error_of(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="platform: modes of files are POSIX's")
def test_a_key_file_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(CANARY, encoding="utf-8")
    file.chmod(0o644)

    message = error_of(tmp_path, "[providers.a]\napi_key = 'file:key'")
    assert f"every user of this machine can read {file}: run chmod 600 on it" in message
    assert CANARY not in message


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="platform: only root can give a file away")
def test_a_key_file_of_somebody_else_is_a_warning_as_containers_mount_it_so(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(CANARY, encoding="utf-8")
    file.chmod(0o644)
    os.chown(file, 12345, 12345)

    settings = read(tmp_path, "[providers.a]\napi_key = 'file:key'")
    assert settings.providers["a"].api_keys == (Secret(CANARY),)
    assert "every user of this machine can read" in settings.warnings[0]


@pytest.mark.skipif(os.name != "posix", reason="platform: modes of files are POSIX's")
def test_a_readable_file_is_a_warning_only_when_secrets_stand_in_it(tmp_path: Path) -> None:
    file = tmp_path / "gammainfra.toml"
    for toml, warned in (
        ("[providers.a]\napi_key = 'sk-literal'", True),
        ("[providers.a]\napi_keys = ['env:KEY', 'sk-literal']", True),
        ("[providers.a]\napi_key = 'env:KEY'", False),
        ("[providers.a]\napi_keys = ['env:KEY']", False),
    ):
        file.write_text(toml, encoding="utf-8")
        file.chmod(0o644)
        assert bool(read(tmp_path, env={"KEY": "x"}).warnings) == warned


def test_no_way_of_showing_settings_shows_a_secret(tmp_path: Path) -> None:
    env = {
        "OPENAI_API_KEY": f"{CANARY}1",
        "GAMMAINFRA_METRICS_TOKEN": f"{CANARY}2",
        "GAMMAINFRA_PROVIDERS_A_API_KEYS": f"{CANARY}3,{CANARY}4",
        BOOTSTRAP_VARIABLE: f"{CANARY}5",
    }
    settings = read(tmp_path, env=env)

    shown = repr(settings) + str(settings) + f"{settings}" + repr(list(settings.describe()))
    assert CANARY not in shown
    assert "***" in shown
    assert settings.providers["openai"].api_keys[0].reveal() == f"{CANARY}1"


@pytest.mark.parametrize("toml", ["[metrics]\ntoken = ['{}']", "[providers.a]\napi_keys = '{}'"])
def test_no_error_repeats_a_secret(tmp_path: Path, toml: str) -> None:
    assert CANARY not in error_of(tmp_path, toml.format(CANARY))


def test_describe_names_every_setting_and_its_source(tmp_path: Path) -> None:
    env = {"GAMMAINFRA_PORT": "9", "OPENAI_API_KEY": "sk-x"}
    settings = read(tmp_path, "[log]\nlevel = 'debug'\n[aliases]\na = 'b'\n[models.m]\nchain = ['x', 'y']", env)
    described = {one.name: (one.value, one.source) for one in settings.describe()}

    file = tmp_path / "gammainfra.toml"
    assert described["server.port"] == ("9", "GAMMAINFRA_PORT")
    assert described["server.host"] == ("127.0.0.1", "default")
    assert described["log.level"] == ("debug", f"{file}: [log] level")
    assert described["providers.openai.api_key"] == ("***", "OPENAI_API_KEY")
    assert described["models.m.chain"] == ("x, y", f"{file}: [models.m] chain")
    assert described["aliases.a"] == ("b", f"{file}: [aliases] a")
    assert {setting.name for setting in SETTINGS if "<" not in setting.name} <= set(described)


@pytest.mark.parametrize(
    ("environ", "platform", "folder"),
    [
        ({}, "linux", "h/.local/share/gammainfra"),
        ({"XDG_DATA_HOME": "x"}, "linux", "x/gammainfra"),
        ({}, "darwin", "h/Library/Application Support/GammaInfra"),
        ({}, "win32", "h/AppData/Local/GammaInfra"),
        ({"LOCALAPPDATA": "l"}, "win32", "l/GammaInfra"),
    ],
)
def test_records_live_where_the_platform_puts_them(environ: dict[str, str], platform: str, folder: str) -> None:
    assert default_data_dir(environ, Path("h"), platform) == Path(folder)


@given(
    st.dictionaries(st.sampled_from([v for s in SETTINGS for v in s.variables if "<" not in v]), st.text(max_size=20))
)
def test_any_environment_is_read_or_refused_in_words(environ: dict[str, str]) -> None:
    with contextlib.suppress(SettingsWrong):
        settings = read_settings(environ=environ, folder=Path("nowhere"), home=Path("h"))
        assert 0 <= settings.server.port <= 65_535


def test_the_page_has_a_row_for_every_setting_as_it_is() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = {row[0]: row[1:] for row in re.findall(r"^\| `([^`]+)` \| (.+?) \| (.+?) \| (.+?) \|$", page, re.MULTILINE)}

    documented = {name: rows[name] for name in rows if "." in name}
    assert documented == {
        setting.name: (setting.allowed, setting.default_shown, setting.meaning) for setting in SETTINGS
    }


def test_the_page_names_every_variable_that_is_no_setting() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert [name for name in (*VENDOR_VARIABLES, CONFIG_VARIABLE, BOOTSTRAP_VARIABLE) if f"`{name}`" not in page] == []


def test_hedging_is_off_and_every_part_of_it_can_be_set(tmp_path: Path) -> None:
    assert read(tmp_path).hedging == Hedging(enabled=False, delay_ms=None, extra_max=0.05)
    written = "[hedging]\nenabled = true\ndelay = 250\nextra_max = 0.5\n"
    assert read(tmp_path, written).hedging == Hedging(enabled=True, delay_ms=250, extra_max=0.5)
    env = {"GAMMAINFRA_HEDGING_ENABLED": "false", "GAMMAINFRA_HEDGING_DELAY": "p90"}
    assert read(tmp_path, written, env).hedging == Hedging(enabled=False, delay_ms=None, extra_max=0.5)


@pytest.mark.parametrize("wrong", ['enabled = "yes"', "enabled = 1", 'delay = "p50"', "delay = -1", "extra_max = 1.5"])
def test_a_wrong_value_of_hedging_is_told(tmp_path: Path, wrong: str) -> None:
    assert "it must be" in error_of(tmp_path, f"[hedging]\n{wrong}\n")


def test_rate_limits_are_none_unless_they_are_set(tmp_path: Path) -> None:
    assert not read(tmp_path).rate_limits
    env = {"GAMMAINFRA_RATE_LIMITS_CONCURRENCY": "3"}
    assert read(tmp_path, "[rate_limits]\nrequests_per_minute = 60\n", env).rate_limits == RateLimits(60, 0, 3)
    assert "whole number" in error_of(tmp_path, "[rate_limits]\nconcurrency = 1.5\n")
