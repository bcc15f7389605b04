"""The card of an index."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_index import IDENTITY

from audiolect.errors import DamagedFile, StorageError, UnknownVersion, UsageError
from audiolect.search.card import IndexCard, check_checkpoint, read_index_card, speaker_for, write_index_card


def card() -> IndexCard:
    return IndexCard(format="", version=0, producer="", model=IDENTITY, size=16)


def test_there_and_back(tmp_path: Path) -> None:
    written = write_index_card(tmp_path, card())
    assert (written.format, written.version) == ("audiolect/index", 1)
    assert read_index_card(tmp_path) == written


def test_cards_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no index here"):
        read_index_card(tmp_path)
    write_index_card(tmp_path, card())
    path = tmp_path / "card.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"version": 9}))
    with pytest.raises(UnknownVersion):
        read_index_card(tmp_path)
    path.write_text(json.dumps(content | {"size": 0}))
    with pytest.raises(DamagedFile, match="cannot be used"):
        read_index_card(tmp_path)


def test_checkpoints_are_known_by_their_hash() -> None:
    check_checkpoint(card(), IDENTITY.model_copy(update={"run": "renamed"}), "i")
    other = IDENTITY.model_copy(update={"checkpoint_hash": "b" * 32, "step": None, "checkpoint": ""})
    with pytest.raises(UsageError, match="another checkpoint") as letter:
        check_checkpoint(card(), other, "i")
    assert "run world, checkpoint best (step 5), hash aaaa" in str(letter.value)
    assert speaker_for(other) == "run world"
