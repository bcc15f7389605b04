"""``audiolect caption``, and ``predict`` of a captioner, as a user runs them: a real model, too small to say much."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from called import call

from audiolect.config import parse_config
from audiolect.models.captioner import CaptionerSettings, build_captioner, save_captioner
from audiolect.models.clap import DualEncoderSettings, build_dual_encoder, save_model
from audiolect.text_predictions import read_text_predictions

MODEL = {
    "name": "captioner",
    "audio": {
        "name": "small",
        "width": 1,
        "features": {"preset": "wsntxxn-16k", "sample_rate_hz": 8000, "fmax_hz": 4000.0},
    },
    "decoder": {"name": "transformer", "width": 8, "layers": 1, "heads": 2, "vocabulary": 300},
}


@pytest.fixture
def home(tmp_path: Path, tones: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset of tones and a captioner with two styles."""
    monkeypatch.chdir(tmp_path)
    tones.tone_dataset(tmp_path / "tones", 6)
    torch.manual_seed(0)
    model = build_captioner(parse_config(MODEL, CaptionerSettings, "here"), ["a high tone", "a low tone"])
    model.styles = {"tones > caption: ", "clotho > caption: "}
    save_captioner(model.eval(), tmp_path / "model")
    return tmp_path


def test_predict_writes_captions(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--method", "beam", "--num-beams", 3, "--num-outputs", 2)
    assert call("predict", "model", "tones", "--split", "test", "--out", "out", *options) == 0
    printed = capsys.readouterr().out
    for words in ("captions of tones", "3 of 3", "tones > caption", "num_beams 3", "audiolect evaluate out"):
        assert words in printed
    found = read_text_predictions("out")
    assert [len(row.outputs) for row in found.rows] == [2, 2, 2]
    assert found.header.reranking is None
    assert call("predict", "model", "tones", "--out", "all", "--style", "clotho", "--json") == 0
    assert json.loads(capsys.readouterr().out)["num_predictions"] == 6
    assert {row.style for row in read_text_predictions("all").rows} == {"clotho > caption"}


def test_a_batch_changes_no_caption(home: Path) -> None:
    for size in (1, 6):
        assert call("predict", "model", "tones", "--out", f"by-{size}", "--batch-size", size) == 0
    one, six = (read_text_predictions(f"by-{size}").rows for size in (1, 6))
    assert [row.outputs for row in one] == [row.outputs for row in six]


def test_a_grid_has_a_table(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("grid.yaml").write_text("greedy: {max_tokens: 5}\nbeam: {method: beam, num_beams: [2, 3], max_tokens: 5}\n")
    assert call("predict", "model", "tones", "--out", "grid", "--grid", "grid.yaml") == 0
    printed = capsys.readouterr().out
    assert "3 ways to write" in printed
    assert "beam num_beams=3" in printed
    table = json.loads((home / "grid" / "grid.json").read_text("utf-8"))["rows"]
    assert [row["name"] for row in table] == ["greedy", "beam num_beams=2", "beam num_beams=3"]
    assert all((home / "grid" / row["folder"] / "predictions.jsonl").is_file() for row in table)
    assert set(table[0]["scores"]) == {"cider_d", "rouge_l", "bleu_4"}


def test_caption_prints_or_writes(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "tones-audio" / "broken.wav").write_bytes(b"RIFF....")
    assert call("caption", "model", "tones-audio/000.wav", "--style", "tones") == 0
    assert capsys.readouterr().out.startswith("tones-audio/000.wav: ")
    for again in (0, 6):
        assert call("caption", "model", "tones-audio", "--style", "tones", "--out", "out.csv") == 0
        told = capsys.readouterr()
        assert f"{6 - again} captions, {again} there before, 1 left out" in told.out
        assert "left out: tones-audio/broken.wav" in told.err
    rows = list(csv.DictReader(Path("out.csv").read_text("utf-8").splitlines()))
    assert [row["file"] for row in rows] == [f"tones-audio/{i:03d}.wav" for i in range(6)]
    assert call("caption", "model", "tones-audio/000.wav", "--style", "clotho", "--json") == 0
    assert json.loads(capsys.readouterr().out)["captions"][0]["style"] == "clotho > caption"


@pytest.fixture
def retrieval(home: Path) -> Path:
    """A dual encoder that hears at another rate than the captioner."""
    section = {
        "audio": {"name": "small", "width": 1},
        "text": {"name": "transformer", "width": 8, "layers": 1, "heads": 2, "vocabulary": 300, "min_count": 1},
        "projection": {"size": 6},
    }
    torch.manual_seed(1)
    save_model(build_dual_encoder(DualEncoderSettings.model_validate(section), ["a high tone"]), home / "retrieval")
    (home / "four.yaml").write_text(
        "{method: diverse_beam, num_beams: 4, num_groups: 4, diversity_penalty: 9.0, max_tokens: 4}", "utf-8"
    )
    return home / "retrieval"


BEAMS = ("--generation", "four.yaml", "--num-outputs", 4)


def test_a_retrieval_run_orders_the_captions(home: Path, retrieval: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("predict", "model", "tones", "--out", "plain", *BEAMS) == 0
    for weight in (0, 1):
        asked = ("--rerank", "retrieval", "--rerank-weight", weight)
        assert call("predict", "model", "tones", "--out", f"by-{weight}", *BEAMS, *asked) == 0
    assert "retrieval, weight 1" in capsys.readouterr().out
    plain, by_score, by_sound = (read_text_predictions(name) for name in ("plain", "by-0", "by-1"))
    assert by_score.rows == plain.rows
    assert by_sound.rows != plain.rows
    assert [sorted(row.outputs) for row in by_sound.rows] == [sorted(row.outputs) for row in plain.rows]
    told = by_sound.header.reranking
    assert told is not None
    assert (told.model.run, told.weight, told.preprocessing["rate_hz"]) == ("retrieval", 1.0, 32000)
    files = [f"tones-audio/{i:03d}.wav" for i in range(6)]
    chosen = ("--style", "tones", *BEAMS, "--rerank", "retrieval", "--rerank-weight", 1)
    capsys.readouterr()
    assert call("caption", "model", *files, *chosen, "--json") == 0
    captions = json.loads(capsys.readouterr().out)["captions"]
    assert [each["caption"] for each in captions] == [row.outputs[0] for row in by_sound.rows]
    assert call("caption", "model", files[2], *chosen, "--json") == 0
    assert json.loads(capsys.readouterr().out)["captions"] == [captions[2]]


def test_letters_of_reranking(home: Path, retrieval: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predict, caption = ("predict", "model", "tones", "--out", "x"), ("caption", "model", "tones-audio")
    for words, arguments in {
        "--method beam --num-beams 5 --num-outputs 5": (*predict, "--rerank", "retrieval"),
        "one candidate": (*caption, "--style", "tones", "--rerank", "retrieval"),
        "expected: audiolect/dual_encoder": (*predict, *BEAMS, "--rerank", "model"),
        "This is no run": (*predict, *BEAMS, "--rerank", "tones"),
        "nothing to weigh": (*predict, *BEAMS, "--rerank-weight", 0.5),
        "nothing chooses": (*caption, *BEAMS),
        "less than or equal to 1": (*predict, *BEAMS, "--rerank", "retrieval", "--rerank-weight", 1.5),
        "or equal to 1": (*predict, *BEAMS, "--rerank", "retrieval", "--rerank-weight", "nan"),
        "Only a captioner writes": ("predict", "retrieval", "tones", "--out", "x", "--rerank", "retrieval"),
    }.items():
        assert call(*arguments) == 2, words
        assert words in " ".join(capsys.readouterr().err.split()), words
    assert not (home / "x").exists()


def test_letters(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "broken.wav").write_bytes(b"RIFF....")
    for words, arguments in {
        "was not trained with this style": ("caption", "model", "tones-audio", "--style", "audiocaps"),
        "Choose one of the model's styles": ("caption", "model", "tones-audio"),
        "embeds nothing": ("predict", "model", "tones", "--out", "x", "--labels", "a,b"),
        "expected one of greedy": ("predict", "model", "tones", "--out", "x", "--method", "best"),
        "This is no run": ("caption", "tones", "tones-audio", "--style", "tones"),
        "left out": ("caption", "model", "broken.wav", "--style", "tones"),
    }.items():
        assert call(*arguments) == 2, words
        assert words in " ".join(capsys.readouterr().err.split())
