"""Styles of captions: the text that a captioner is given as the beginning of what it writes.

    clotho > caption:        a sentence, as Clotho's people write them
    audioset > keywords:     words with commas between

A prefix ends with a space. Its first word is the dataset in small letters, its second what the answers are.

Conventions: prefixes are compared as they are, because a model knows the very tokens; what a person types is looked up
with ``choose_style``, which forgives case, the colon and the space.

Public names: KINDS, style_prefix, choose_style, spoken_style.
Source: Kadlčík et al. 2023, arXiv 2305.09690.
"""

from __future__ import annotations

from collections.abc import Collection

from audiolect.errors import UsageError, nearest_names

# family of a task (``tasks.py``) → what a captioner writes for it
KINDS: dict[str, str] = {"caption": "caption", "keywords": "keywords", "labels": "keywords", "label": "keywords"}


def style_prefix(dataset: str, family: str) -> str:
    """The prefix of a dataset's answers: ``Clotho``, ``caption`` → ``clotho > caption: ``.

    Raises:
        UsageError: a captioner does not write answers of this family.
    """
    if family not in KINDS:
        raise UsageError(
            "A captioner writes captions and keywords.",
            where=dataset,
            expected="a task of the families " + ", ".join(KINDS),
            found=f"the family {family}",
            fix="take the entry out of the mixture",
        )
    return f"{dataset.lower()} > {KINDS[family]}: "


def choose_style(asked: str | None, known: Collection[str], *, where: str = "--style") -> str:
    """The prefix that a person means.

    Args:
        asked: a prefix, as it is or without its end; or a dataset, whose captions come before its keywords; None:
            the only style there is.
        known: the prefixes that a model was trained with; none of them: ``asked`` is taken as it is.

    Raises:
        UsageError: there is no such style, or several and none was asked for.
    """
    if not known:
        return asked or ""
    if asked is None and len(known) == 1:
        return next(iter(known))
    found = [] if asked is None else _meant(asked, known)
    if len(found) == 1:
        return found[0]
    names = [spoken_style(prefix) for prefix in sorted(known)]
    near = nearest_names(asked or "", names)
    raise UsageError(
        "Choose one of the model's styles." if asked is None else "The model was not trained with this style.",
        where=where,
        expected=" or ".join(map(repr, names)),
        found="none" if asked is None else repr(asked),
        fix=f"{where} {near[0]!r}" if near else f"{where} {names[0]!r}",
    )


def _meant(asked: str, known: Collection[str]) -> list[str]:
    if asked in known:
        return [asked]
    words = spoken_style(asked).lower()
    same = [prefix for prefix in known if spoken_style(prefix).lower() == words]
    of_dataset = [prefix for prefix in known if spoken_style(prefix).partition(">")[0].strip().lower() == words]
    captions = [prefix for prefix in of_dataset if spoken_style(prefix).endswith("> caption")]
    return same or captions or of_dataset


def spoken_style(prefix: str) -> str:
    """A prefix for people and files: ``clotho > caption: `` → ``clotho > caption``."""
    return prefix.strip().removesuffix(":").strip()
