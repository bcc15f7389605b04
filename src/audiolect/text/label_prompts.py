"""Labels as sentences, for classification by text: each label is filled into each template.

    fill("the sound of {label}", "dog_bark")  →  "the sound of dog bark"

A class is then represented by the mean of the vectors of its sentences (an ensemble of prompts), which depends less on
the words of one template than any single one does.

Conventions: a template holds ``{label}`` once; other braces are letters. Underscores and runs of spaces in a label
become one space; its case stays.

Public names: DEFAULT_TEMPLATES, check_templates, fill, spoken_label.

Source: A. Radford et al., "Learning transferable visual models from natural language supervision", ICML 2021, section
3.1.4 (ensembles of prompts); Y. Wu et al., "Large-scale contrastive language-audio pretraining", ICASSP 2023.
"""

from __future__ import annotations

from collections.abc import Sequence

from audiolect.errors import UsageError

DEFAULT_TEMPLATES = (
    "{label}",
    "the sound of {label}",
    "this is a sound of {label}",
    "a recording of {label}",
)

_PLACE = "{label}"


def check_templates(templates: Sequence[str]) -> tuple[str, ...]:
    """The templates, each once.

    Raises:
        UsageError: there are none, one stands twice, or does not hold ``{label}`` exactly once.
    """
    if not templates:
        raise UsageError(
            "Classification by text needs a template.", expected="one or more, such as 'the sound of {label}'"
        )
    for template in templates:
        if template.count(_PLACE) != 1:
            raise UsageError(
                "A template does not hold {label} once.",
                expected="such as 'the sound of {label}'",
                found=repr(template),
            )
    doubled = sorted({template for template in templates if templates.count(template) > 1})
    if doubled:
        raise UsageError("A template stands twice.", found=repr(doubled[0]), fix="give each once")
    return tuple(templates)


def fill(template: str, label: str) -> str:
    """The sentence of a label."""
    return template.replace(_PLACE, spoken_label(label))


def spoken_label(label: str) -> str:
    """``dog_bark`` → ``dog bark``."""
    return " ".join(label.replace("_", " ").split())
