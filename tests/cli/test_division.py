from __future__ import annotations

import json
from pathlib import Path

import pytest

from audiolect.cli.division import label_targets, limited_labels
from audiolect.errors import TableError, UsageError


def test_targets_without_an_ontology_are_taken_as_they_are() -> None:
    assert label_targets(["dog=3", "a=b=4"], None, {"dog"}) == {"dog": 3, "a=b": 4}
    assert label_targets([], None, set()) == {}


def test_targets_with_an_ontology_name_what_occurs_by_id_or_name(tmp_path: Path) -> None:
    path = tmp_path / "ontology.json"
    nodes = [("/p", "Pet", ["/d", "/c"]), ("/d", "Dog", []), ("/c", "Cat", [])]
    path.write_text(json.dumps([{"id": i, "name": n, "child_ids": c} for i, n, c in nodes]))
    assert label_targets(["Pet=80"], path, {"/d", "Cat", "rain"}) == {"/d": 80, "Cat": 80}
    assert label_targets(["/c=8"], path, {"/c"}) == {"/c": 8}
    with pytest.raises(UsageError, match="names no label of the dataset"):
        label_targets(["Pet=80"], path, {"rain"})
    with pytest.raises(TableError, match="'Pets' is not in the ontology"):
        label_targets(["Pets=80"], path, {"/d"})


def test_limited_labels_are_spelled_as_the_dataset_does(tmp_path: Path) -> None:
    path = tmp_path / "ontology.json"
    nodes = [("/p", "Pet", ["/d"]), ("/d", "Dog", [])]
    path.write_text(json.dumps([{"id": i, "name": n, "child_ids": c} for i, n, c in nodes]))
    assert limited_labels(["Dog"], None, {"/d"}) == ("Dog",)
    assert limited_labels(["Dog", "/d"], path, {"/d", "/p"}) == ("/d",)
    assert limited_labels(["Pet"], path, {"/d", "Pet"}) == ("Pet",)
    assert limited_labels(["Pet"], path, {"/d"}) == ("Pet",)  # the subset says that it occurs nowhere
    with pytest.raises(TableError, match="not in the ontology"):
        limited_labels(["Cow"], path, {"/d"})
