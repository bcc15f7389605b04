"""The strictest licence is told only where it is known."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.corpora import clotho, esc50, nsynth, urbansound8k
from audiolect.report.model_licenses import OTHER, licenses_in, strictest_license

NAMES = ["CC0-1.0", "CC BY 3.0", "CC BY 4.0", "CC BY-NC 4.0", "CC-BY-SA-4.0", "CC BY-NC-SA 4.0", "MIT", "not stated"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["CC0-1.0"], "cc0-1.0"),
        (["CC0-1.0", "CC BY 4.0"], "cc-by-4.0"),
        (["CC BY 3.0", "CC BY 4.0"], "cc-by-4.0"),
        (["CC BY-NC 3.0", "CC BY 4.0", "MIT"], "cc-by-nc-3.0"),
        (["CC0", "Apache-2.0"], "apache-2.0"),
        (["captions: MIT; audio: CC BY 4.0"], "cc-by-4.0"),
        (["CC BY-NC 4.0", "CC BY-SA 4.0"], OTHER),  # none has the conditions of both
        (["CC BY-NC 4.0", "CC BY-SA 4.0", "CC BY-NC-SA 4.0"], "cc-by-nc-sa-4.0"),
        (["CC0-1.0", "not stated"], OTHER),
        (["CC0-1.0", ""], OTHER),
        (["CC BY"], OTHER),  # of which version?
        ([], OTHER),
    ],
)
def test_by_hand(texts: list[str], expected: str) -> None:
    assert strictest_license(texts) == expected


def test_licences_of_our_corpora() -> None:
    assert strictest_license([esc50.LICENSE]) == "cc-by-nc-3.0"
    assert strictest_license([nsynth.LICENSE]) == "cc-by-4.0"
    assert strictest_license([urbansound8k.LICENSE, nsynth.LICENSE]) == "cc-by-nc-3.0"
    assert strictest_license([clotho.LICENSE]) == OTHER
    assert licenses_in(clotho.LICENSE) is None


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4))
def test_order_and_repetition_change_nothing_and_more_data_never_loosens(texts: list[str]) -> None:
    found = strictest_license(texts)
    assert {strictest_license(list(order)) for order in itertools.permutations(texts)} == {found}
    assert strictest_license([*texts, *texts]) == found
    whole = {condition for text in texts for license in licenses_in(text) or [] for condition in license.conditions}
    if found != OTHER:
        (license,) = licenses_in(found) or []
        assert license.conditions == whole
