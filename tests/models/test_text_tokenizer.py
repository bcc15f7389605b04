"""Tokenizers made from captions: the same from the same captions, and able to write everything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from audiolect.errors import DamagedFile, DatasetError
from audiolect.models.text_tokenizer import (
    LEAST_VOCABULARY,
    SPECIAL_TOKENS,
    read_tokenizer,
    train_tokenizer,
    write_tokenizer,
)

CAPTIONS = [f"a {what} {does} in the {where}" for what in ("dog", "cat", "car") for does in ("barks", "passes")
            for where in ("rain", "street", "hall")]  # fmt: skip


def test_words_that_occur_often_are_one_token() -> None:
    tokenizer = train_tokenizer(CAPTIONS, 400)
    encoding = tokenizer.encode("A dog  barks\tin the RAIN ")
    assert encoding.tokens == ["[CLS]", "Ġa", "Ġdog", "Ġbarks", "Ġin", "Ġthe", "Ġrain", "[SEP]"]
    assert [tokenizer.token_to_id(token) for token in SPECIAL_TOKENS] == [0, 1, 2]


def test_the_vocabulary_is_no_larger_than_asked() -> None:
    assert train_tokenizer(CAPTIONS, LEAST_VOCABULARY + 5).get_vocab_size() == LEAST_VOCABULARY + 5


@given(text=st.text(max_size=30))
@settings(deadline=None, max_examples=50)
def test_every_text_can_be_written(text: str) -> None:
    tokenizer = train_tokenizer(CAPTIONS, 300)
    ids = tokenizer.encode(text).ids
    assert ids[0] == 1
    assert ids[-1] == 2
    # Byte-level: what comes back is the normalised text, whatever its script.
    normalised = tokenizer.normalizer.normalize_str(text)
    assert tokenizer.decode(ids).strip() == normalised.strip()


def test_order_and_process_do_not_matter() -> None:
    here = train_tokenizer(CAPTIONS, 400).to_str()
    assert train_tokenizer(reversed(CAPTIONS), 400).to_str() == here
    code = (
        "from audiolect.models.text_tokenizer import train_tokenizer\n"
        f"import hashlib; print(hashlib.md5(train_tokenizer({CAPTIONS!r}, 400).to_str().encode()).hexdigest())"
    )
    hashes = {subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(2)}
    assert len(hashes) == 1


def test_it_is_read_back_also_by_transformers(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(CAPTIONS, 400)
    write_tokenizer(tokenizer, tmp_path / "tokenizer.json")
    text = "a dog in the hall"
    assert read_tokenizer(tmp_path / "tokenizer.json").encode(text).ids == tokenizer.encode(text).ids
    theirs = PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    assert theirs(text)["input_ids"] == tokenizer.encode(text).ids


def test_no_captions_are_a_letter() -> None:
    with pytest.raises(DatasetError, match="no captions"):
        train_tokenizer(["", "  "], 400)


def test_a_file_that_is_no_tokenizer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    with pytest.raises(DamagedFile, match="does not exist"):
        read_tokenizer(path)
    path.write_text("{}")
    with pytest.raises(DamagedFile, match="no tokenizer"):
        read_tokenizer(path)
    write_tokenizer(train_tokenizer(CAPTIONS, 400), path)
    path.write_text(path.read_text().replace("[SEP]", "[END]"))
    with pytest.raises(DamagedFile, match=r"lacks special tokens[\s\S]*\[SEP\]"):
        read_tokenizer(path)
