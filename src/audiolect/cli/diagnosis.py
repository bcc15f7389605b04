"""What ``doctor`` finds out: the machine, the libraries and the programs, without importing any heavy one.

Public names: Part, diagnose_machine, diagnose_parts.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from audiolect.parallel import cpu_count


@dataclass(frozen=True, slots=True)
class Part:
    """One library or program: its version or place where it was found, what it gives, and the line that brings it."""

    name: str
    version: str | None
    gives: str
    fix: str
    required: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return asdict(self)


# distribution → what it gives
_BASE = {
    "numpy": "arrays",
    "polars": "tables",
    "soundfile": "WAV, FLAC, OGG, Opus, MP3",
    "soxr": "resampling",
    "pydantic": "configuration",
    "PyYAML": "configuration",
    "typer": "this command",
    "rich": "tables and progress bars",
    "jinja2": "reports",
}

# distribution → (extra, what it gives)
_OPTIONAL = {
    "torch": ("models", "features and models"),
    "transformers": ("models", "pretrained encoders and decoders"),
    "accelerate": ("models", "training"),
    "peft": ("lora", "low-rank updates of captioners"),
    "matplotlib": ("plots", "pictures of sound"),
    "av": ("video", "M4A, AAC, MP4 and other containers"),
    "httpx": ("download", "downloads of corpora"),
    "yt-dlp": ("download", "segments from YouTube"),
    "py7zr": ("download", "7z archives (Clotho)"),
    "h5py": ("hdf5", "waveforms in HDF5 (DCASE)"),
    "fsspec": ("remote", "packs on web servers and in object storage"),
    "lancedb": ("search", "indexes and their search"),
    "pycocoevalcap": ("java", "METEOR, and the parts of SPICE that are no models"),
    "tensorboard": ("tensorboard", "trainings watched in TensorBoard"),
    "wandb": ("wandb", "trainings watched in Weights & Biases"),
    "mlflow": ("mlflow", "trainings watched in MLflow"),
    "trackio": ("trackio", "trainings watched in Trackio"),
}

# program → (what it gives, how it is installed on Debian)
_PROGRAMS = {
    "ffmpeg": ("segments from YouTube; M4A, AAC, MP4 where the extra video is absent", "apt install ffmpeg"),
    "java": ("METEOR and SPICE", "apt install default-jre-headless"),
    "deno": ("what yt-dlp needs for YouTube; Node.js does it too", "pip install deno"),
}


def diagnose_machine() -> dict[str, str]:
    """Facts that a bug report needs: Python, system, processors, memory, and free disk."""
    return {
        "python": f"{platform.python_version()} at {sys.executable}",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processors": str(cpu_count()),
        "memory": _memory(),
        "free disk": f"{shutil.disk_usage(Path.cwd()).free / 2**30:.0f} GiB here",
    }


def diagnose_parts() -> list[Part]:
    """Every library and program that audiolect knows how to use."""
    parts = [Part(name, _version(name), gives, f"pip install {name}", required=True) for name, gives in _BASE.items()]
    parts += [
        Part(name, _version(name), gives, f"pip install 'audiolect[{extra}]'")
        for name, (extra, gives) in _OPTIONAL.items()
    ]
    parts += [Part(name, shutil.which(name), gives, fix) for name, (gives, fix) in _PROGRAMS.items()]
    return parts


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _memory() -> str:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return "unknown"
    return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GiB"
