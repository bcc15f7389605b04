"""Styles of captions, and what people type for them."""

from __future__ import annotations

import pytest

from audiolect.errors import UsageError
from audiolect.tasks import FAMILIES
from audiolect.text.styles import KINDS, choose_style, style_prefix

KNOWN = {"clotho > caption: ", "audioset > keywords: ", "world > caption: ", "world > keywords: "}


def test_the_published_prefixes() -> None:
    assert style_prefix("Clotho", "caption") == "clotho > caption: "
    assert style_prefix("audioset", "keywords") == "audioset > keywords: "
    assert style_prefix("audioset", "labels") == "audioset > keywords: "


def test_kinds_are_of_families_that_there_are() -> None:
    assert set(KINDS) < set(FAMILIES)


def test_a_question_is_no_style() -> None:
    with pytest.raises(UsageError, match="writes captions and keywords"):
        style_prefix("clothoaqa", "question")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("clotho > caption: ", "clotho > caption: "),
        ("Clotho > caption", "clotho > caption: "),
        ("clotho", "clotho > caption: "),
        ("audioset", "audioset > keywords: "),
        ("world", "world > caption: "),
        ("world > keywords:", "world > keywords: "),
    ],
)
def test_what_people_type(asked: str, found: str) -> None:
    assert choose_style(asked, KNOWN) == found


def test_the_only_style_need_not_be_said() -> None:
    assert choose_style(None, {"clotho > caption: "}) == "clotho > caption: "
    assert choose_style(None, set()) == ""
    assert choose_style("anything: ", set()) == "anything: "


def test_an_unknown_style_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="not trained with this style") as told:
        choose_style("cloto", KNOWN)
    assert "'clotho > caption'" in str(told.value)
    with pytest.raises(UsageError, match="Choose one"):
        choose_style(None, KNOWN)
