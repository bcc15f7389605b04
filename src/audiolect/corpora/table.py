"""The corpora that ``audiolect prepare`` knows, as a table that one can grep.

Conventions: a corpus file declares NAME, VERSION, LICENSE, CITATION and URLS and gives ``prepare``; the entry here says
what the command line must ask for. A corpus without an entry is reached by ``folder`` and a mapping file.

Public names: Request, Corpus, CORPORA, get_corpus.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from audiolect.corpora import (
    audiocaps,
    audioset,
    clotho,
    clothoaqa,
    cochlscene,
    esc50,
    folder,
    fsd50k,
    gtzan,
    macs,
    mmau,
    musiccaps,
    nsynth,
    urbansound8k,
    wavcaps,
)
from audiolect.corpora.intake import IntakeOptions
from audiolect.corpora.soundworld import corpus as soundworld
from audiolect.data.dataset import Dataset
from audiolect.errors import UsageError, unknown_name
from audiolect.progress import Progress, silent_progress


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asked of ``prepare``: the source folder, the target, and what only some corpora take."""

    out: Path
    source: Path | None = None
    mapping: Path | None = None
    num_recordings: int | None = None
    curate: bool = False
    captions: Path | None = None
    blacklist: Path | None = None
    seed: int = 0
    options: IntakeOptions = field(default_factory=IntakeOptions)
    progress: Progress = silent_progress


@dataclass(frozen=True, slots=True)
class Corpus:
    """One entry: what the corpus is, what of a Request it takes, and how it is prepared."""

    summary: str
    license: str
    prepare: Callable[[Request], Dataset]
    takes_source: bool = True
    takes_mapping: bool = False
    takes_recordings: bool = False
    takes_curation: bool = False
    takes_blacklist: bool = False


def get_corpus(name: str) -> Corpus:
    """The entry of a corpus.

    Raises:
        UsageError: there is no such corpus; the letter names the nearest.
    """
    if name not in CORPORA:
        raise unknown_name("corpus", name, CORPORA, where="audiolect prepare CORPUS")
    return CORPORA[name]


def check_request(name: str, request: Request) -> None:
    """Refuse a request that gives the corpus something it does not take, or not what it needs.

    Raises:
        UsageError: with the command line that would work.
    """
    corpus = get_corpus(name)
    if corpus.takes_source and request.source is None:
        raise UsageError(
            f"The corpus {name} is made from a folder, and none was named.",
            fix=f"audiolect prepare {name} FOLDER --out {request.out}",
        )
    given = {
        "a source folder": (request.source is not None, corpus.takes_source),
        "--mapping": (request.mapping is not None, corpus.takes_mapping),
        "--recordings": (request.num_recordings is not None, corpus.takes_recordings),
        "--curate": (request.curate, corpus.takes_curation),
        "--captions": (request.captions is not None, corpus.takes_curation),
        "--blacklist": (request.blacklist is not None, corpus.takes_blacklist),
        "--no-audio": (request.options.no_audio, corpus.takes_source),
    }
    for what, (is_given, is_taken) in given.items():
        if is_given and not is_taken:
            takers = [other for other, entry in CORPORA.items() if _takes(entry, what)]
            raise UsageError(
                f"The corpus {name} does not take {what}.",
                cause=f"{what} belongs to {', '.join(takers)}",
                fix=f"audiolect prepare {name}{' FOLDER' if corpus.takes_source else ''} --out {request.out}",
            )
    if request.options.no_audio and request.options.refuse_missing:
        raise UsageError(
            "Two flags say opposite things.",
            found="--missing refuse, and --no-audio",
            cause="without a look at the audio none of it can be found missing",
            fix="leave one of them away",
        )
    if request.source is not None and not request.source.is_dir():
        raise UsageError(
            "The source folder does not exist." if not request.source.exists() else "The source is not a folder.",
            where=request.source,
            fix="name the folder that holds the corpus as it was published",
        )


def _takes(entry: Corpus, what: str) -> bool:
    return {
        "a source folder": entry.takes_source,
        "--mapping": entry.takes_mapping,
        "--recordings": entry.takes_recordings,
        "--curate": entry.takes_curation,
        "--captions": entry.takes_curation,
        "--blacklist": entry.takes_blacklist,
        "--no-audio": entry.takes_source,
    }[what]


def _source(request: Request) -> Path:
    if request.source is None:
        raise UsageError("No source folder was named.", fix="name the folder that holds the corpus")
    return request.source


def _from_folder(prepare: Callable[[Path, Path, IntakeOptions, Progress], Dataset]) -> Callable[[Request], Dataset]:
    """The entry of a corpus that takes its folder and nothing else."""
    return lambda request: prepare(_source(request), request.out, request.options, request.progress)


def _prepare_clotho(request: Request) -> Dataset:
    return clotho.prepare(
        _source(request),
        request.out,
        request.options,
        request.progress,
        curate=request.curate,
        captions=request.captions,
    )


def _prepare_wavcaps(request: Request) -> Dataset:
    return wavcaps.prepare(
        _source(request), request.out, request.options, request.progress, blacklist=request.blacklist
    )


def _prepare_folder(request: Request) -> Dataset:
    return folder.prepare(_source(request), request.out, request.mapping, request.options, request.progress)


def _prepare_soundworld(request: Request) -> Dataset:
    return soundworld.prepare(
        request.out,
        num_recordings=1000 if request.num_recordings is None else request.num_recordings,
        seed=request.seed,
        options=request.options,
        progress=request.progress,
    )


CORPORA: dict[str, Corpus] = {
    "audiocaps": Corpus(
        "AudioCaps: segments of AudioSet with captions", audiocaps.LICENSE, _from_folder(audiocaps.prepare)
    ),
    "audioset": Corpus(
        "AudioSet: segments of YouTube videos with labels of an ontology",
        audioset.LICENSE,
        _from_folder(audioset.prepare),
    ),
    "audioset-small": Corpus(
        "AudioSet-small: a label-balanced selection of AudioSet", audioset.LICENSE, _from_folder(audioset.prepare_small)
    ),
    "clotho": Corpus(
        "Clotho 2.1: recordings of Freesound with five captions each",
        clotho.LICENSE,
        _prepare_clotho,
        takes_curation=True,
    ),
    "clothoaqa": Corpus(
        "ClothoAQA: questions about recordings of Clotho, with three people's answers",
        clothoaqa.LICENSE,
        _from_folder(clothoaqa.prepare),
    ),
    "cochlscene": Corpus(
        "CochlScene: 13 acoustic scenes, recorded by 831 people", cochlscene.LICENSE, _from_folder(cochlscene.prepare)
    ),
    "esc50": Corpus(
        "ESC-50 and ESC-10: environmental sounds with labels and folds", esc50.LICENSE, _from_folder(esc50.prepare)
    ),
    "fsd50k": Corpus(
        "FSD50K: recordings of Freesound with labels of 200 classes", fsd50k.LICENSE, _from_folder(fsd50k.prepare)
    ),
    "gtzan": Corpus("GTZAN: pieces of music in 10 genres", gtzan.LICENSE, _from_folder(gtzan.prepare)),
    "macs": Corpus("MACS: urban scenes described by several annotators", macs.LICENSE, _from_folder(macs.prepare)),
    "mmau": Corpus(
        "MMAU test-mini: 1,000 questions with options about sound, music and speech",
        mmau.LICENSE,
        _from_folder(mmau.prepare),
    ),
    "musiccaps": Corpus(
        "MusicCaps: segments of music of AudioSet, described by musicians",
        musiccaps.LICENSE,
        _from_folder(musiccaps.prepare),
    ),
    "nsynth": Corpus(
        "NSynth: single notes with instrument, source, pitch and qualities",
        nsynth.LICENSE,
        _from_folder(nsynth.prepare),
    ),
    "urbansound8k": Corpus(
        "UrbanSound8K: slices of urban sound in 10 classes and 10 folds",
        urbansound8k.LICENSE,
        _from_folder(urbansound8k.prepare),
    ),
    "wavcaps": Corpus(
        "WavCaps: four sources with captions by a language model",
        wavcaps.LICENSE,
        _prepare_wavcaps,
        takes_blacklist=True,
    ),
    "folder": Corpus(
        "any folder of audio with a table, described by a mapping file",
        "as the mapping says",
        _prepare_folder,
        takes_mapping=True,
    ),
    "soundworld": Corpus(
        "sound made by code, with exact ground truth in words",
        soundworld.LICENSE,
        _prepare_soundworld,
        takes_source=False,
        takes_recordings=True,
    ),
}
