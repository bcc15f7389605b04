"""The table of rules: each of them is needed, and each takes something."""

from __future__ import annotations

import re

import pytest

from audiolect.metrics.word_rules import RULES
from audiolect.metrics.words import words


def test_every_rule_has_its_token_in_group_one_and_takes_no_empty_one() -> None:
    assert len(RULES) > 40
    for rule in RULES:
        assert rule.pattern.groups >= 1
        for text in ("", "\n", " ", "x", "5", "'", "."):
            found = rule.pattern.match(text)
            assert found is None or found.group(1), rule.pattern.pattern


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("C++ code", "C++"),
        ("cannot", "can"),
        ("'twas", "'t"),
        ("<b>", "<b>"),
        ("woman's", "woman"),
        ("don't", "do"),
        ("5kHz", "5kHz"),
        ("12/25/2020", "12/25/2020"),
        ("2 1/2", "2 1/2"),
        ("US$5", "US$"),
        ("etc. x", "etc."),
        ("Mr. x", "Mr."),
        ("no. 5", "no."),
        ("p.m.", "p.m."),
        ("1.wav ", "1.wav"),
        ("clip-clop", "clip-clop"),
        ("U.S.-based", "U.S.-based"),
        ("R&B", "R&B"),
        (":-) ", ":-)"),
        ("--", "--"),
        ("\u2026", "\u2026"),
    ],
)
def test_the_longest_match_is_the_token(text: str, token: str) -> None:
    matches = [found for rule in RULES if (found := rule.pattern.match(text + "\n\n")) is not None]
    assert max(matches, key=lambda found: found.end()).group(1) == token


def test_changes_are_texts_or_functions_of_the_token() -> None:
    changed = [rule for rule in RULES if rule.change is not None]
    assert len(changed) > 15
    assert all(isinstance(rule.change, str) or callable(rule.change) for rule in changed)
    assert words("\u00bd (a) \u20ac5 soft\u00adware") == ["1/2", "-lrb-", "a", "-rrb-", "$", "5", "software"]


def test_long_words_take_no_long_time() -> None:
    assert words("a" * 20_000) == ["a" * 20_000]
    assert len(words("1." * 3000)) >= 1
    assert re.sub("[^b]", "", words("b" * 5000 + "@")[0])
