from __future__ import annotations

import os
from pathlib import Path

import pytest

from gammainfra.store.engine import StoreUnusable
from gammainfra.store.lock import FolderLock


def test_a_folder_is_held_by_one_gateway_and_free_after_it(tmp_path: Path) -> None:
    first = FolderLock(tmp_path)
    with pytest.raises(StoreUnusable, match=r"another gateway .*stop it, or name another folder") as refused:
        FolderLock(tmp_path)
    assert os.name != "posix" or f"process {os.getpid()}" in str(refused.value)
    first.release()
    first.release()

    again = FolderLock(tmp_path)
    assert again.path.exists()
    again.release()


def test_a_folder_that_is_not_there_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="cannot be written"):
        FolderLock(tmp_path / "nowhere")
