"""The verb ``train`` as a person uses it: soundworld from its making to a run, stopped by a signal and gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast
from typer.testing import CliRunner

from audiolect.cli.main import app
from audiolect.models.text_tokenizer import train_tokenizer
from audiolect.yaml_text import yaml_text

RECIPE = {
    "data": {"world": {"dataset": "world"}},
    "mixture": {"epochs": 2, "entries": {"world-AudioCaptioning/train": {}}},
    "model": {
        "audio": {"name": "small", "width": 1, "features": {"preset": "wsntxxn-16k"}},
        "text": {"name": "transformer", "width": 8, "layers": 1, "heads": 2, "vocabulary": 300},
        "projection": {"size": 8},
    },
    "training": {
        "batches": {"rate_hz": 16000, "crop_seconds": 0.5, "batch_size": 4},
        "save_every_steps": 1,
        "threads": 1,
    },
    "evaluation": {"validation": ["world-AudioCaptioning/val"]},
}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe beside a small soundworld."""
    folder = tmp_path_factory.mktemp("street")
    made = CliRunner().invoke(app, ["prepare", "soundworld", "--out", str(folder / "world"), "--recordings", "30"])
    assert made.exit_code == 0, made.output
    (folder / "tiny.yaml").write_text(yaml_text(RECIPE), "utf-8")
    return folder / "tiny.yaml"


def test_a_dry_run_writes_nothing(recipe: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["train", str(recipe), "--out", str(tmp_path / "run"), "--dry-run"])
    assert done.exit_code == 0, done.output
    for words in (
        "nothing is written",
        "world-AudioCaptioning/train",
        "train\n",
        "loss of the first batch",
        "memory of a batch",
    ):
        assert words in done.output
    assert list(tmp_path.iterdir()) == []
    done = CliRunner().invoke(app, ["train", str(recipe), "--out", str(tmp_path / "run"), "--dry-run", "--json"])
    assert json.loads(done.stdout)["freezing"]["trainable"] > 1000


def test_pretrained_weights_say_what_they_have_matched(recipe: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bert"
    config = {"vocab_size": 300, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    BertModel(BertConfig(**config, intermediate_size=16, max_position_embeddings=40)).save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=train_tokenizer(["a dog barks", "rain"], 290), pad_token="[PAD]", cls_token="[CLS]"
    ).save_pretrained(folder)
    text = f"model.text={{name: huggingface, source: {folder}, max_tokens: 30}}"
    command = ["train", str(recipe), text, "training.max_steps=1", "--out", str(tmp_path / "run")]
    expected = f"weights of text.encoder from {folder}: 21 tensors matched"
    looked = CliRunner().invoke(app, [*command, "--dry-run"])
    assert expected in looked.stdout, looked.output
    done = CliRunner().invoke(app, [*command, "--json"])
    assert done.exit_code == 0, done.output
    assert expected in done.stderr
    assert json.loads(done.stdout)["step"] == 1
    card = json.loads((tmp_path / "run" / "card.json").read_text("utf-8"))
    assert card["weights"]["text.encoder"]["matched"] == 21
    again = CliRunner().invoke(app, [*command, "--json"])
    assert "weights of" not in again.stderr
    assert json.loads((tmp_path / "run" / "card.json").read_text("utf-8")) == card


def test_it_trains_and_says_what_is_next(recipe: Path, tmp_path: Path) -> None:
    command = ["train", str(recipe), "training.max_steps=2", "--out", str(tmp_path / "run")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "all steps are done" in done.output
    assert "validation: world-AudioCaptioning/val" in done.output
    for name in ("text_to_audio recall_geometric_mean", "audio_to_text map@10", "loss"):
        assert any(line.startswith(name) and len(line.split(name)[1].split()) == 1 for line in done.output.splitlines())
    assert f"audiolect predict {tmp_path / 'run'} DATASET --split test" in done.output.replace("\n", " ")
    again = CliRunner().invoke(app, [*command, "--json"])
    assert json.loads(again.stdout.splitlines()[-1]) | {"step": 2, "resumed_at": 2} == json.loads(
        again.stdout.splitlines()[-1]
    )


def test_sigterm_saves_and_ends_with_143(recipe: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "audiolect", "train", str(recipe), "mixture.epochs=200", "--out", str(run)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        begin = time.monotonic()
        while not (run / "last").is_file() and process.poll() is None and time.monotonic() - begin < 120:
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 143, said
    step = int((run / "last").read_text())
    assert f"Stopped and saved at step {step}: the same command goes on from there." in said
    done = CliRunner().invoke(
        app, ["train", str(recipe), "mixture.epochs=200", "--out", str(run), "--dry-run", "--json"]
    )
    assert json.loads(done.stdout)["resumes_at"] == step


def test_a_wrong_recipe_is_a_letter(recipe: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "audiolect",
        "train",
        str(recipe),
        "training.sede=1",
        "--out",
        str(tmp_path / "run"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "training.sede" in done.stderr
    assert "seed" in done.stderr
    assert list(tmp_path.iterdir()) == []
