"""``audiolect export hf``: a trained model becomes a folder that transformers loads, with its card.

Public names: HF, ModelExport, export_model.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audiolect.cli.console import command_line, console, print_done, print_json, print_table

if TYPE_CHECKING:
    from audiolect.models.exported_model import ExportedModel
    from audiolect.report.model_card import CardRequest

HF = "hf"


@dataclass(frozen=True, slots=True)
class ModelExport:
    """What was asked for on the command line."""

    run: Path
    out: Path
    checkpoint: str | None = None
    scores: Sequence[Path] = ()
    license: str | None = None
    style: str | None = None
    overwrite: bool = False
    dry_run: bool = False


def export_model(layout: str, asked: ModelExport, others: Mapping[str, object], *, as_json: bool = False) -> bool:
    """Write the folder and its card and say so; False where the layout is one of datasets.

    Args:
        layout: of the command line.
        asked: what belongs to models.
        others: flag → value, of what belongs to datasets.
        as_json: how it is told.

    Raises:
        UsageError: a flag of the other kind, a model that transformers has no class for, scores of another model.
        AlreadyExists, StorageError: as of ``atomic_folder``.
        UnknownVersion, DamagedFile, ConfigError: the run or the scores cannot be used.
    """
    _check_flags(layout, asked, others)
    if layout != HF:
        return False
    from audiolect.errors import AlreadyExists, missing_extra
    from audiolect.predict.run_model import locate_model
    from audiolect.report.model_card import CardRequest, card_license, model_card
    from audiolect.scores import read_scores
    from audiolect.storage import atomic_folder, write_text
    from audiolect.training.lineage import lineage

    try:
        from audiolect.models.hf_export import export_for_transformers
    except ImportError as error:
        raise missing_extra("Exporting a model", "models", "torch") from error
    if asked.out.exists() and not asked.overwrite:
        raise AlreadyExists("The target exists.", where=asked.out, fix="give another --out, or --overwrite")
    found = locate_model(asked.run, asked.checkpoint or "best")
    scores = [read_scores(path) for path in asked.scores]
    if asked.dry_run:
        _say_plan(asked, found.folder, found.format, as_json=as_json)
        return True
    with atomic_folder(asked.out, overwrite=asked.overwrite) as folder:
        exported = export_for_transformers(found.folder, folder, style=asked.style)
        steps = [] if found.run is None else lineage(found.run)
        name = asked.out.resolve().name
        request = CardRequest(name, exported, steps, found.identity.step, scores, asked.license)
        write_text(folder / "README.md", model_card(request))
        _write_own_card(folder, request)
    _tell(asked.out, exported, card_license(request), len(scores), as_json=as_json)
    return True


def _check_flags(layout: str, asked: ModelExport, others: Mapping[str, object]) -> None:
    from audiolect.errors import UsageError

    own = {
        "--checkpoint": asked.checkpoint,
        "--scores": asked.scores,
        "--license": asked.license,
        "--style": asked.style,
    }
    wrong = [flag for flag, value in (others if layout == HF else own).items() if value]
    if wrong:
        whose = "datasets" if layout == HF else f"models, audiolect export {HF} RUN"
        raise UsageError(
            f"{' and '.join(wrong)} belong to the export of {whose}.",
            found=f"audiolect export {layout}",
            fix="leave them away",
        )


def _write_own_card(folder: Path, request: CardRequest) -> None:
    """What the folder is, for audiolect: so it may be replaced with --overwrite."""
    from audiolect.report.own_places import without_places
    from audiolect.storage import file_header, write_json

    model = request.model
    facts = {
        "class_name": model.class_name,
        "checkpoint_hash": model.checkpoint_hash,
        "step": request.step,
        "style": model.style,
        "command": without_places(command_line()),
    }
    write_json(folder / "card.json", {**file_header("model-export", 1), **facts})


def _say_plan(asked: ModelExport, source: Path, kind: str, *, as_json: bool) -> None:
    plan = {"would_export": kind, "from": str(source), "to": str(asked.out), "replaces": asked.out.exists()}
    if as_json:
        print_json(plan)
    else:
        print_table("plan (nothing is written)", ("", ""), list(plan.items()))


def _tell(out: Path, exported: ExportedModel, license: str, num_scores: int, *, as_json: bool) -> None:
    files = {path.name: path.stat().st_size for path in sorted(out.iterdir()) if path.is_file()}
    if as_json:
        facts = {"class_name": exported.class_name, "pipeline": exported.pipeline, "license": license}
        told = {"checkpoint_hash": exported.checkpoint_hash, "style": exported.style, "remarks": exported.remarks}
        print_json({"folder": str(out), **facts, **told, "files": files})
        return
    rows = [
        ("class", exported.class_name),
        ("pipeline", exported.pipeline),
        ("parameters", f"{exported.num_parameters:,}"),
        ("license", license),
        ("scores", f"of {num_scores} files" if num_scores else "none; --scores gives the card its numbers"),
    ]
    print_table(str(out), ("", ""), rows)
    notes = list(exported.remarks)
    if license == "other":
        notes.append("the licence cannot be told from the data; the card lists what is known, --license states one")
    for note in notes:
        console().print(f"note: {note}", markup=False, soft_wrap=True)
    print_done(str(out), shlex.join(["audiolect", "push", str(out), f"OWNER/{out.resolve().name}"]))
