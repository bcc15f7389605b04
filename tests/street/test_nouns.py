"""What stages hand on is told apart by its content, and not by where it is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from audiolect.errors import AudiolectError
from audiolect.street.nouns import NOUNS, files_of, identity_of


def test_a_folder_is_its_names_sizes_and_times(audio: Path, tone: Callable[..., None]) -> None:
    before = identity_of("folder", audio)
    assert identity_of("folder", audio) == before
    assert len(before) == 32
    (audio / "out").mkdir()
    (audio / "out" / "x.wav").write_bytes(b"1")
    assert identity_of("folder", audio, without=audio / "out") == before
    assert identity_of("folder", audio) != before
    shutil.rmtree(audio / "out")
    status = (audio / "0.wav").stat()
    os.utime(audio / "0.wav", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert identity_of("folder", audio) != before


def test_a_recipe_is_what_it_says(tmp_path: Path) -> None:
    one, two = tmp_path / "1.yaml", tmp_path / "2.yaml"
    one.write_text("a: 1\nb: [2]\n", "utf-8")
    two.write_text("# a remark\nb: [ 2 ]\na: 1\n", "utf-8")
    assert identity_of("recipe", one) == identity_of("recipe", two)
    assert identity_of("file", one) != identity_of("file", two)
    two.write_text("b: [3]\na: 1\n", "utf-8")
    assert identity_of("recipe", one) != identity_of("recipe", two)


def test_a_dataset_is_its_tables_and_its_quarantine(world: Path, tmp_path: Path) -> None:
    tables, dataset = identity_of("tables", world), identity_of("dataset", world)
    shutil.copytree(world, tmp_path / "copy")
    assert identity_of("dataset", tmp_path / "copy") == dataset
    (world / "check").mkdir()
    (world / "check" / "quarantine.jsonl").write_text("{}\n", "utf-8")
    assert identity_of("tables", world) == tables
    assert identity_of("dataset", world) != dataset
    assert {path.name for path in files_of("dataset", world)} >= {"card.yaml", "recordings.parquet"}
    assert all("check" not in path.parts[len(world.parts) :] for path in files_of("dataset", world))


@pytest.mark.parametrize("noun", sorted(NOUNS))
def test_what_is_not_there_is_a_letter(noun: str, tmp_path: Path) -> None:
    if noun in ("check", "index"):
        assert files_of(noun, tmp_path / "nowhere") == []
        return
    with pytest.raises(AudiolectError):
        identity_of(noun, tmp_path / "nowhere")
