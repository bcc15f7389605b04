"""The licence of a model, told from those of what it was trained on.

    strictest_license(["CC0-1.0", "ESC-50: CC BY-NC 3.0; ESC-10: CC BY 3.0"])     # cc-by-nc-3.0
    strictest_license(["CC0-1.0", "not stated"])                                  # other

Conventions: each licence is a set of conditions: ``by`` (name the authors), ``nc`` (no commerce), ``sa`` (share alike),
``nd`` (no changed copies). The strictest has all conditions of all others. Where none has, where a text says something
that is not in the table, or nothing, the answer is ``other``: nobody is told more than is known. Identifiers are those
of the Hub. Whether the licence of data binds a model is for lawyers; this says only what the cards say.

Public names: OTHER, License, licenses_in, strictest_license.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

OTHER = "other"

_CREATIVE_COMMONS = re.compile(r"cc[ -]?(by(?:-nc)?(?:-sa|-nd)?)[ -]v?(\d\.\d)(?: international| unported)?")
_ZERO = re.compile(r"cc[ -]?0(?:[ -]1\.0)?(?: universal)?|public domain")
_SOFTWARE = {"mit": "mit", "mit license": "mit", "apache-2.0": "apache-2.0", "apache 2.0": "apache-2.0"}
_SOFTWARE |= {"bsd-3-clause": "bsd-3-clause"}


@dataclass(frozen=True, slots=True)
class License:
    """A licence of the table: its identifier on the Hub, and its conditions."""

    name: str
    conditions: frozenset[str]
    version: str = ""


def licenses_in(text: str) -> list[License] | None:
    """The licences that the text of a card names; None where it says nothing, or anything that is not in the table.

    A card may name several, as ``captions: MIT; audio: CC BY 4.0``.
    """
    found = [_license(part.rpartition(":")[2]) for part in text.split(";")]
    known = [license for license in found if license is not None]
    return known if len(known) == len(found) else None


def strictest_license(texts: Iterable[str]) -> str:
    """The identifier of the strictest licence that the texts of cards name, or OTHER."""
    found: list[License] = []
    for text in texts:
        named = licenses_in(text)
        if named is None:
            return OTHER
        found += named
    everything = frozenset().union(*(license.conditions for license in found))
    whole = [license for license in found if license.conditions == everything]
    # Of equal conditions a licence for works comes before one for software, and a newer version before an older.
    return max(whole, key=lambda license: (license.version, license.name)).name if whole else OTHER


def _license(text: str) -> License | None:
    text = " ".join(text.lower().split())
    if _ZERO.fullmatch(text):
        return License("cc0-1.0", frozenset())
    if text in _SOFTWARE:
        return License(_SOFTWARE[text], frozenset({"by"}))
    found = _CREATIVE_COMMONS.fullmatch(text)
    if found is None:
        return None
    conditions, version = found.groups()
    return License(f"cc-{conditions}-{version}", frozenset(conditions.split("-")), version)
