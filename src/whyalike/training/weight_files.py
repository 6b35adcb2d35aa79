"""Where weights lie: a file, or a folder that `save_pretrained` of Hugging Face wrote. Pure: no tensor is read."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from whyalike.file_faults import readable
from whyalike.files import canonical_json, file_sha256

IN_FOLDERS = ("model.safetensors", "pytorch_model.bin")  # of several shards the index has this name and .index.json
WRITTEN = ".safetensors"  # by `whyalike zoo save`, where weights are no folder
FEW = 3  # names in a message


def weight_files(path: Path) -> list[Path]:
    """The files of a checkpoint: itself, or those of a folder.

    Raises
    ------
    ValueError : a folder without weights, or whose index cannot be read.
    """
    if not path.is_dir():
        return [path]
    for name in IN_FOLDERS:
        if (path / name).is_file():
            return [path / name]
        index = path / f"{name}.index.json"
        if index.is_file():
            with readable(index, "JSON with a `weight_map`, as `save_pretrained` writes it", "Fetch the folder again."):
                names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
                files = [path / Path(one).name for one in sorted(names)]
                if absent := [file.name for file in files if not file.is_file()]:
                    raise ValueError(f"it names {some(absent)}, which does not lie beside it")
                return files
    held = ", ".join(sorted(one.name for one in path.iterdir())) or "nothing"
    raise ValueError(
        f"{path} is a folder and must hold {' or '.join(IN_FOLDERS)}, as `save_pretrained` writes it; it holds {held}. "
        "Name the file itself"
    )


def some(names: Iterable[str], between: str = ", ") -> str:
    """The first of many names, and how many more there are."""
    names = list(names)
    rest = f"{between}and {len(names) - FEW} more" if len(names) > FEW else ""
    return between.join(names[:FEW]) + rest


def weights_sha256(path: Path) -> str:
    """The SHA-256 of the weights at a path: of the file, or one hash of those of a folder's several files."""
    hashes = {}
    for file in weight_files(path):
        with readable(file, "weights", "Bring them back."):
            hashes[file.name] = file_sha256(file)
    return next(iter(hashes.values())) if len(hashes) == 1 else of_several(hashes)


def of_several(hashes: Mapping[str, str]) -> str:
    """One hash of those of several files, by their names."""
    return hashlib.sha256(canonical_json(hashes).encode()).hexdigest()
