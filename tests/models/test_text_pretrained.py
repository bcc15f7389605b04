"""Text encoders of transformers: opened from a folder, from a configuration, from what was saved."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, BertConfig, BertModel, GPT2Config, GPT2Model, PreTrainedTokenizerFast

from audiolect.errors import UsageError
from audiolect.models.load_reports import kept_reports
from audiolect.models.text_pretrained import open_pretrained, save_pretrained_parts
from audiolect.models.text_settings import HuggingFaceSettings
from audiolect.models.text_tokenizer import train_tokenizer

CAPTIONS = ["a dog barks", "rain falls on a roof"]
TINY = {"vocab_size": 300, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 20}  # fmt: skip


def bert_folder(folder: Path, **changes: int) -> Path:
    torch.manual_seed(0)
    BertModel(BertConfig(**{**TINY, **changes})).save_pretrained(folder)
    tokenizer = train_tokenizer(CAPTIONS, 290)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    return folder


def test_a_folder_has_its_weights_and_its_tokenizer(tmp_path: Path) -> None:
    folder = bert_folder(tmp_path)
    opened = open_pretrained(HuggingFaceSettings(source=str(folder), max_tokens=20))
    theirs = AutoModel.from_pretrained(folder).state_dict()
    ours = opened.model.state_dict()
    assert set(theirs) - set(ours) == {"pooler.dense.weight", "pooler.dense.bias"}  # no output depends on them
    assert all(torch.equal(theirs[name], value) for name, value in ours.items())
    assert opened.tokenizer.padding_side == "right"
    kept = kept_reports(opened.model)["model"]
    assert (kept.source, set(kept.report.matched), kept.report.missing) == (str(folder), set(ours), ())


def test_a_configuration_has_random_weights_and_the_tokenizer_of_the_captions(tmp_path: Path) -> None:
    settings = HuggingFaceSettings(config={"model_type": "bert", **TINY}, max_tokens=20)
    opened = open_pretrained(settings, train_tokenizer(CAPTIONS, 290))
    save_pretrained_parts(opened, tmp_path)
    again = open_pretrained(settings, saved=tmp_path)
    assert again.model.config.hidden_size == 16
    assert again.tokenizer(CAPTIONS)["input_ids"] == opened.tokenizer(CAPTIONS)["input_ids"]
    assert not list(tmp_path.glob("*.safetensors"))
    with pytest.raises(UsageError, match="tokenizer made from captions"):
        open_pretrained(settings)


def test_a_partial_source_is_refused(tmp_path: Path) -> None:
    folder = bert_folder(tmp_path)
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not name.startswith("pooler.")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    assert open_pretrained(HuggingFaceSettings(source=str(folder), max_tokens=20)).model.pooler is None
    with pytest.raises(UsageError, match=r"lacks weights[\s\S]*2 missing: pooler"):
        open_pretrained(HuggingFaceSettings(source=str(folder), max_tokens=20, pooling="pooler"))
    kept.pop("encoder.layer.0.output.dense.weight")
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError, match=r"1 missing: encoder.layer.0.output.dense.weight"):
        open_pretrained(HuggingFaceSettings(source=str(folder), max_tokens=20))


def test_a_tokenizer_without_padding_takes_its_end(tmp_path: Path) -> None:
    GPT2Model(GPT2Config(vocab_size=300, n_embd=16, n_layer=1, n_head=2, n_positions=32)).save_pretrained(tmp_path)
    PreTrainedTokenizerFast(tokenizer_object=train_tokenizer(CAPTIONS, 290), eos_token="[SEP]").save_pretrained(
        tmp_path
    )
    opened = open_pretrained(HuggingFaceSettings(source=str(tmp_path), pooling="last", max_tokens=32))
    assert opened.tokenizer.pad_token == "[SEP]"


def test_what_does_not_fit_is_said_together(tmp_path: Path) -> None:
    folder = bert_folder(tmp_path, vocab_size=100)
    with pytest.raises(UsageError, match=r"max_tokens is 64, and the model has 20[\s\S]*tokens, and the model 100"):
        open_pretrained(HuggingFaceSettings(source=str(folder)))


@pytest.mark.parametrize("source", ["nowhere/at/all", "empty"])
def test_what_cannot_be_opened_is_a_letter(tmp_path: Path, source: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="cannot be opened"):
        open_pretrained(HuggingFaceSettings(source=str(tmp_path / source)))
    with pytest.raises(UsageError, match="cannot be opened"):
        open_pretrained(HuggingFaceSettings(config={"model_type": "burt"}), train_tokenizer(CAPTIONS, 290))
