"""The fluency detector, with random weights in files of the published form."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertModel, PreTrainedTokenizerFast

from audiolect.errors import DamagedFile, StorageError, UsageError
from audiolect.models.fluency_detector import FluencyDetector, load_fluency_detector
from audiolect.models.text_tokenizer import train_tokenizer

TEXTS = ["a dog barks", "a dog barks and and", "", "rain falls on a roof while a dog barks far away"]
CONFIG = BertConfig(vocab_size=300, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, FluencyDetector]:
    """The configuration and tokenizer of an encoder in a folder, and a detector with random weights."""
    folder = tmp_path / "encoder"
    CONFIG.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=train_tokenizer(TEXTS, 290), pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    return folder, FluencyDetector(BertModel(CONFIG), 6).eval()


def published(model: FluencyDetector, encoder: str) -> dict[str, object]:
    state = model.state_dict() | {"encoder.embeddings.position_ids": torch.arange(512)[None]}
    return {"model_type": encoder, "num_classes": 6, "state_dict": state}


def test_a_published_file_with_its_encoder(made: tuple[Path, FluencyDetector], tmp_path: Path) -> None:
    folder, model = made
    torch.save(published(model, str(folder)), tmp_path / "echecker.ckpt")
    errors = load_fluency_detector(tmp_path / "echecker.ckpt")(TEXTS)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert errors.shape == (4,)
    for text, error in zip(TEXTS, errors, strict=True):
        tokens = tokenizer(text, return_tensors="pt")
        with torch.inference_mode():
            states = model.encoder(tokens["input_ids"], tokens["attention_mask"]).last_hidden_state
            logits = states[:, 0] @ model.clf.weight.T + model.clf.bias
        assert error == pytest.approx(float(torch.sigmoid(logits[0, -1])), abs=1e-5)
    assert load_fluency_detector(tmp_path / "echecker.ckpt")([]).shape == (0,)


def test_a_folder_with_everything_and_a_file_without_its_pooler(made: tuple[Path, FluencyDetector]) -> None:
    folder, model = made
    content = published(model, "no/such-encoder")
    content["state_dict"] = {k: v for k, v in content["state_dict"].items() if ".pooler." not in k}  # type: ignore[attr-defined]
    torch.save(content, folder / "echecker.ckpt")
    assert load_fluency_detector(folder)(TEXTS).shape == (4,)
    assert load_fluency_detector(folder / "echecker.ckpt", encoder=str(folder))(TEXTS).shape == (4,)


def test_files_that_are_none(made: tuple[Path, FluencyDetector], tmp_path: Path) -> None:
    folder, model = made
    with pytest.raises(StorageError):
        load_fluency_detector(tmp_path / "none.ckpt")
    torch.save({"state_dict": {"weight": torch.zeros(2)}}, tmp_path / "other.ckpt")
    with pytest.raises(DamagedFile, match="no detector"):
        load_fluency_detector(tmp_path / "other.ckpt")
    torch.save({"state_dict": model.state_dict()}, tmp_path / "bare.ckpt")
    with pytest.raises(UsageError, match="does not say which encoder"):
        load_fluency_detector(tmp_path / "bare.ckpt")
    torch.save(published(model, str(tmp_path / "nowhere")), tmp_path / "lost.ckpt")
    with pytest.raises(UsageError, match="encoder of the fluency detector"):
        load_fluency_detector(tmp_path / "lost.ckpt")
    wrong = published(model, str(folder))
    del wrong["state_dict"]["encoder.encoder.layer.0.output.dense.bias"]  # type: ignore[attr-defined]
    torch.save(wrong, tmp_path / "part.ckpt")
    with pytest.raises(UsageError, match="weights do not fit the model"):
        load_fluency_detector(tmp_path / "part.ckpt")
