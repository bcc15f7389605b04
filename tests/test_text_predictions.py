"""Files of text predictions: what is written is read again, and what cannot be trusted is refused."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.embedding_files import ModelIdentity
from audiolect.errors import DamagedFile, DatasetError, StorageError, UnknownVersion
from audiolect.text_predictions import (
    TextPart,
    TextPrediction,
    TextPredictionsHeader,
    is_text_predictions,
    read_text_header,
    read_text_predictions,
    text_predictions_fingerprint,
    write_text_predictions,
)

HEADER = TextPredictionsHeader(
    model=ModelIdentity(run="small", checkpoint="best", checkpoint_hash="0" * 32),
    dataset=TextPart(name="world", fingerprint="f" * 32, split="test", num_expected=3, num_predicted=0),
    generation={"method": "beam", "num_beams": 4},
)
ROWS = (
    TextPrediction("w/1#c", "w/1", ("a dog barks", "a dog"), (-0.5, -1.5), "clotho > caption"),
    TextPrediction("w/2#c", "w/2", ("",)),
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    written = write_text_predictions(path, HEADER, ROWS)
    found = read_text_predictions(path)
    assert found.rows == ROWS
    assert found.header == written == read_text_header(path)
    assert (written.num_predictions, written.dataset.num_predicted, written.dataset.num_expected) == (2, 2, 3)
    assert written.producer.startswith("audiolect ")
    assert len(path.read_text("utf-8").splitlines()) == 3
    assert read_text_predictions(tmp_path).rows == ROWS


def test_an_empty_set_of_predictions(tmp_path: Path) -> None:
    write_text_predictions(tmp_path / "p.jsonl", HEADER, ())
    assert read_text_predictions(tmp_path / "p.jsonl").rows == ()


def test_it_knows_its_files(tmp_path: Path) -> None:
    assert not is_text_predictions(tmp_path)
    assert not is_text_predictions(tmp_path / "none.jsonl")
    write_text_predictions(tmp_path / "predictions.jsonl", HEADER, ROWS)
    assert is_text_predictions(tmp_path)
    assert is_text_predictions(tmp_path / "predictions.jsonl")
    (tmp_path / "other.jsonl").write_text('{"format": "audiolect/embeddings"}\n', "utf-8")
    assert not is_text_predictions(tmp_path / "other.jsonl")


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ((ROWS[0], ROWS[0]), "two predictions"),
        ((TextPrediction("a", "a", ()),), "no output"),
        ((TextPrediction("a", "a", ("x", "y"), (1.0,)),), "not one score for each"),
        ((TextPrediction("a", "a", ("x",), (float("nan"),)),), "not finite"),
    ],
)
def test_rows_that_are_refused_before_anything_is_written(
    tmp_path: Path, rows: tuple[TextPrediction, ...], what: str
) -> None:
    with pytest.raises(DatasetError, match=what):
        write_text_predictions(tmp_path / "p.jsonl", HEADER, rows)
    assert not (tmp_path / "p.jsonl").exists()


def test_an_example_may_have_a_prediction_in_each_style(tmp_path: Path) -> None:
    rows = [TextPrediction("a", "a", ("x",), (), style) for style in ("clotho > caption", "audioset > keywords")]
    assert write_text_predictions(tmp_path / "p.jsonl", HEADER, rows).dataset.num_predicted == 1


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"id": "a", "recording_id": "a", "outputs": "text"}', "no prediction"),
        ('{"id": 5, "recording_id": "a", "outputs": ["x"]}', "no prediction"),
        ('{"id": "a", "recording_id": "a", "outputs": ["x"], "scores": ["y"]}', "no prediction"),
        ('{"id": "a", "recording_id": "a", "outputs": ["x"], "score": 1}', "no prediction"),
        ('{"id": "a", "recording_id": ', "not JSON"),
    ],
)
def test_lines_that_cannot_be_used(tmp_path: Path, line: str, what: str) -> None:
    path = tmp_path / "p.jsonl"
    write_text_predictions(path, HEADER, ())
    path.write_text(path.read_text("utf-8") + line + "\n", "utf-8")
    with pytest.raises(DamagedFile, match=what):
        read_text_predictions(path)


def test_a_file_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    write_text_predictions(path, HEADER, ROWS)
    path.write_text("\n".join(path.read_text("utf-8").splitlines()[:2]) + "\n", "utf-8")
    with pytest.raises(DamagedFile, match="not as many"):
        read_text_predictions(path)


def test_other_files_and_versions(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    with pytest.raises(StorageError, match="no text predictions"):
        read_text_predictions(path)
    path.write_text('{"id": "a"}\n', "utf-8")
    with pytest.raises(UnknownVersion, match="header is missing"):
        read_text_predictions(path)
    write_text_predictions(path, HEADER, ROWS)
    lines = path.read_text("utf-8").splitlines()
    for change, error in (({"version": 99}, UnknownVersion), ({"decoding": 1}, DamagedFile)):
        path.write_text("\n".join([json.dumps(json.loads(lines[0]) | change), *lines[1:]]) + "\n", "utf-8")
        with pytest.raises(error):
            read_text_predictions(path)


def test_the_fingerprint_is_of_what_was_said_in_any_order(tmp_path: Path) -> None:
    prints = []
    for rows in (ROWS, ROWS[::-1], (ROWS[0], TextPrediction("w/2#c", "w/2", ("a cat",)))):
        write_text_predictions(tmp_path / "p.jsonl", HEADER, rows)
        prints.append(text_predictions_fingerprint(read_text_predictions(tmp_path / "p.jsonl")))
    assert prints[0] == prints[1] != prints[2]


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@given(st.dictionaries(texts.filter(bool), st.lists(texts, min_size=1, max_size=3), max_size=5))
def test_any_text_comes_back(outputs: dict[str, list[str]]) -> None:
    rows = tuple(TextPrediction(name, name, tuple(own)) for name, own in outputs.items())
    with tempfile.TemporaryDirectory() as folder:
        write_text_predictions(Path(folder) / "p.jsonl", HEADER, rows)
        assert read_text_predictions(Path(folder) / "p.jsonl").rows == rows
