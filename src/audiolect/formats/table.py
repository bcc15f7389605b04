"""Other people's layouts that ``audiolect import`` and ``audiolect export`` know, as a table that one can grep.

To add a format, write a file beside this one with a reader, a writer, or both, and an entry in FORMATS:

    def read(request: ImportRequest) -> Dataset:      # declare recordings and examples, end with landing.land
    def write(request: ExportRequest) -> Exported:    # fill a folder within shipping.ship

Conventions: an entry names the fields of the requests that its reader and writer understand beyond those that all
share (SHARED). A request that sets another field is refused here, with the formats that know it. A field that only one
format needs is added to the request and to FLAGS; the command line has one flag for each.

Public names: Format, FORMATS, FLAGS, get_format, check_import, check_export.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields

from audiolect.data.dataset import Dataset
from audiolect.errors import UsageError, unknown_name
from audiolect.formats import audiofolder, audiofolder_writing, conversation, dcase, dcase_writing, flamingo, webdataset
from audiolect.formats.request import Exported, ExportRequest, ImportRequest
from audiolect.tasks import get_task


@dataclass(frozen=True, slots=True)
class Format:
    """One layout.

    Args:
        summary: what it is, in one line.
        read: source → dataset folder; None: it cannot be read.
        write: dataset → folder; None: it cannot be written.
        import_takes, export_takes: names of fields of the requests, beyond SHARED.
    """

    summary: str
    read: Callable[[ImportRequest], Dataset] | None = None
    write: Callable[[ExportRequest], Exported] | None = None
    import_takes: frozenset[str] = field(default_factory=frozenset)
    export_takes: frozenset[str] = field(default_factory=frozenset)


# Fields that mean the same for every format.
SHARED = frozenset(
    {"source", "dataset", "out", "name", "missing", "version", "license", "citation", "options", "progress"}
    | {"rename_splits", "keep_quarantined", "overwrite", "dry_run", "jobs", "command"}
)

_MANIFEST = frozenset({"task", "split", "audio_root", "no_audio", "rate_hz", "separate"})

FORMATS: dict[str, Format] = {
    "flamingo-1": Format(
        "Audio Flamingo 1: DATASET-Task/split.json, interleaved manifests, dialogues",
        flamingo.read,
        flamingo.write_version_1,
        import_takes=_MANIFEST,
        export_takes=frozenset({"audio"}),
    ),
    "flamingo-2": Format(
        "Audio Flamingo 2: the same without dataset_path, and with durations",
        flamingo.read,
        flamingo.write_version_2,
        import_takes=_MANIFEST,
        export_takes=frozenset({"audio"}),
    ),
    "flamingo-3": Format(
        "Audio Flamingo 3: lists of conversations, {id, sound, duration, conversations}",
        conversation.read,
        conversation.write,
        import_takes=_MANIFEST,
        export_takes=frozenset({"audio"}),
    ),
    "audiofolder": Format(
        "AudioFolder of Hugging Face datasets: SPLIT/metadata.jsonl or .csv beside the audio",
        audiofolder.read,
        audiofolder_writing.write,
        import_takes=frozenset({"task", "split"}),
        export_takes=frozenset({"audio", "table", "caption_lists"}),
    ),
    "dcase": Format(
        "DCASE retrieval: wav.csv, SPLIT.json, SPLIT_captions.csv, waveform.csv with HDF5",
        dcase.read,
        dcase_writing.write,
        import_takes=frozenset({"task", "split", "audio_root", "rate_hz", "separate"}),
        export_takes=frozenset({"audio", "hdf5", "rate_hz"}),
    ),
    "webdataset": Format(
        "WebDataset: tar shards with KEY.flac, KEY.json, KEY.txt",
        webdataset.read,
        webdataset.write,
        import_takes=frozenset({"task", "split", "separate"}),
        export_takes=frozenset({"shard_recordings", "shard_bytes"}),
    ),
}

# field of a request → the flag that sets it
FLAGS: dict[str, str] = {
    "task": "--task",
    "split": "--split",
    "audio_root": "--audio-root",
    "no_audio": "--no-audio",
    "rate_hz": "--rate",
    "separate": "--separate/--gather",
    "audio": "--copy/--link/--symlink",
    "table": "--table",
    "caption_lists": "--caption-lists",
    "hdf5": "--hdf5",
    "shard_recordings": "--shard-recordings",
    "shard_bytes": "--shard-bytes",
}


def get_format(name: str) -> Format:
    """The entry of a format.

    Raises:
        UsageError: there is no such format; the letter names the nearest.
    """
    if name not in FORMATS:
        raise unknown_name("format", name, FORMATS, where="audiolect import FORMAT, audiolect export FORMAT")
    return FORMATS[name]


def check_import(name: str, request: ImportRequest) -> None:
    """Refuse a request that the format's reader cannot fulfil.

    Raises:
        UsageError: no such format, reader, source or task, or a field that it does not understand.
    """
    entry = get_format(name)
    if entry.read is None:
        raise _one_way(name, "read", [other for other, known in FORMATS.items() if known.read])
    if not request.source.exists():
        raise UsageError("The source does not exist.", where=request.source)
    if request.task is not None:
        get_task(request.task)
    takers = {other: known.import_takes for other, known in FORMATS.items() if known.read}
    _check_fields(name, "import", request, entry.import_takes, takers)


def check_export(name: str, request: ExportRequest) -> None:
    """Refuse a request that the format's writer cannot fulfil.

    Raises:
        UsageError: no such format or writer, or a field that it does not understand.
    """
    entry = get_format(name)
    if entry.write is None:
        raise _one_way(name, "written", [other for other, known in FORMATS.items() if known.write])
    takers = {other: known.export_takes for other, known in FORMATS.items() if known.write}
    _check_fields(name, "export", request, entry.export_takes, takers)


def _check_fields(
    name: str,
    verb: str,
    request: ImportRequest | ExportRequest,
    takes: frozenset[str],
    takers: dict[str, frozenset[str]],
) -> None:
    for item in fields(request):
        if item.name in SHARED or item.name in takes:
            continue
        default = item.default_factory() if item.default_factory is not MISSING else item.default
        if getattr(request, item.name) != default:
            flag = FLAGS.get(item.name, item.name)
            known = [other for other, names in takers.items() if item.name in names]
            raise UsageError(
                f"The format {name} does not take {flag}.",
                where=f"audiolect {verb} {name}",
                cause=f"{flag} belongs to {', '.join(known)}" if known else None,
                fix=f"leave {flag} away",
            )


def _one_way(name: str, done: str, others: list[str]) -> UsageError:
    return UsageError(f"The format {name} cannot be {done}.", expected="one of " + ", ".join(others), found=name)
