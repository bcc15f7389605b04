"""An index: made, stopped and gone on with, added to, brought up to date, and taken from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from made_index import FakeModel, request, vector_of

from audiolect.data.check_state import CHECK_FOLDER
from audiolect.data.dataset import Dataset, open_dataset, save_dataset
from audiolect.data.quarantine import Entry, write_quarantine
from audiolect.errors import AlreadyExists, DatasetError, TooManyProblems, UsageError
from audiolect.search.card import read_index_card, write_index_card
from audiolect.search.index import Chunk, add_dataset, remove_recordings
from audiolect.search.table import open_table, read_state, vectors_of


@pytest.fixture
def dataset(world: Path) -> Dataset:
    return open_dataset(world)


def changed(dataset: Dataset, folder: Path, column: str, value: pl.Expr, name: str = "w/03") -> Dataset:
    """A copy in which one recording has another value."""
    folder.mkdir()
    new = pl.when(pl.col("recording_id") == name).then(value).otherwise(pl.col(column)).alias(column)
    save_dataset(
        folder,
        name="world",
        corpus_version="1",
        license="CC0-1.0",
        citation="",
        audio_root=folder / "audio",
        recordings=dataset.recordings.with_columns(new),
        examples=dataset.examples,
    )
    return open_dataset(folder, audio_root=dataset.audio_root)


def test_rows_vectors_and_card(dataset: Dataset, tmp_path: Path) -> None:
    model = FakeModel()
    report = add_dataset(tmp_path / "i", dataset, request(command="audiolect index"), model.embed)
    assert (report.num_added, report.num_updated, report.num_unchanged, report.num_embedded) == (20, 0, 0, 20)
    state = read_state(open_table(tmp_path / "i"))
    row = state.row(by_predicate=pl.col("recording_id") == "w/02", named=True)
    assert row["captions"] == ["caption 0 of 2", "caption 1 of 2", "caption 2 of 2"]
    assert (row["labels"], row["duration_seconds"], row["split"], row["dataset"]) == (["a", "b"], 3.0, "train", "world")
    found = vectors_of(open_table(tmp_path / "i"), ["w/02", "w/19", "w/no"])
    assert sorted(found) == ["w/02", "w/19"]
    np.testing.assert_array_equal(found["w/19"], vector_of("w/19"))
    card = read_index_card(tmp_path / "i")
    assert card.complete
    assert (card.num_recordings, card.model.run, card.preprocessing) == (20, "world", {"rate_hz": 8000})
    assert [(each.name, each.fingerprint, each.num_indexed) for each in card.datasets] == [
        ("world", dataset.card.fingerprint, 20)
    ]


def test_one_that_is_there_is_not_overwritten_by_chance(dataset: Dataset, tmp_path: Path) -> None:
    add_dataset(tmp_path / "i", dataset, request(split="test"), FakeModel().embed)
    with pytest.raises(AlreadyExists, match="an index already"):
        add_dataset(tmp_path / "i", dataset, request(), FakeModel().embed)
    assert read_index_card(tmp_path / "i").num_recordings == 5
    add_dataset(tmp_path / "i", dataset, request(split="train", overwrite=True), FakeModel().embed)
    assert read_index_card(tmp_path / "i").num_recordings == 15


def test_a_run_that_was_stopped_goes_on(dataset: Dataset, tmp_path: Path) -> None:
    stopped = FakeModel(stop_after=8)
    with pytest.raises(KeyboardInterrupt):
        add_dataset(tmp_path / "i", dataset, request(), stopped.embed)
    assert not read_index_card(tmp_path / "i").complete
    again = FakeModel()
    report = add_dataset(tmp_path / "i", dataset, request(), again.embed)
    assert sorted(stopped.embedded + again.embedded) == sorted(dataset.recordings["recording_id"])
    assert (report.num_embedded, report.num_unchanged, report.card.num_recordings) == (12, 8, 20)


def test_added_again_it_is_brought_up_to_date_and_not_doubled(dataset: Dataset, tmp_path: Path) -> None:
    add_dataset(tmp_path / "i", dataset, request(), FakeModel().embed)
    same = FakeModel()
    report = add_dataset(tmp_path / "i", dataset, request(add=True), same.embed)
    assert (report.num_added, report.num_updated, report.num_unchanged, same.embedded) == (0, 0, 20, [])

    titled, model = changed(dataset, tmp_path / "titled", "title", pl.lit("rain")), FakeModel()
    report = add_dataset(tmp_path / "i", titled, request(add=True), model.embed)
    assert (report.num_added, report.num_updated, report.num_unchanged, model.embedded) == (0, 1, 19, [])

    longer, model = changed(titled, tmp_path / "longer", "num_samples", pl.lit(77_000)), FakeModel()
    report = add_dataset(tmp_path / "i", longer, request(add=True), model.embed)
    assert (report.num_added, report.num_updated, report.num_unchanged, model.embedded) == (0, 1, 19, ["w/03"])
    state = read_state(open_table(tmp_path / "i"))
    assert state.height == state["recording_id"].n_unique() == 20
    assert state.filter(pl.col("recording_id") == "w/03").select("title", "num_samples").row(0) == ("rain", 77_000)


def test_two_datasets_in_one_index(dataset: Dataset, tmp_path: Path) -> None:
    add_dataset(tmp_path / "i", dataset, request(split="test"), FakeModel().embed)
    report = add_dataset(tmp_path / "i", dataset, request(where="num_samples < 80000", add=True), FakeModel().embed)
    assert (report.num_added, report.card.num_recordings) == (9, 14)
    assert [(each.split, each.where) for each in report.card.datasets] == [
        ("test", None),
        (None, "num_samples < 80000"),
    ]


def test_broken_and_quarantined_recordings_are_counted_and_listed(dataset: Dataset, tmp_path: Path) -> None:
    (dataset.folder / CHECK_FOLDER).mkdir()
    entries = [Entry("recording", "w/00", ("silent",))]
    write_quarantine(
        dataset.folder / CHECK_FOLDER / "quarantine.jsonl", entries, name="world", fingerprint=dataset.card.fingerprint
    )
    model = FakeModel(broken=frozenset({"w/05", "w/06"}))
    report = add_dataset(tmp_path / "i", dataset, request(), model.embed)
    assert (report.num_added, report.card.num_recordings) == (17, 17)
    assert report.card.datasets[0].left_out == {"quarantined": 1, "unreadable": 2}
    assert (report.card.datasets[0].num_expected, report.card.datasets[0].num_indexed) == (20, 17)
    assert [problem.where for problem in report.problems] == ["w/05", "w/06"]
    assert (tmp_path / "i" / "problems.jsonl").read_text().count("unreadable") == 2
    kept = add_dataset(tmp_path / "i", dataset, request(add=True, keep_quarantined=True), FakeModel().embed)
    assert (kept.num_added, kept.num_unchanged) == (3, 17)
    with pytest.raises(TooManyProblems):
        add_dataset(tmp_path / "j", dataset, request(max_problems=1), model.embed)


def test_recordings_are_removed_without_a_rebuild(dataset: Dataset, tmp_path: Path) -> None:
    add_dataset(tmp_path / "i", dataset, request(), FakeModel().embed)
    report = remove_recordings(tmp_path / "i", recording_ids=["w/01"], where="duration_seconds > 18")
    assert (report.num_updated, report.card.num_recordings) == (3, 17)
    left = set(read_state(open_table(tmp_path / "i"))["recording_id"])
    assert {"w/01", "w/18", "w/19"}.isdisjoint(left)
    assert len(left) == 17
    with pytest.raises(UsageError, match="not in the index"):
        remove_recordings(tmp_path / "i", recording_ids=["w/01"])
    with pytest.raises(UsageError, match="nothing to remove"):
        remove_recordings(tmp_path / "i")
    again = FakeModel()
    add_dataset(tmp_path / "i", dataset, request(add=True), again.embed)
    assert sorted(again.embedded) == ["w/01", "w/18", "w/19"]


def test_an_id_with_quotes_is_removed_alone(dataset: Dataset, tmp_path: Path) -> None:
    odd = changed(dataset, tmp_path / "odd", "title", pl.lit("x"))
    add_dataset(tmp_path / "i", odd, request(), FakeModel().embed)
    with pytest.raises(UsageError, match="not in the index"):
        remove_recordings(tmp_path / "i", recording_ids=["' OR '1' = '1"])
    assert read_index_card(tmp_path / "i").num_recordings == 20


def test_another_checkpoint_or_another_way_of_hearing_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    add_dataset(tmp_path / "i", dataset, request(split="test"), FakeModel().embed)
    other = request().identity.model_copy(update={"checkpoint_hash": "b" * 32})
    with pytest.raises(UsageError, match="another checkpoint"):
        add_dataset(tmp_path / "i", dataset, request(add=True, identity=other), FakeModel().embed)
    with pytest.raises(UsageError, match="heard in another way"):
        add_dataset(tmp_path / "i", dataset, request(add=True, preprocessing={"rate_hz": 16000}), FakeModel().embed)
    assert read_index_card(tmp_path / "i").complete


def test_vectors_that_cannot_be(dataset: Dataset, tmp_path: Path) -> None:
    ids = dataset.recordings["recording_id"].to_list()
    with pytest.raises(DatasetError, match="no direction"):
        add_dataset(tmp_path / "i", dataset, request(), lambda _: iter([Chunk(ids, np.zeros((20, 16), np.float32))]))
    with pytest.raises(DatasetError, match="do not fit the recordings"):
        add_dataset(tmp_path / "i", dataset, request(), lambda _: iter([Chunk(["x"], np.ones((1, 16), np.float32))]))
    with pytest.raises(DatasetError, match="No recording is left"):
        add_dataset(tmp_path / "j", dataset, request(where="num_samples < 5"), FakeModel().embed)
    assert not (tmp_path / "j").exists()


def test_a_folder_with_other_things_is_left_alone(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    with pytest.raises(AlreadyExists, match="other things"):
        add_dataset(tmp_path / "mine", dataset, request(overwrite=True), FakeModel().embed)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_a_card_that_is_not_one(dataset: Dataset, tmp_path: Path) -> None:
    report = add_dataset(tmp_path / "i", dataset, request(), FakeModel().embed)
    assert write_index_card(tmp_path / "i", report.card) == report.card
