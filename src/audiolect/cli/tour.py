"""The verb ``demo``: the street on soundworld, from nothing to something to look at.

Public names: add_verbs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from audiolect.cli import options
from audiolect.cli.console import console, human_seconds, print_done, print_json, rich_progress

_GROUP = "All of it"
_RATE_HZ = 32000


def add_verbs(app: typer.Typer) -> None:
    """Add this group's verbs to the command."""
    app.command("demo", rich_help_panel=_GROUP)(demo)


def demo(
    *,
    out: options.Out = Path("demo"),
    recordings: Annotated[int, typer.Option("--recordings", min=1, help="How many recordings to make.")] = 200,
    seed: options.Seed = 7,
    jobs: options.Jobs = 0,
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
) -> None:
    """Walk the street on soundworld: make it, check that every file decodes, show it, pack it, plan a training.

    audiolect demo --out demo
    """
    from audiolect.cli.overview import draw_recording, print_overview
    from audiolect.cli.planning import print_plan
    from audiolect.corpora.intake import IntakeOptions
    from audiolect.corpora.table import Request, get_corpus
    from audiolect.data.checks import check_decoding
    from audiolect.data.dataset import open_dataset
    from audiolect.data.problems import enforce_limit
    from audiolect.loader.mixture import open_mixture
    from audiolect.loader.pack_plan import PackSettings
    from audiolect.loader.pack_writer import write_pack
    from audiolect.loader.plan_report import report_plan
    from audiolect.storage import write_yaml

    world, pack, mixture, picture = (
        out / name for name in ("soundworld", "soundworld-pack", "mixture.yaml", "spectrogram.png")
    )
    command = f"audiolect demo --recordings {recordings} --seed {seed}"
    making = IntakeOptions(jobs=jobs, overwrite=overwrite, command=command)
    request = Request(out=world, num_recordings=recordings, seed=seed, options=making, progress=rich_progress)
    dataset = get_corpus("soundworld").prepare(request)
    problems = check_decoding(dataset, jobs=jobs, progress=rich_progress)
    enforce_limit(problems, limit=0, total=dataset.recordings.height)
    draw_recording(dataset, None, picture)
    settings = PackSettings(rate_hz=_RATE_HZ, jobs=jobs, overwrite=overwrite, command=command)
    packed = write_pack(open_dataset(world), pack, settings, progress=rich_progress)
    write_yaml(mixture, _mixture(seed))
    plan = report_plan(open_mixture(mixture), 0)
    if as_json:
        made = {"dataset": str(world), "fingerprint": dataset.card.fingerprint, "picture": str(picture)}
        print_json(made | {"pack": str(pack), "mixture": str(mixture), "plan": plan.as_dict()})
        return
    print_overview(dataset, rows=8)
    console().print(f"[bold]checked[/bold] all {dataset.recordings.height} recordings decode to their stated length")
    seconds = human_seconds(packed.card.num_samples / packed.card.rate_hz)
    console().print(f"[bold]packed[/bold]  {packed.card.num_recordings} recordings, {seconds}, at {_RATE_HZ} Hz")
    console().print()
    print_plan(plan, str(mixture))
    print_done(f"{world}, {pack}, {mixture} and {picture}", f"audiolect show {world} --where \"split == 'test'\"")


def _mixture(seed: int) -> dict[str, Any]:
    """Captions in full, questions and labels at half and a quarter of a pass, over ten virtual epochs."""
    weights = {"AudioCaptioning": 1.0, "AQA": 0.5, "EventTagging": 0.25}
    entries = {f"soundworld-{task}/train": {"weight": weight} for task, weight in weights.items()}
    return {
        "data": {"soundworld": {"dataset": "soundworld", "pack": "soundworld-pack"}},
        "mixture": {"global_weight": 0.1, "epochs": 10, "seed": seed, "entries": entries},
    }
