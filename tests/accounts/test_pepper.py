from __future__ import annotations

import os
from pathlib import Path

import pytest

from gammainfra.accounts.pepper import Pepper, PepperUnusable, read_or_create


def ones(n: int) -> bytes:
    return b"\x01" * n


def test_a_first_start_makes_a_pepper_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "records"
    (made,) = read_or_create(folder, ones)

    file = folder / "pepper"
    assert file.read_text(encoding="ascii") == "1 " + "01" * 32 + "\n"
    assert os.name != "posix" or file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir()] == ["pepper"]
    assert made.version == 1


def test_a_later_start_reads_the_same_pepper(tmp_path: Path) -> None:
    first = read_or_create(tmp_path, ones)

    assert read_or_create(tmp_path, os.urandom) == first


def test_the_newest_version_comes_first(tmp_path: Path) -> None:
    file = tmp_path / "pepper"
    file.write_text("1 " + "aa" * 32 + "\n2 " + "bb" * 32 + "\n", encoding="ascii")
    file.chmod(0o600)

    assert [pepper.version for pepper in read_or_create(tmp_path, ones)] == [2, 1]


def test_a_pepper_has_a_name_that_tells_it_from_another_and_never_shows() -> None:
    one, other = Pepper(1, b"\x01" * 32), Pepper(1, b"\x02" * 32)

    assert one.name != other.name
    assert one.name.startswith("1-")
    assert "01" * 8 not in repr(one)
    assert r"\x01" not in repr(one)
    assert len(one.digest("key")) == 32


@pytest.mark.parametrize("text", ["1 abc\n", "x\n", "", "é", "1 " + "AA" * 32])
def test_a_broken_pepper_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pepper"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)

    with pytest.raises(PepperUnusable, match="pepper") as caught:
        read_or_create(tmp_path, ones)
    assert "AA" not in str(caught.value).removeprefix(str(tmp_path))


@pytest.mark.skipif(os.name != "posix", reason="platform: modes of files are POSIX's")
def test_a_pepper_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    read_or_create(tmp_path, ones)
    (tmp_path / "pepper").chmod(0o644)

    with pytest.raises(PepperUnusable, match="chmod 600"):
        read_or_create(tmp_path, ones)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")

    with pytest.raises(PepperUnusable, match="cannot be read or made"):
        read_or_create(tmp_path / "file" / "records", ones)
