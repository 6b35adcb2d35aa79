"""House-keeping of the groups of models that studies with rules of their own keep beside their manifests.

A group is {study's results}/models/{group}.parquet, its manifest with the hash of {group}.safetensors, and while it is
trained {group}.seed*.checkpoint.pt. Models that such studies keep in the common store are runs like any other.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from whyalike.config import Config
from whyalike.files import made_by
from whyalike.studies.study import OwnStudy, own_studies
from whyalike.training.store import file_sha256

REST_SECONDS = 3600  # a training that writes no checkpoint for so long has ended


def wanted_runs(configs: Sequence[Config]) -> set[str]:
    """Identities of the runs of the common store that any such study of the configurations needs."""
    return {identity for config in configs for study in own_studies(config).values() for identity in study.runs()}


def unwanted_groups(configs: Sequence[Config]) -> tuple[dict[str, list[Path]], int]:
    """Groups that no configuration asks for, in the results of the configurations' studies.

    Returns
    -------
    files : name of each ("closeness k4_width16") -> its files.
    busy : how many more there are that may be in training now.
    """
    wanted: dict[Path, set[str]] = {}
    for config in configs:
        for study in own_studies(config).values():
            names = {Path(job.files[0]).stem for job in study.jobs() if job.stage == "models"}
            wanted.setdefault(Path(study.root, "models"), set()).update(names)
    found: dict[str, list[Path]] = {}
    for folder, names in wanted.items():
        for path in sorted(folder.glob("[!.]*")):
            if (name := path.name.split(".")[0]) not in names:
                found.setdefault(f"{folder.parent.name} {name}", []).append(path)
    free = {name: files for name, files in found.items() if not any(map(_is_new_checkpoint, files))}
    return free, len(found) - len(free)


def _is_new_checkpoint(path: Path) -> bool:
    return path.suffix == ".pt" and time.time() - path.stat().st_mtime < REST_SECONDS


def study_roots(configs: Sequence[Config]) -> list[Path]:
    """Folders of the results of the configurations' studies with rules of their own."""
    return list(dict.fromkeys(Path(study.root) for config in configs for study in own_studies(config).values()))


def data_folders(config: Config) -> list[Path]:
    """Where such studies keep the data sets that they prepare."""
    studies = own_studies(config).values()
    return [Path(study.root, "data", source) for study in studies for source in study.datasets]


def group_faults(config: Config) -> Iterator[str | None]:
    """For each finished group of a configuration's studies None, or what is wrong with its weights."""
    for study in own_studies(config).values():
        yield from _faults(study)


def _faults(study: OwnStudy) -> Iterator[str | None]:
    for job in study.jobs():
        files = [Path(file) for file in job.files]
        if job.stage == "models" and files[0].is_file() and len(files) > 1:
            yield _fault(*files)


def _fault(manifest: Path, weights: Path) -> str | None:
    remedy = f"Remove {manifest} and start again: the group is then trained anew."
    try:
        expected = made_by(manifest)["sha256"]
    except (pa.ArrowException, OSError, KeyError, ValueError):
        return f"{manifest} cannot be read. {remedy}"
    if not weights.is_file():
        return f"{weights} is missing. {remedy}"
    if file_sha256(weights) != expected:
        return f"{weights} is not the file that was written (SHA-256 differs). {remedy}"
    return None
