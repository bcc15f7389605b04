"""The table of kinds is whole: what one writes is a noun, and every verb's option has a default or is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiolect.street.kind import StageOptions
from audiolect.street.kinds import KINDS
from audiolect.street.nouns import NOUNS

DOC = Path(__file__).resolve().parents[2] / "docs" / "street.md"


@pytest.mark.parametrize("name", sorted(KINDS))
def test_each_entry_is_whole(name: str) -> None:
    kind = KINDS[name]
    assert kind.writes in NOUNS
    assert kind.about
    assert issubclass(kind.options, StageOptions)
    assert kind.suffix in ("", ".json", ".html")


def test_the_page_of_the_docs_names_each_kind_and_option() -> None:
    text = DOC.read_text("utf-8")
    missing = [name for name in KINDS if f"| `{name}` |" not in text]
    options = [f"{name}.{option}" for name, kind in KINDS.items() for option in kind.options.model_fields]
    missing += [each for each in options if f"`{each.partition('.')[2]}`" not in text]
    assert len(options) > 40
    assert missing == []
