"""Labels as sentences."""

from __future__ import annotations

import pytest

from audiolect.errors import UsageError
from audiolect.text.label_prompts import DEFAULT_TEMPLATES, check_templates, fill, spoken_label


def test_by_hand() -> None:
    assert fill("the sound of {label}", "dog_bark") == "the sound of dog bark"
    assert spoken_label("  Sea  waves_ ") == "Sea waves"
    assert fill("{label} {loud}", "a") == "a {loud}"


def test_the_defaults_are_templates() -> None:
    assert check_templates(DEFAULT_TEMPLATES) == DEFAULT_TEMPLATES
    assert len({fill(template, "dog") for template in DEFAULT_TEMPLATES}) == len(DEFAULT_TEMPLATES)


@pytest.mark.parametrize(
    ("templates", "says"),
    [
        ((), "needs a template"),
        (("a dog",), "does not hold {label} once"),
        (("{label} {label}",), "does not hold {label} once"),
        (("{label}", "{label}"), "stands twice"),
    ],
)
def test_letters(templates: tuple[str, ...], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        check_templates(templates)
