"""Orphans are looked for where a dataset can have some."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from audiolect.corpora.folder import prepare
from audiolect.data.dataset import open_dataset
from audiolect.street.checking import files_to_check, is_part


def test_all_files_of_a_whole_dataset(audio: Path, tmp_path: Path) -> None:
    dataset = prepare(audio, tmp_path / "data")
    assert files_to_check(dataset) == ["0.wav", "1.wav", "2.wav"]
    part = replace(dataset, card=dataset.card.model_copy(update={"notes": {"made_from": "x"}}))
    assert (is_part(dataset), is_part(part)) == (False, True)
    assert files_to_check(part) is None


def test_none_where_there_is_no_audio(world: Path) -> None:
    assert files_to_check(open_dataset(world)) is None
