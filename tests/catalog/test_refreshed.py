from __future__ import annotations

from gammainfra.catalog import load
from gammainfra.catalog.listing import Listed
from gammainfra.catalog.refreshed import refreshed


def test_a_vendors_word_changes_its_own_models_and_nothing_else() -> None:
    tables = load.load()
    said = Listed(999_999, 77_777, {"images": False, "audio": True}, "adaptive")
    new = refreshed(tables, {"xai": {"grok-4.5": said, "unheard-of": said}, "openrouter": {"grok-4.5": said}})
    model = new.models["xai/grok-4.5"]
    able_now, able_before = model.capabilities, tables.models["xai/grok-4.5"].capabilities
    assert (able_now.context_tokens, able_now.max_output_tokens, able_now.thinking) == (999_999, 77_777, "adaptive")
    assert able_now.does == (able_before.does | {"audio"}) - {"images"}
    assert able_now.refuses == able_before.refuses
    assert all(one.model is model for one in new.endpoints[model.id])
    others = {name for name in tables.models if name != model.id}
    assert all(new.models[name] == tables.models[name] for name in others)
    assert refreshed(tables, {"xai": {"grok-4.5": Listed()}}).models == tables.models


RESOLD = """
vendor = "v"
[models."m"]
limit = { context = 1000, output = 100 }
[[models."m".endpoints]]
provider = "reseller"
"""


def test_a_reseller_says_nothing_of_a_vendors_model() -> None:
    tables = load.compile_files([("t", RESOLD)])
    assert refreshed(tables, {"reseller": {"m": Listed(5000)}}) == tables
