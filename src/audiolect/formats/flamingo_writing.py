"""The tables of a dataset → manifests of Audio Flamingo.

    DST/card.json
    DST/Clotho-v2-AudioCaptioning/train.json
    DST/Clotho-v2-AudioCaptioning/interleaved_knn-train.json       version 1, where examples have shots
    DST/audio/…                                                    where audio is copied or linked

Conventions: the dataset of an example is the first part of its recording's id. An example with k answers becomes k
entries; one with several labels becomes one entry with the labels joined by ", "; the options of a question stand
behind it as ``(A) … (B) …``, and before its answer. A part of a file is told by ``audio_start`` and ``duration``; a
single recording that begins with its file and ends before it is written as the whole file.

Audio stays where it is unless it is asked to come along: then paths lead into DST/audio. What the manifests said when
they were imported (header, order of the entries) is on the card of the dataset, and is said again where it still holds.

Public names: fill_folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from audiolect.data.dataset import read_table
from audiolect.errors import DatasetError
from audiolect.formats.flamingo_rows import SPAN_COLUMNS, outputs_of, unplaced, with_recordings
from audiolect.formats.flamingo_shots import SHOT_SPLIT, shot_numbers
from audiolect.formats.lettering import Lettering, put_letters_on
from audiolect.formats.linking import Placement
from audiolect.formats.request import Exported
from audiolect.formats.shipping import Cargo
from audiolect.storage import atomic_path, safe_join
from audiolect.tasks import DatasetKey

_KEY_COLUMNS = ("dataset", "written", "split")
_ENTRY_COLUMNS = ("prompt", "outputs", "options", "turns", *SPAN_COLUMNS, "is_part")


@dataclass(frozen=True, slots=True)
class _Header:
    """How the header of one manifest leads to the audio, and what else its import noted."""

    dataset_path: str
    split_path: str | None
    prefix: str
    states_start: bool = False
    ends_in_stop: bool = False
    interleaved: str = "knn"
    options: Lettering = field(default_factory=Lettering)


@dataclass(frozen=True, slots=True)
class _Target:
    """One manifest to write: where, which, and how its header leads to the audio."""

    folder: Path
    key: DatasetKey
    header: _Header
    version: int

    def write(self, stem: str, container: str, rows: Iterable[Mapping[str, Any]], total: int) -> str:
        """Write the manifest entry by entry, and give its name."""
        name = f"{self.key.dataset}-{self.key.task}/{stem}.json"
        facts: dict[str, Any] = {"dataset_path": self.header.dataset_path} if self.version == 1 else {}
        facts |= {"split": self.key.split, "split_path": self.header.split_path}
        facts |= {"flamingo_task": f"{self.key.dataset}-{self.key.task}", "total_num": total}
        with atomic_path(safe_join(self.folder, name)) as path, path.open("w", encoding="utf-8", newline="\n") as file:
            file.write("{\n" + "".join(f" {json.dumps(fact)}: {_json(value)},\n" for fact, value in facts.items()))
            file.write(f' "{container}": {{')
            for number, row in enumerate(rows):
                file.write(f'{"," if number else ""}\n  "{number}": {_json(row)}')
            file.write("\n }\n}\n")
        return name


def fill_folder(folder: Path, cargo: Cargo, *, version: int) -> Exported:
    """Write every manifest of the dataset, and bring its audio along where that is asked for.

    Raises:
        DatasetError: nothing of the dataset has a place in this format, or its audio is missing.
    """
    brings = cargo.request.audio is not None
    if brings:
        recordings, examples, problems = cargo.present()
    else:
        recordings, examples, problems = cargo.dataset.recordings, cargo.dataset.examples, []
    table, left_out = with_recordings(recordings, examples, cargo.dataset.card.name)
    if version == 2:
        dialogues = table["family"] == "dialogue"
        left_out["dialogues (Audio Flamingo 2 has none)"] = int(dialogues.sum())
        table = table.filter(~dialogues)
    if table.is_empty():
        raise DatasetError(
            "No example of the dataset has a place in these manifests.",
            where=cargo.dataset.folder,
            found=", ".join(f"{what}: {n}" for what, n in left_out.items() if n) or "no examples",
        )
    left_out |= unplaced(recordings, table, cargo.dataset.card, keeps=("prompt", "options", "turns", "shots"))
    table = _ordered(table, cargo)
    files: dict[str, int] = {}
    numbered: dict[DatasetKey, pl.DataFrame] = {}
    targets: dict[DatasetKey, _Target] = {}
    for names, part in table.group_by(_KEY_COLUMNS, maintain_order=True):
        key = DatasetKey(*map(str, names))
        target = targets[key] = _Target(folder, key, _header(cargo, key, part, version), version)
        entries = numbered[key] = _entries(part, target.header)
        files[target.write(key.split, "data", _data(entries, target), entries.height)] = entries.height
    left_out |= _write_shots(table, targets, numbered, files)
    num_audio = _bring_audio(folder, cargo, table) if brings else 0
    return Exported(folder, files, num_audio, {what: n for what, n in left_out.items() if n}, tuple(problems))


def _ordered(table: pl.DataFrame, cargo: Cargo) -> pl.DataFrame:
    """With the column ``numbers``: where each answer stood in the manifest it came from, if that was noted."""
    card = cargo.dataset.card
    if card.notes.get("layout") != "flamingo" or "entries" not in card.extra_tables:
        return table.with_columns(pl.lit(None, dtype=pl.List(pl.Int64)).alias("numbers"))
    return table.join(read_table(cargo.dataset, "entries"), on="example_id", how="left", maintain_order="left")


def _entries(part: pl.DataFrame, header: _Header) -> pl.DataFrame:
    """One row for each entry, in order, with its number."""
    table = part.with_columns(outputs=outputs_of("." if header.ends_in_stop else ""))
    fits = pl.col("numbers").list.len() == pl.col("outputs").list.len()
    table = table.with_columns(places=pl.when(fits).then(pl.col("numbers")))
    if table["places"].null_count():
        table = table.explode("outputs")
    else:
        table = table.explode("outputs", "places").sort("places", maintain_order=True)
    return table.select("example_id", *_ENTRY_COLUMNS).with_row_index("number")


def _header(cargo: Cargo, key: DatasetKey, part: pl.DataFrame, version: int) -> _Header:
    """The header for a manifest: the noted one where it leads to the audio, else one that does."""
    noted = _noted(cargo, key)
    prefix, inner = str(noted.get("prefix", "")), str(noted.get("inner", ""))
    if not part["path"].str.starts_with(prefix).all():
        prefix = inner = ""
    root = (cargo.dataset.audio_root if cargo.request.audio is None else cargo.out / "audio").as_posix()
    plain = _Header(
        dataset_path="",
        split_path=None,
        prefix=prefix,
        states_start=bool(noted.get("states_start")),
        ends_in_stop=bool(noted.get("ends_in_stop")),
        interleaved=str(noted.get("interleaved") or "knn"),
        options=Lettering.noted(noted.get("options")),
    )
    stated, stated_split = noted.get("dataset_path"), noted.get("split_path")
    leads_to = PurePosixPath(stated or root if version == 1 else root, stated_split or "")
    is_same_version = (stated is not None) == (version == 1)
    if noted and is_same_version and leads_to == PurePosixPath(root, prefix):
        return replace(plain, dataset_path=stated or "", split_path=stated_split)
    folder = prefix.removesuffix(inner)
    dataset_path = PurePosixPath(root, folder).as_posix()
    if version == 1:
        return replace(plain, dataset_path=dataset_path, split_path=inner.rstrip("/") or "./")
    return replace(plain, split_path=dataset_path, prefix=folder)


def _noted(cargo: Cargo, key: DatasetKey) -> dict[str, Any]:
    """What the card says of the manifests that these examples came from."""
    before = {new: old for old, new in cargo.request.rename_splits.items()}
    wanted = str(key._replace(split=before.get(key.split, key.split)))
    notes = cargo.dataset.card.notes
    listed = notes.get("manifests") if notes.get("layout") == "flamingo" else None
    facts: dict[str, Any] = {}
    for note in listed if isinstance(listed, list) else []:
        if isinstance(note, dict) and note.get("key") == wanted:
            facts |= note
    return facts


def _data(entries: pl.DataFrame, target: _Target) -> Iterator[dict[str, Any]]:
    cut = len(target.header.prefix)
    rows = entries.select(_ENTRY_COLUMNS).iter_rows()
    for prompt, output, options, turns, path, start, length, rate, is_part in rows:
        entry: dict[str, Any] = {"name": path[cut:]}
        if turns:
            entry["dialogue"] = [{"user": turn["user"], "assistant": turn["assistant"]} for turn in turns]
        elif options:
            entry["prompt"], entry["output"] = put_letters_on(prompt, options, output, target.header.options)
        else:
            entry |= {"prompt": prompt, "output": output}
        if is_part or target.header.states_start:
            entry["audio_start"] = round(start / rate, 6)
        if target.version == 2 or is_part:
            entry["duration"] = round(length / rate, 6)
        yield entry


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _write_shots(
    table: pl.DataFrame,
    targets: Mapping[DatasetKey, _Target],
    numbered: Mapping[DatasetKey, pl.DataFrame],
    files: dict[str, int],
) -> dict[str, int]:
    """The interleaved manifests, and what of the shots has no place."""
    with_shots = table.filter(pl.col("shots").list.len() > 0)
    without = with_shots.height if any(target.version == 2 for target in targets.values()) else 0
    if without:
        return {"lists of shots (Audio Flamingo 2 has none)": without}
    lost = 0
    for names, part in with_shots.group_by(_KEY_COLUMNS, maintain_order=True):
        key = DatasetKey(*map(str, names))
        shown = numbered.get(key._replace(split=SHOT_SPLIT))
        if shown is None:
            lost += int(part["shots"].list.len().sum())
            continue
        pairs = [frame.select("example_id", pl.col("number").cast(pl.Int64)) for frame in (numbered[key], shown)]
        rows, foreign = shot_numbers(part, *pairs)
        lost += foreign
        if rows.height:
            lists = (
                {"generation_index_in_split": query, "fewshot_indices_in_train": shots}
                for query, shots in rows.iter_rows()
            )
            stem = f"interleaved_{targets[key].header.interleaved}-{key.split}"
            files[targets[key].write(stem, "interleaved_data", lists, rows.height)] = rows.height
    return {"shots that are not examples of the train split": lost}


def _bring_audio(folder: Path, cargo: Cargo, table: pl.DataFrame) -> int:
    paths = table["path"].unique(maintain_order=True)
    return cargo.place(
        [Placement(cargo.dataset.audio_path(path), safe_join(folder, f"audio/{path}")) for path in paths]
    )
