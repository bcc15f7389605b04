"""Tables that contradict themselves, each other, or the disk."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from saved_tables import save_tables

from audiolect.data.card import CardFacts, make_card, write_card
from audiolect.data.dataset import Dataset, open_dataset
from audiolect.data.records import Example, Recording, examples_frame, recordings_frame
from audiolect.data.table_checks import (
    LabelSet,
    find_label_problems,
    find_orphans,
    find_table_problems,
    find_whole_files,
    ontology_labels,
    read_label_set,
)
from audiolect.data.tables import write_table
from audiolect.errors import TableError
from audiolect.text.keywords import load_ontology

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def recording(name: str, **changes: object) -> Recording:
    plain = {"num_samples": 100, "sample_rate_hz": 8000, "num_channels": 1, "codec": "wav/pcm_16", "num_bytes": 244}
    return Recording(f"x/{name}", f"{name}.wav", **(plain | changes))


def example(name: str, of: str, split: str = "all") -> Example:
    return Example(f"x/{name}", f"x/{of}", split, "AudioCaptioning", "", ("a dog barks",))


def foreign(folder: Path, recordings: pl.DataFrame, examples: pl.DataFrame) -> Dataset:
    """A dataset folder by other hands: nobody has checked its tables."""
    folder.mkdir()
    write_table(folder / "recordings.parquet", recordings)
    write_table(folder / "examples.parquet", examples)
    write_card(folder, make_card(CardFacts("x", "1", "CC0", "-", "."), recordings, examples))
    return open_dataset(folder)


def test_a_dataset_of_ours_has_no_faults(tmp_path: Path) -> None:
    dataset = save_tables(tmp_path, [recording("a"), recording("b")], [example("1", "a"), example("2", "a")])
    found = find_table_problems(dataset)
    assert (found.recordings, found.examples, found.tables, found.is_usable) == ([], [], [], True)


def test_ids_and_references(tmp_path: Path) -> None:
    recordings = recordings_frame([recording("a"), recording("b"), recording("a", num_samples=5)])
    examples = examples_frame(
        [example("1", "a"), example("1", "b"), example("2", "gone"), example("3", "b", "test"), example("4", "b")]
    )
    found = find_table_problems(foreign(tmp_path / "d", recordings, examples))
    assert [(p.reason, p.where) for p in found.recordings] == [("duplicate-id", "x/a")]
    assert [(p.reason, p.where) for p in found.examples] == [
        ("duplicate-id", "x/1"),
        ("no-recording", "x/2"),
        ("split-mismatch", "x/3"),
    ]
    assert found.examples[1].detail == "it asks about x/gone"
    assert "'test', its recording x/b in 'all'" in found.examples[2].detail
    assert found.is_usable


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [("path", "../a.wav", "leaves the audio root"), ("num_samples", 0, "cannot be"), ("split", None, "nulls")],
)
def test_rules_that_all_work_relies_on(tmp_path: Path, column: str, value: object, words: str) -> None:
    recordings = recordings_frame([recording("a"), recording("b")])
    broken = recordings.with_columns(pl.Series(column, [value, recordings[column][1]], recordings.schema[column]))
    folder = tmp_path / "d"
    foreign(folder, recordings, examples_frame([]))
    write_table(folder / "recordings.parquet", broken)
    found = find_table_problems(open_dataset(folder))
    assert not found.is_usable
    assert [problem.reason for problem in found.tables] == ["bad-table"]
    assert words in found.tables[0].detail


def test_a_card_for_other_tables(tmp_path: Path) -> None:
    foreign(tmp_path / "d", recordings_frame([recording("a")]), examples_frame([]))
    write_table(tmp_path / "d" / "recordings.parquet", recordings_frame([recording("a", num_samples=99)]))
    found = find_table_problems(open_dataset(tmp_path / "d"))
    assert found.is_usable
    assert [problem.reason for problem in found.tables] == ["wrong-card"]


def test_labels_outside_a_set() -> None:
    recordings = recordings_frame(
        [recording("a", labels=("dog", "rain")), recording("b", labels=("dgo", "Zoo")), recording("c")]
    )
    found = find_label_problems(recordings, LabelSet(frozenset({"dog", "rain"}), "labels.txt"))
    assert [(p.reason, p.where, p.detail) for p in found] == [
        ("unknown-label", "x/b", "'dgo'; is it 'dog'?"),
        ("unknown-label", "x/b", "'Zoo'"),
    ]


def test_label_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("dog\n\n rain, heavy \n", "utf-8")
    (tmp_path / "b.csv").write_text(
        'index,mid,display_name\n0,/m/09x0r,Speech\n1,/m/05zppz,"Male speech, man"\n', "utf-8"
    )
    (tmp_path / "c.tsv").write_text("0\tdog\n", "utf-8")
    assert read_label_set(tmp_path / "a.txt").labels == {"dog", "rain, heavy"}
    assert read_label_set(tmp_path / "b.csv").labels >= {"/m/09x0r", "Speech", "Male speech, man"}
    assert read_label_set(tmp_path / "c.tsv").labels == {"0", "dog"}


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_a_label_file_without_labels(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.txt").write_text(content, "utf-8")
    with pytest.raises(TableError, match="no label"):
        read_label_set(tmp_path / "a.txt")
    with pytest.raises(TableError):
        read_label_set(tmp_path / "gone.txt")


def test_the_ontology_knows_ids_and_names() -> None:
    path = SHARED / "audioset" / "ontology.json"
    if not path.is_file():
        pytest.skip("the real ontology is not here")
    known = ontology_labels(load_ontology(path))
    assert {"/m/0bt9lr", "Dog"} <= known.labels
    official = read_label_set(SHARED / "audioset" / "class_labels_indices.csv")
    assert len(official.labels & known.labels) == 2 * 527


def test_orphans() -> None:
    found = find_orphans(["a.wav", "b/c.wav"], ["a.wav", "b/c.wav", "b/d.wav"])
    assert [(p.reason, p.where, p.severity) for p in found] == [("orphan", "b/d.wav", "warning")]
    assert find_orphans([], []) == []


def test_rows_that_should_span_their_files() -> None:
    whole = [recording(str(i)) for i in range(18)]
    lengths = [100] * 18
    odd = [recording("odd", num_samples=60), recording("late", start_sample=10, num_samples=90)]
    table, found = recordings_frame([*whole, *odd]), pl.Series([*lengths, 100, 100])
    assert find_whole_files(table, found).to_list() == [True] * 19 + [False]
    # Where many rows are spans, a span is nothing unusual.
    spans = recordings_frame([*whole[:3], *(recording("long", start_sample=i) for i in range(3))])
    assert not find_whole_files(spans, pl.Series([100, 100, 100, 1000, 1000, 1000])).any()
    assert find_whole_files(recordings_frame([]), pl.Series([], dtype=pl.Int64)).to_list() == []
    unknown = pl.Series([None, *lengths[1:]], dtype=pl.Int64)
    assert find_whole_files(recordings_frame(whole), unknown).all()
