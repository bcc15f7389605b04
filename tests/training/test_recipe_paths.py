"""Paths of a recipe: from its own folder, wherever the command runs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from audiolect.config import parse_config
from audiolect.errors import UsageError
from audiolect.models.captioner_settings import CaptionerSettings
from audiolect.models.clap import DualEncoderSettings, build_dual_encoder
from audiolect.models.text_tokenizer import train_tokenizer
from audiolect.models.text_tower import keep_vectors
from audiolect.predict.run_model import open_run_model
from audiolect.storage import read_yaml
from audiolect.training.dry_run import dry_run
from audiolect.training.recipe_paths import placed
from audiolect.training.run_folder import open_run
from audiolect.training.session import TrainOptions, train

CAPTIONS = ["a low hum number 1", "low hum of train", "bright whistle"]
FROZEN = {"name": "huggingface", "source": "../bert", "frozen": True, "cache": "../cache", "max_tokens": 20}


def bert(folder: Path) -> Path:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=300, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
        max_position_embeddings=20,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    words = train_tokenizer(CAPTIONS, 300, min_count=1)
    fast: Any = PreTrainedTokenizerFast
    fast(tokenizer_object=words, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]").save_pretrained(folder)
    return folder


@pytest.fixture
def home(tmp_path: Path, tones: Path, recipe_text: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tiny BERT, a recipe that names it, and another folder, in which the commands run."""
    bert(tmp_path / "bert")
    (tmp_path / "recipes").mkdir()
    changes = {"model.text": FROZEN, "training.max_steps": 2, "mixture.epochs": 1}
    (tmp_path / "recipes" / "tiny.yaml").write_text(recipe_text(tones, **changes), "utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path


def parts(folder: Path) -> list[Path]:
    return sorted(folder.rglob("part-*.safetensors"))


def test_a_training_its_dry_run_and_predictions_find_source_and_cache(home: Path) -> None:
    recipe, run = home / "recipes" / "tiny.yaml", home / "runs" / "one"
    assert dry_run(recipe, run).first_loss > 0
    train(recipe, run)
    kept = parts(home / "cache")
    assert kept
    assert list((home / "elsewhere").iterdir()) == []
    # What is written down is what the recipe says: it can be moved, and tells nobody where this home is.
    written = read_yaml(open_run(run).checkpoint("last") / "model.yaml")["settings"]
    assert (written["text"]["source"], written["text"]["cache"]) == ("../bert", "../cache")

    embedder = open_run_model(run, "last").embedder
    embedder.embed_texts(["rain falls"])
    assert len(parts(home / "cache")) == len(kept) + 1
    assert list((home / "elsewhere").iterdir()) == []


def test_a_run_that_goes_on_keeps_its_vectors_there_too(home: Path) -> None:
    recipe, run = home / "recipes" / "tiny.yaml", home / "runs" / "one"
    assert train(recipe, run, asked_to_stop=lambda: True).stopped
    for path in parts(home / "cache"):
        path.unlink()
    train(recipe, run)
    assert parts(home / "cache")
    assert list((home / "elsewhere").iterdir()) == []
    # Where vectors are kept changes no result.
    assert train(recipe, run, TrainOptions(("model.text.cache=../other",))).changed_keys == ("model.text.cache",)


def test_a_home_that_was_moved_works_where_it_is_now(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(home / "recipes" / "tiny.yaml", home / "runs" / "one", asked_to_stop=lambda: True)
    moved = home.with_name("moved")
    (home / "elsewhere").rmdir()
    monkeypatch.chdir(home.parent)
    home.rename(moved)
    open_run_model(moved / "runs" / "one", "last").embedder.embed_texts(["rain"])  # in memory: no folder is made
    assert not home.exists()
    train(moved / "recipes" / "tiny.yaml", moved / "runs" / "one")
    assert open_run(moved / "runs" / "one").recipe_folder == moved / "recipes"
    assert not home.exists()


def test_a_recipe_behind_a_link_has_the_folder_of_the_link(home: Path) -> None:
    (home / "linked").mkdir()
    (home / "linked" / "tiny.yaml").symlink_to(home / "recipes" / "tiny.yaml")
    train(home / "linked" / "tiny.yaml", home / "runs" / "one")
    assert open_run(home / "runs" / "one").recipe_folder == home / "linked"


def settings_of(**audio: Any) -> DualEncoderSettings:
    return parse_config({"audio": audio}, DualEncoderSettings, "test")


def test_every_key_by_hand(tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"")
    (tmp_path / "ast").mkdir()
    base = tmp_path / "recipes"
    base.mkdir()
    found = placed(settings_of(name="cnn14", weights="../w.pth"), base)
    assert found.audio.weights == str(base / "../w.pth")  # type: ignore[union-attr]
    assert placed(settings_of(name="ast", source="../ast"), base).audio.source == str(base / "../ast")  # type: ignore[union-attr]
    whisper = parse_config({"whisper": str(tmp_path / "ast")}, CaptionerSettings, "test")
    assert placed(whisper, base).whisper == str(tmp_path / "ast")
    decoder = {"decoder": {"name": "huggingface", "source": "../ast"}, "audio": {"name": "ast", "source": "MIT/ast"}}
    both = placed(parse_config(decoder, CaptionerSettings, "test"), base)
    assert both.decoder.source == str(base / "../ast")  # type: ignore[union-attr]
    assert both.audio.source == "MIT/ast"  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["gpt2", "openai/whisper-tiny", "sentence-transformers/all-mpnet-base-v2"])
def test_a_name_on_the_hub_stays_a_name(name: str, tmp_path: Path) -> None:
    assert placed(parse_config({"whisper": name}, CaptionerSettings, "test"), tmp_path).whisper == name


def test_settings_without_paths_are_as_they_were(tmp_path: Path) -> None:
    settings = DualEncoderSettings()
    before = copy.deepcopy(settings)
    assert placed(settings, tmp_path) == before == settings
    model = build_dual_encoder(settings, CAPTIONS)
    keep_vectors(model, tmp_path)
    assert model.text.cache_folder is None


def test_what_is_only_in_the_working_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tmp_path / "recipes"
    base.mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.pth").write_bytes(b"")
    words = r"model\.audio\.weights: w\.pth(.|\n)*recipes/w\.pth(.|\n)*working directory(.|\n)*write \.\./w\.pth"
    with pytest.raises(UsageError, match=words):
        placed(settings_of(name="cnn14", weights="w.pth"), base)
    # transformers would take this folder for the name on the Hub that was meant.
    (tmp_path / "MIT" / "ast").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"model\.audio\.source(.|\n)*write \.\./MIT/ast"):
        placed(settings_of(name="ast", source="MIT/ast"), base)


@pytest.mark.parametrize("audio", [{"name": "cnn14", "weights": "../w.pth"}, {"name": "ast", "source": "./ast"}])
def test_what_is_nowhere_is_refused(audio: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"leads nowhere(.|\n)*nothing there"):
        placed(settings_of(**audio), tmp_path)
