"""Other people's captions: recordings are found by their names, and what is unclear is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiolect.data.dataset import Dataset
from audiolect.errors import DatasetError, TableError, UsageError
from audiolect.evaluate.captions import evaluate_captions
from audiolect.evaluate.evaluation import EvaluateRequest
from audiolect.evaluate.numbers import MetricChoice
from audiolect.evaluate.predictions_table import read_predictions_table
from audiolect.text_predictions import write_text_predictions


def table(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(["file_name,caption_predicted", *lines]) + "\n", "utf-8")
    return path


def test_names_paths_and_stems(captioned: Dataset, tmp_path: Path) -> None:
    path = table(
        tmp_path / "theirs.csv", '0.wav,"a dog, barking"', "folder/1.wav,rain", "somewhere/else/2.wav, a man ", "3,"
    )
    header, rows = read_predictions_table(path, captioned, split="test")
    assert [(row.recording_id, row.outputs) for row in rows] == [
        ("c/0", ("a dog, barking",)),
        ("c/1", ("rain",)),
        ("c/2", ("a man",)),
        ("c/3", ("",)),
    ]
    assert header.model.run == "theirs"
    assert (header.dataset.split, header.dataset.num_expected, header.dataset.num_predicted) == ("test", 4, 4)
    write_text_predictions(tmp_path / "p.jsonl", header, rows)
    scores = evaluate_captions([tmp_path / "p.jsonl"], captioned, EvaluateRequest(MetricChoice((), 0, 100)))
    assert {number.key: number.value for number in scores.numbers}["all/captioning/bleu_1"] > 0


def test_a_part_is_counted(captioned: Dataset, tmp_path: Path) -> None:
    header, _ = read_predictions_table(table(tmp_path / "p.csv", "0.wav,a dog"), captioned)
    assert header.dataset.left_out == {"not in the table": 5}
    assert (header.dataset.num_expected, header.dataset.num_predicted) == (6, 1)


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (("9.wav,x",), "means no recording"),
        (("4.wav,x",), "means no recording"),  # of the other split
        (("0.wav,x", "c/0,y"), "two predictions"),
        (("0.wav,x,y", "1.wav,z"), "cannot be used"),
    ],
)
def test_rows_that_are_refused(captioned: Dataset, tmp_path: Path, lines: tuple[str, ...], what: str) -> None:
    with pytest.raises(TableError, match=what):
        read_predictions_table(table(tmp_path / "p.csv", *lines), captioned, split="test")


def test_tables_and_parts_that_are_refused(captioned: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("file,caption\na,b\n", "utf-8")
    with pytest.raises(TableError, match="column"):
        read_predictions_table(path, captioned)
    with pytest.raises(UsageError, match="no split named"):
        read_predictions_table(table(path, "0.wav,x"), captioned, split="testing")
    with pytest.raises(DatasetError, match="No recording is left"):
        read_predictions_table(table(path, "0.wav,x"), captioned, where="fold == 9")
    with pytest.raises(UsageError, match="task"):
        read_predictions_table(table(path, "0.wav,x"), captioned, task="Nothing")
