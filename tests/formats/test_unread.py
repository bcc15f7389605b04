from __future__ import annotations

from audiolect.data.problems import REASONS
from audiolect.formats.unread import REASON, unread_names

TEXTS = ("caption", "captions", "label")


def found(names: list[str], read: set[str]) -> list[tuple[str, str]]:
    problems = unread_names("a.csv", names, read, texts=TEXTS, others=("file_name", "title"))
    assert all((problem.reason, problem.where) == (REASON, "a.csv") for problem in problems)
    return [(problem.severity, problem.detail) for problem in problems]


def test_a_misspelt_caption_is_an_error_that_names_the_nearest() -> None:
    ((severity, detail),) = found(["file_name", "captoin"], {"file_name"})
    assert severity == "error"
    assert "'captoin' is not read; the nearest known: caption, captions" in detail
    assert "the columns there: file_name, captoin" in detail
    assert found(["file_name", "Caption"], {"file_name"})[0][0] == "error"
    assert REASON in REASONS


def test_close_names_beside_what_is_read_are_warnings() -> None:
    assert [severity for severity, _ in found(["caption", "caption_lang"], {"caption"})] == ["warning"]
    assert [severity for severity, _ in found(["file_name", "titel", "caption"], {"file_name", "caption"})] == [
        "warning"
    ]


def test_a_table_without_any_text_is_listed_once_with_all_its_names() -> None:
    ((severity, detail),) = found(["file_name", "remark", "x"], {"file_name"})
    assert severity == "warning"
    assert detail.startswith("no captions and no labels are read; the columns there: file_name, remark, x; known:")


def test_nothing_is_said_of_what_is_read_or_foreign() -> None:
    assert found(["file_name", "caption", "x"], {"file_name", "caption"}) == []
    assert found(["file_name"], {"file_name"}) == []
    assert found([], set()) == []
