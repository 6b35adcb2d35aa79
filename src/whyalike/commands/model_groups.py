"""House-keeping of the groups of models that a study keeps beside their manifests, not in the common store.

A group is {study's results}/models/{group}.parquet, its manifest with the hash of {group}.safetensors, and while it is
trained {group}.seed*.checkpoint.pt. Models in the common store are runs.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from whyalike.files import file_sha256, made_by
from whyalike.studies.study import MODELS, Study

REST_SECONDS = 3600  # a training that writes no checkpoint for so long has ended
WEIGHTS = ".safetensors"


def unwanted_groups(studies: Sequence[Study]) -> tuple[dict[str, list[Path]], int]:
    """Groups that no study asks for, in the folders of those studies that keep any.

    Returns
    -------
    files : name of each ("closeness k4_width16") -> its files.
    busy : how many more there are that may be in training now.
    """
    wanted: dict[Path, set[str]] = {}
    for study in studies:
        manifests = [Path(job.files[0]) for job in study.jobs() if job.stage == MODELS]
        for folder in {manifest.parent for manifest, _ in _groups(study)}:
            wanted.setdefault(folder, set()).update(path.stem for path in manifests if path.parent == folder)
    found: dict[str, list[Path]] = {}
    for folder, names in wanted.items():
        for path in sorted(folder.glob("[!.]*")):
            if (name := path.name.split(".")[0]) not in names:
                found.setdefault(f"{folder.parent.name} {name}", []).append(path)
    free = {name: files for name, files in found.items() if not any(map(_is_new_checkpoint, files))}
    return free, len(found) - len(free)


def group_faults(studies: Sequence[Study]) -> Iterator[str | None]:
    """For each finished group of the studies None, or what is wrong with its weights."""
    for study in studies:
        yield from (_fault(manifest, weights) for manifest, weights in _groups(study) if manifest.is_file())


def _groups(study: Study) -> Iterator[tuple[Path, Path]]:
    """Manifest and weights of every group."""
    for job in study.jobs():
        if job.stage == MODELS and (weights := [file for file in job.files if file.endswith(WEIGHTS)]):
            yield Path(job.files[0]), Path(weights[0])


def _is_new_checkpoint(path: Path) -> bool:
    return path.suffix == ".pt" and time.time() - path.stat().st_mtime < REST_SECONDS


def _fault(manifest: Path, weights: Path) -> str | None:
    remedy = f"Remove {manifest} and start again: the group is then trained anew."
    try:
        expected = made_by(manifest)["sha256"]
    except (OSError, KeyError, ValueError):
        return f"{manifest} cannot be read. {remedy}"
    if not weights.is_file():
        return f"{weights} is missing. {remedy}"
    if file_sha256(weights) != expected:
        return f"{weights} is not the file that was written (SHA-256 differs). {remedy}"
    return None
