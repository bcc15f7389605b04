"""``audiolect export hf`` and then ``push``, as a user runs them: a real Whisper, too small to say much."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch
from called import call
from huggingface_hub import ModelCard

from audiolect.config import parse_config
from audiolect.models.captioner import CaptionerSettings, build_captioner, save_captioner
from audiolect.storage import file_header, fingerprint_file, read_json, read_text, write_json, write_yaml
from audiolect.training.run_folder import checkpoint_path, write_pointer

WHISPER = {
    "model_type": "whisper", "d_model": 16, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 16,
    "max_source_positions": 100,
}  # fmt: skip
MODEL = {
    "name": "captioner",
    "audio": {"name": "whisper", "config": WHISPER, "length": "recording"},
    "decoder": {"name": "transformer", "width": 16, "layers": 1, "heads": 2, "vocabulary": 300, "min_count": 1},
}


@pytest.fixture
def home(tmp_path: Path, tones: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset of tones and ``runs/first``, as a training on it would have left it."""
    monkeypatch.chdir(tmp_path)
    dataset = tones.tone_dataset(tmp_path / "tones", 6)
    torch.manual_seed(0)
    model = build_captioner(parse_config(MODEL, CaptionerSettings, "here"), ["a high tone", "a low tone"])
    model.styles = {"tones > caption: "}
    folder = tmp_path / "runs" / "first"
    recipe = {"model": MODEL, "data": {"tones": {"dataset": str(tmp_path / "tones")}}, "training": {"seed": 1}}
    write_yaml(folder / "config.yaml", {**file_header("run", 1), "recipe": recipe})
    facts = {"dataset": "tones", "version": "1", "fingerprint": dataset.card.fingerprint, "license": "CC BY 4.0",
             "entries": {"tones-AudioCaptioning/train": {"num_items": 3}}}  # fmt: skip
    card = {"recipe_folder": str(tmp_path), "data": {"tones": facts}, "seed": 1,
            "command": f"audiolect train {tmp_path}/recipe.yaml --out runs/first"}  # fmt: skip
    write_json(folder / "card.json", {**file_header("run", 1), **card})
    path = checkpoint_path(folder, 7)
    path.mkdir(parents=True)
    save_captioner(model.eval(), path)
    files = {name: fingerprint_file(path / name) for name in ("model.yaml", "model.safetensors")}
    write_json(path / "card.json", {**file_header("checkpoint", 1), "step": 7, "files": files})
    write_pointer(folder, "last", 7)
    return tmp_path


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
def test_a_run_becomes_a_folder_for_transformers_and_for_the_hub(
    home: Path, hub: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from transformers import WhisperForConditionalGeneration, pipeline

    assert call("predict", "runs/first", "tones", "--split", "test", "--out", "said") == 0
    assert call("evaluate", "said", "tones", "--out", "scores.json") == 0
    capsys.readouterr()
    assert call("export", "hf", "runs/first", "--scores", "scores.json", "--out", "whisper-tones") == 0
    told = capsys.readouterr().out
    for words in ("WhisperForConditionalGeneration", "cc-by-4.0", "fills each one up to 2 s", "audiolect push"):
        assert words in told
    out = home / "whisper-tones"
    loaded: Any = WhisperForConditionalGeneration.from_pretrained(out)
    assert loaded.config.d_model == 16
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sound, _ = soundfile.read(home / "tones-audio" / "000.wav", dtype="float32")
        pipe: Any = pipeline("automatic-speech-recognition", str(out))
        assert isinstance(
            pipe({"raw": sound, "sampling_rate": 16000}, generate_kwargs={"max_new_tokens": 5})["text"], str
        )
    text = read_text(out / "README.md")
    assert str(home) not in text
    assert str(home) not in read_text(out / "card.json")
    card = ModelCard(text).data
    assert (card.license, card.model_name) == ("cc-by-4.0", "whisper-tones")
    assert {"cider_d", "rouge_l"} <= {result.metric_type for result in card.eval_results or []}
    assert call("push", "whisper-tones", "me/whisper-tones", "--private") == 0
    files = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert hub.files["me/whisper-tones", "main"] == files
    assert "model.safetensors" in files


def test_a_model_alone_as_json_and_again(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = checkpoint_path(home / "runs" / "first", 7)
    assert call("export", "hf", model, "--out", "out", "--json", "--license", "MIT") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["class_name"], told["license"], told["style"]) == (
        "WhisperForConditionalGeneration", "mit", "tones > caption: ",
    )  # fmt: skip
    assert {"README.md", "config.json", "model.safetensors", "tokenizer.json"} <= set(told["files"])
    assert call("export", "hf", "runs/first", "--out", "out") == 2
    assert "exists" in capsys.readouterr().err
    assert call("export", "hf", "runs/first", "--out", "out", "--overwrite", "--checkpoint", 7) == 0
    assert read_json(home / "out" / "card.json")["step"] == 7


def test_a_dry_run_writes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(home.rglob("*"))
    assert call("export", "hf", "runs/first", "--out", "out", "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["would_export"] == "audiolect/captioner"
    assert call("export", "hf", "runs/first", "--out", "out", "--dry-run") == 0
    assert sorted(home.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("hf", "tones"), "This is no run"),
        (("hf", "runs/first", "--checkpoint", "9"), "no such checkpoint"),
        (("hf", "runs/first", "--style", "clotho"), "not trained with this style"),
        (("hf", "runs/first", "--scores", "none.json"), "no scores here"),
        (("hf", "runs/first", "--copy", "--where", "fold != 5"), "--copy and --where belong to the export of datasets"),
        (("audiofolder", "tones", "--checkpoint", "best"), "--checkpoint belong to the export of models"),
        (("audiofolder", "tones", "--license", "mit"), "audiolect export hf RUN"),
        (("huf", "tones"), "There is no format"),
    ],
)
def test_letters(arguments: tuple[str, ...], words: str, *, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("export", *arguments, "--out", "out") == 2
    assert words in " ".join(capsys.readouterr().err.split())
    assert not (home / "out").exists()


def test_scores_of_another_model_leave_nothing_behind(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("predict", "runs/first", "tones", "--split", "test", "--out", "said") == 0
    assert call("evaluate", "said", "tones", "--out", "scores.json") == 0
    text = (home / "scores.json").read_text("utf-8")
    found = json.loads(text)["contexts"]
    (mine,) = {context["checkpoint"]["checkpoint_hash"] for context in found.values()}
    (home / "scores.json").write_text(text.replace(mine, "cd" * 16), "utf-8")
    capsys.readouterr()
    assert call("export", "hf", "runs/first", "--out", "out", "--scores", "scores.json") == 2
    assert "not of this model" in capsys.readouterr().err
    assert not (home / "out").exists()
