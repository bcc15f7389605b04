from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolect.errors import TableError
from audiolect.text.keywords import (
    descendants,
    keyword_caption,
    label_names,
    load_ontology,
    parse_labels,
    parse_ontology,
)

AUDIOSET = Path(__file__).resolve().parents[3] / "shared" / "data" / "audioset"


def node(id_: str, name: str, *children: str) -> dict[str, object]:
    return {"id": id_, "name": name, "child_ids": list(children), "restrictions": []}


SMALL = parse_ontology(
    [
        node("b", "Vehicle: any", "c", "d"),
        node("a", "Things, all", "b"),
        node("e", "Loud", "c"),
        node("c", "Siren"),
        node("d", "Boat, Water vehicle"),
    ],
    "small",
)


def test_parents_come_first_in_the_order_of_the_file_and_only_one_level_up() -> None:
    assert keyword_caption(["c"], SMALL) == "vehicle - any, loud, siren"


def test_commas_and_colons_become_dashes() -> None:
    assert keyword_caption(["d", "a"], SMALL) == "vehicle - any, boat - water vehicle, things - all"


def test_a_name_is_said_once() -> None:
    assert keyword_caption(["b", "c", "c"], SMALL) == "things - all, vehicle - any, loud, siren"


def test_text_is_split_and_freed_of_quotes() -> None:
    assert parse_labels(' "/m/1", /m/2,,"') == ["/m/1", "/m/2"]
    assert keyword_caption('"c"', SMALL) == keyword_caption(["c"], SMALL)


def test_no_labels_give_nothing() -> None:
    assert keyword_caption([], SMALL) == ""
    assert keyword_caption("", SMALL) == ""


def test_an_unknown_label_is_a_letter() -> None:
    with pytest.raises(TableError, match="'Siren' is not in the ontology") as caught:
        keyword_caption(["Siren"], SMALL)
    assert caught.value.fix == "use the id c"


def test_descendants_include_the_node_itself() -> None:
    assert descendants("a", SMALL) == {"a", "b", "c", "d"}
    assert descendants("c", SMALL) == {"c"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"id": "a"}, "not a list"),
        ([{"id": "a", "name": "A"}], "child_ids"),
        ([node("a", "A"), node("a", "B")], "twice"),
        ([node("a", "A", "x")], "child that is not in the ontology"),
        ([node("a", "A", "a")], "cycle"),
        (
            [node("r", "R", "a"), node("a", "A", "b"), node("b", "B", "c"), node("c", "C", "a", "d"), node("d", "D")],
            "cycle",
        ),
    ],
)
def test_broken_ontologies(value: object, words: str) -> None:
    with pytest.raises(TableError, match=words):
        parse_ontology(value, "broken.json")


def test_what_is_no_list_is_told_what_to_name() -> None:
    with pytest.raises(TableError) as caught:
        parse_ontology({"id": "a"}, "broken.json")
    assert caught.value.expected is not None
    assert "child_ids" in caught.value.expected
    assert caught.value.fix is not None


def test_a_cycle_is_spelled_out() -> None:
    with pytest.raises(TableError) as caught:
        parse_ontology([node("a", "A", "b"), node("b", "B", "a")], "x")
    assert sorted((caught.value.found or "").split(" → ")[:2]) == ["A (a)", "B (b)"]


@given(st.lists(st.sampled_from(list("abcde")), max_size=8))
def test_against_a_slow_reading_of_the_rule(labels: list[str]) -> None:
    names: list[str] = []
    for label in labels:
        for possible_parent in SMALL.nodes.values():
            if label in possible_parent.children and possible_parent.name not in names:
                names.append(possible_parent.name)
        if SMALL.nodes[label].name not in names:
            names.append(SMALL.nodes[label].name)
    expected = ", ".join(names).lower()
    got = keyword_caption(labels, SMALL)
    assert got.replace(" -", "") == expected.replace("things, all", "things all").replace(":", "").replace(
        "boat, water", "boat water"
    )


@pytest.mark.skipif(not AUDIOSET.exists(), reason="the AudioSet tables are not beside the project")
def test_the_published_examples() -> None:
    ontology = load_ontology(AUDIOSET / "ontology.json")
    assert len(ontology.nodes) == 632
    assert sum(len(n.parents) > 1 for n in ontology.nodes.values()) == 38
    assert (
        keyword_caption("/m/012n7d, /g/11b630rrvh", ontology)
        == "emergency vehicle, siren, ambulance (siren), domestic sounds - home sounds, whistle, kettle whistle"
    )
    boat = next(n for n in ontology.nodes.values() if n.name == "Boat, Water vehicle")
    assert keyword_caption([boat.id], ontology).endswith("boat - water vehicle")
    assert label_names([boat.id], ontology) == ["Boat, Water vehicle"]


@pytest.mark.skipif(not AUDIOSET.exists(), reason="the AudioSet tables are not beside the project")
def test_every_selected_recording_gets_a_caption() -> None:
    ontology = load_ontology(AUDIOSET / "ontology.json")
    rows = [json.loads(line) for line in (AUDIOSET / "small_test.jsonl").read_text("utf-8").splitlines()]
    captions = [keyword_caption(row["labels"], ontology) for row in rows]
    assert len(captions) == 2843
    assert all(caption and caption == caption.lower() and ":" not in caption for caption in captions)
