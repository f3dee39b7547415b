from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gammainfra.store.statements import SQLITE, load_statements


def test_statements_are_loaded_by_name_and_run(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text(
        "-- About this file.\n\n-- name: make\nCREATE TABLE t (n);\n-- name: add\n-- Why.\nINSERT INTO t VALUES (:n);\n"
        "\n-- name: above\nSELECT n AS value FROM t WHERE n > :n ORDER BY n;\n",
        encoding="utf-8",
    )
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    loaded = load_statements(tmp_path)
    loaded["make"].run(connection)
    loaded["add"].run_many(connection, [{"n": 1}, {"n": 2}])

    assert set(loaded) == {"make", "add", "above"}
    assert loaded["add"].run(connection, n=3) == 1
    assert [row["value"] for row in loaded["above"].rows(connection, n=1)] == [2, 3]
    found = loaded["above"].row(connection, n=2)
    assert found is not None
    assert found["value"] == 3
    assert loaded["above"].row(connection, n=3) is None
    assert loaded["above"].number(connection, n=0) == 1
    connection.close()


def test_a_name_used_twice_is_a_defect(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("-- name: x\nSELECT 1;\n-- name: x\nSELECT 2;\n", encoding="utf-8")

    with pytest.raises(ValueError, match="named x exists"):
        load_statements(tmp_path)


def test_every_statement_shipped_is_one_statement() -> None:
    assert [name for name, one in SQLITE.items() if one.sql.count(";\n") or not one.sql.endswith(";")] == []
