"""Sentence vectors: the mean over tokens as transformers gives it, the same in every batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel, PreTrainedTokenizerFast

from audiolect.errors import UsageError
from audiolect.models.sentence_embedder import MAX_TOKENS, load_sentence_embedder
from audiolect.models.text_tokenizer import train_tokenizer

TEXTS = ["a dog barks", "rain falls on a roof while a dog barks", "", "a"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sentences")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=300, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config).save_pretrained(path)
    PreTrainedTokenizerFast(
        tokenizer_object=train_tokenizer(TEXTS, 290), pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(path)
    return path


def test_the_mean_over_the_tokens_of_each_text_alone(folder: Path) -> None:
    vectors = load_sentence_embedder(str(folder))(TEXTS)
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    assert vectors.shape == (4, 16)
    assert vectors.dtype == np.float32
    for text, vector in zip(TEXTS, vectors, strict=True):
        with torch.inference_mode():
            states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state
        assert vector == pytest.approx(states[0].mean(dim=0).numpy(), abs=1e-5)


def test_long_texts_are_cut(folder: Path) -> None:
    embed = load_sentence_embedder(str(folder))
    long = "a dog barks " * MAX_TOKENS
    assert embed([long]) == pytest.approx(embed([long + "rain"]), abs=1e-6)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be opened"):
        load_sentence_embedder(str(tmp_path))
