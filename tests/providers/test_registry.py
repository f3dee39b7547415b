from __future__ import annotations

import pkgutil
import sys
from pathlib import Path

import pytest

from gammainfra import providers
from gammainfra.providers import registry
from gammainfra.providers.provider import Provider

MODULE = """
from gammainfra.providers.provider import Provider
from gammainfra.wire import openai_chat
PROVIDER = Provider(name={name!r}, title="Elsewhere", dialect=openai_chat.PROVIDER,
                    base_url="https://elsewhere.example/v1", docs="https://elsewhere.example/docs")
OTHER = 7
"""


def install(folder: Path, name: str, attribute: str = "PROVIDER") -> None:
    """A package of somebody else's that names a provider as an entry point."""
    module = f"elsewhere_{name}"
    (folder / f"{module}.py").write_text(MODULE.format(name=name), encoding="utf-8")
    about = folder / f"{module}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(
        f"[{registry.ENTRY_POINTS}]\n{name} = {module}:{attribute}\n", encoding="utf-8"
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


def found() -> dict[str, Provider]:
    """What a fresh process would find."""
    return dict(registry.known.__wrapped__())


def test_every_file_with_a_provider_is_known_by_name() -> None:
    files = {module.name for module in pkgutil.iter_modules(providers.__path__)}
    known = registry.known()
    assert {"anthropic", "deepseek", "openai"} <= set(known) <= files
    assert all(name == provider.name for name, provider in known.items())


def test_a_provider_of_another_package_is_known(folder: Path) -> None:
    install(folder, "elsewhere")
    assert found()["elsewhere"].title == "Elsewhere"


def test_a_provider_of_another_package_cannot_take_a_name_that_is_here(folder: Path) -> None:
    install(folder, "openai")
    with pytest.raises(ValueError, match=r"entry point elsewhere_openai:PROVIDER of group gammainfra\.providers"):
        found()


def test_an_entry_point_must_be_a_provider(folder: Path) -> None:
    install(folder, "seven", "OTHER")
    with pytest.raises(ValueError, match="is not a new Provider"):
        found()
