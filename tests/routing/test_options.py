"""The request headers: what each may say, and that anything else is told with the allowed form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain.failure import Refused
from gammainfra.domain.options import Options
from gammainfra.routing.options import KNOWN_HEADERS, read_options


def refusal(headers: dict[str, str]) -> Refused:
    with pytest.raises(Refused) as caught:
        read_options(headers)
    return caught.value


def test_no_header_gives_the_defaults() -> None:
    assert read_options({}) == Options()
    assert read_options({"Content-Type": "application/json", "X-Title": "Roo Code"}) == Options()


def test_every_header_is_read_whatever_its_case() -> None:
    headers = {
        "X-GammaInfra-Cost-Quality": "0.85",
        "x-gammainfra-preference": "latency",
        "X-GAMMAINFRA-MAX-LATENCY-MS": "2500",
        "X-GammaInfra-Max-Cost-USD": "0.05",
        "X-GammaInfra-Max-Session-USD": "12",
        "X-GammaInfra-Session-Id": "task-7/b",
        "X-GammaInfra-Region": "eu-west-1",
        "X-GammaInfra-Allow-Fallbacks": "same-model",
        "X-GammaInfra-Explain": "1",
        "X-GammaInfra-Tool-Deltas": "whole",
        "Idempotency-Key": "a-b-c",
        "X-Stainless-Retry-Count": "2",
    }
    assert read_options(headers) == Options(
        dial=0.85,
        preference="latency",
        max_latency_ms=2500,
        max_cost_nano=50_000_000,
        max_session_nano=12_000_000_000,
        session_id="task-7/b",
        region="eu-west-1",
        allow_fallbacks="same-model",
        explain=True,
        idempotency_key="a-b-c",
        retry_count=2,
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("X-GammaInfra-Cost-Quality", text)
        for text in ("", "1.1", "-0.1", ".5", "0.", "1e-1", "0,5", " 0.5", "nan", "\u0660.5", "0.1234567")
    ]
    + [("X-GammaInfra-Preference", text) for text in ("", "speed", "Latency", "cost,latency")]
    + [("X-GammaInfra-Max-Latency-Ms", text) for text in ("", "0", "05", "1.5", "3600001", "99999999", "-1", "1s")]
    + [("X-GammaInfra-Max-Cost-USD", text) for text in ("", "$1", "1e3", "-1", "0.0000000001", "1,5")]
    + [("X-GammaInfra-Max-Session-USD", text) for text in ("", "free")]
    + [("X-GammaInfra-Session-Id", text) for text in ("", "two words", "x" * 129, "t\u00e4sk", "a\nb")]
    + [("X-GammaInfra-Region", text) for text in ("", "EU", "e", "eu_west", "-eu", "eu--west", "x" * 40)]
    + [("X-GammaInfra-Allow-Fallbacks", text) for text in ("", "yes", "None")]
    + [("X-GammaInfra-Explain", text) for text in ("", "true", "2")]
    + [("X-GammaInfra-Tool-Deltas", text) for text in ("", "live")]
    + [("Idempotency-Key", text) for text in ("", "two words", "x" * 256)],
)
def test_a_malformed_value_is_refused_with_header_value_and_allowed_form(name: str, text: str) -> None:
    refused = refusal({name.lower(): text})
    assert (refused.status, refused.code, refused.param) == (400, "invalid_request", name)
    assert refused.message.startswith(f"{name}: {ascii(text)[:40]}")
    assert "Write " in refused.message


@pytest.mark.parametrize("text", ["0", "1", "0.0", "1.0", "0.3", "0.000001", "1.000000"])
def test_the_dial_is_a_plain_decimal_from_0_to_1(text: str) -> None:
    assert read_options({"x-gammainfra-cost-quality": text}).dial == float(text)


@pytest.mark.parametrize("text", ["us", "eu", "apac", "us-east-1", "europe-west4", "swedencentral"])
def test_a_region_is_a_family_or_a_cloud_region(text: str) -> None:
    assert read_options({"x-gammainfra-region": text}).region == text


def test_an_unknown_header_is_refused_with_the_nearest_one() -> None:
    refused = refusal({"X-GammaInfra-Cost-Qualty": "0.5"})
    assert refused.code == "invalid_request"
    assert "Did you mean X-GammaInfra-Cost-Quality?" in refused.message


def test_an_unknown_header_that_is_near_to_nothing_lists_what_exists() -> None:
    refused = refusal({"X-GammaInfra-" + "z" * 300: "1"})
    assert all(name in refused.message for name in KNOWN_HEADERS)
    assert len(refused.message) < 500


def test_a_long_value_is_cut_in_the_message() -> None:
    assert len(refusal({"X-GammaInfra-Region": "\u00e9" * 9000}).message) < 600


@pytest.mark.parametrize("text", ["", "-1", "1.0", "many", "999", "\u0663"])
def test_an_odd_retry_count_counts_as_none(text: str) -> None:
    assert read_options({"x-stainless-retry-count": text}).retry_count == 0


@given(
    st.dictionaries(
        st.one_of(
            st.sampled_from([*KNOWN_HEADERS, "Idempotency-Key", "X-Stainless-Retry-Count"]),
            st.text().map(lambda text: "X-GammaInfra-" + text),
            st.text(),
        ),
        st.one_of(st.text(), st.from_regex(r"[0-9.]{1,12}", fullmatch=True)),
    )
)
def test_no_header_text_raises_anything_but_a_refusal(headers: dict[str, str]) -> None:
    refused, options = None, Options()
    try:
        options = read_options(headers)
    except Refused as raised:
        refused = raised
    assert refused is None or (refused.status == 400 and refused.message.isprintable())
    assert options.dial is None or 0 <= options.dial <= 1
