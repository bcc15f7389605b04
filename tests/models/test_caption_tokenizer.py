"""Tokenizers of captioners: made from captions, Whisper's start, one end, and letters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from audiolect.errors import DatasetError, UsageError
from audiolect.models.caption_tokenizer import (
    LEAST_CAPTION_VOCABULARY,
    CaptionTokenizer,
    train_caption_tokenizer,
    whisper_tokens,
)

CAPTIONS = ["A dog barks.", "rain falls on a roof", "a dog barks twice"]


@pytest.fixture(scope="module")
def tokenizer() -> CaptionTokenizer:
    return train_caption_tokenizer(CAPTIONS, 300, min_count=1)


def test_the_start_is_that_of_english_transcripts(tokenizer: CaptionTokenizer) -> None:
    words = tokenizer.words.convert_ids_to_tokens(list(tokenizer.start))
    assert words == ["<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>"]
    assert tokenizer.words.convert_ids_to_tokens(tokenizer.end) == "<|endoftext|>"
    assert tokenizer.prefix("") == tokenizer.start
    assert tokenizer.prefix("x > y: ") == (*tokenizer.start, *tokenizer.ids("x > y: "))


def test_the_order_of_captions_changes_nothing() -> None:
    one = train_caption_tokenizer(CAPTIONS, 280, min_count=1)
    other = train_caption_tokenizer(CAPTIONS[::-1], 280, min_count=1)
    assert one.words.get_vocab() == other.words.get_vocab()
    assert one.size <= 280
    assert train_caption_tokenizer(CAPTIONS, LEAST_CAPTION_VOCABULARY).size == LEAST_CAPTION_VOCABULARY


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1))
@settings(max_examples=50, deadline=None)
def test_every_text_comes_back(text: str) -> None:
    made = _made()
    if text.strip():
        expected = " ".join(text.split())
        if "<|" not in expected:
            assert made.text([*made.answer(text), made.end, 5]) == expected


_KEPT: list[CaptionTokenizer] = []


def _made() -> CaptionTokenizer:
    if not _KEPT:
        _KEPT.append(train_caption_tokenizer(CAPTIONS, 300, min_count=1, lower_case=False))
    return _KEPT[0]


def test_lower_case_and_white_space(tokenizer: CaptionTokenizer) -> None:
    assert tokenizer.text(tokenizer.answer("  A Dog\n barks. ")) == "a dog barks."


def test_what_was_saved_is_a_whispers_tokenizer(tokenizer: CaptionTokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path)
    words = AutoTokenizer.from_pretrained(tmp_path)
    assert type(words).__name__ == "WhisperTokenizer"
    again = whisper_tokens(words, lower_case=True)
    assert (again.start, again.end, again.size) == (tokenizer.start, tokenizer.end, tokenizer.size)
    assert again.answer(CAPTIONS[0]) == tokenizer.answer(CAPTIONS[0])
    assert tuple(words.prefix_tokens) == again.start


def test_bad_input_gets_a_letter(tokenizer: CaptionTokenizer) -> None:
    with pytest.raises(UsageError, match="caption is empty"):
        tokenizer.answer(" \t")
    with pytest.raises(DatasetError, match="no captions"):
        train_caption_tokenizer([" "], 300)
    fast: Any = PreTrainedTokenizerFast
    other = fast(tokenizer_object=Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]")))
    with pytest.raises(UsageError, match="not that of a Whisper"):
        whisper_tokens(other)
