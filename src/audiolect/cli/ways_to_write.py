"""How the command line says that a captioner is to write, and what orders its candidates.

Conventions: what is not said is as the run's recipe has it.

Public names: Ways, and the annotated types of its flags.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from audiolect.models.generation_settings import GenerationSettings
    from audiolect.predict.reranked import Reranker

Generation = Annotated[
    Path | None, typer.Option("--generation", help="Captioners: a YAML file that says how to write.")
]
Method = Annotated[
    str | None, typer.Option("--method", help="Captioners: greedy, beam, diverse_beam, sample or contrastive.")
]
NumBeams = Annotated[int | None, typer.Option("--num-beams", min=1, help="Captioners: texts that grow side by side.")]
NumOutputs = Annotated[int | None, typer.Option("--num-outputs", min=1, help="Captioners: captions of each recording.")]
Grid = Annotated[
    Path | None,
    typer.Option("--grid", help="Captioners: a YAML file of many ways to write; each has a folder, and all a table."),
]
Rerank = Annotated[
    Path | None,
    typer.Option("--rerank", help="Captioners: a run of retrieval that orders the captions of each recording too."),
]
RerankWeight = Annotated[
    float | None,
    typer.Option(
        "--rerank-weight",
        min=0,
        max=1,
        help="Of the similarities beside the captioner's scores; 0.5 without it.",
    ),
]


@dataclass(frozen=True, slots=True)
class Ways:
    """How the command line says to write."""

    generation: Path | None = None
    method: str | None = None
    num_beams: int | None = None
    num_outputs: int | None = None
    grid: Path | None = None
    rerank: Path | None = None
    rerank_weight: float | None = None

    def reranker(self, settings: Iterable[GenerationSettings]) -> Reranker | None:
        """What orders candidates, if anything is to.

        Raises:
            UsageError: one of the settings gives one candidate alone, or a weight without a run.
        """
        from audiolect.errors import UsageError
        from audiolect.predict.reranked import DEFAULT_WEIGHT, check_candidates, open_reranker

        if self.rerank is None:
            if self.rerank_weight is not None:
                raise UsageError("There is nothing to weigh.", found="--rerank-weight", fix="--rerank RETRIEVAL_RUN")
            return None
        for way in settings:
            check_candidates(way)
        return open_reranker(self.rerank, DEFAULT_WEIGHT if self.rerank_weight is None else self.rerank_weight)

    def settings(self, by_recipe: GenerationSettings) -> dict[str, GenerationSettings]:
        """Name → settings; without a grid one, under the name ""."""
        from audiolect.config import load_config, parse_config
        from audiolect.models.generation_settings import GenerationSettings
        from audiolect.predict.decoding_grid import read_grid

        if self.grid is not None:
            return read_grid(self.grid)
        begin = by_recipe if self.generation is None else load_config(self.generation, GenerationSettings)
        given = {"method": self.method, "num_beams": self.num_beams, "num_outputs": self.num_outputs}
        changes = {name: value for name, value in given.items() if value is not None}
        return {"": parse_config(begin.model_dump(mode="json") | changes, GenerationSettings, "the command line")}
