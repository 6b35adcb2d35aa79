"""House-keeping of the run store: which runs nobody asks for any more, and whether what is stored is what was written.

Nothing else deletes in the store. A run that a live trainer holds is never touched: a run is removed under its own
lock, and renamed before its files go, so that a removal that is killed leaves no half of a run. What killed writers
left are the temporary files of `whyalike.files.atomic`: those whose process does not run on this machine and that are
older than `OLD_SECONDS`, since their writer may live on another one.
"""

import json
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from whyalike.commands.model_groups import group_faults, unwanted_groups
from whyalike.config.config import Config
from whyalike.files import (
    DamagedFile,
    check_table,
    column_names,
    file_sha256,
    is_being_written,
    is_temporary,
    read_table,
    temporary_of,
)
from whyalike.studies.main_line import studies_of
from whyalike.studies.study import Study
from whyalike.training.store import DamagedRun, StoredRun

OLD_SECONDS = 3600  # no writer leaves its file unchanged for so long
IDENTITY = re.compile("[0-9a-f]{16}")


@dataclass
class Removal:
    """What would be removed: runs of the store, the manifests that name them, files that killed writers left.

    ``groups`` are those of studies with rules of their own, with their files; ``busy_groups`` counts those left.
    ``of_setting`` says for which "name setting" a run was trained, where a manifest tells; ``busy`` counts the runs
    that would go but that a live trainer holds.
    """

    runs: list[StoredRun] = field(default_factory=list)
    manifests: list[Path] = field(default_factory=list)
    temporary: list[Path] = field(default_factory=list)
    of_setting: dict[str, str] = field(default_factory=dict)
    busy: int = 0
    groups: dict[str, list[Path]] = field(default_factory=dict)
    busy_groups: int = 0

    def __bool__(self) -> bool:
        """Whether there is anything to remove."""
        return bool(self.runs or self.manifests or self.temporary or self.groups)

    def plan(self) -> str:
        """What would be removed, in lines: counts and sizes, runs by setting."""
        lines = [f"{_count(len(self.runs), 'run')} of the store, {_gb(run.folder for run in self.runs)}"]
        settings = Counter(self._setting(run) for run in self.runs)
        for setting in sorted(settings):
            folders = [run.folder for run in self.runs if self._setting(run) == setting]
            lines.append(f"  {setting}: {_count(len(folders), 'run')}, {_gb(folders)}")
        lines += [
            f"  and the manifest {path}: the run is trained anew when it is next needed" for path in self.manifests
        ]
        lines += [f"the group {name} of models, {_gb(files)}" for name, files in self.groups.items()]
        lines.append(f"{_count(len(self.temporary), 'file')} of killed writers, {_gb(self.temporary)}")
        if self.busy:
            lines.append(f"not touched: {_count(self.busy, 'run')} in training now")
        if self.busy_groups:
            lines.append(f"not touched: {_count(self.busy_groups, 'group')} with a checkpoint of the last hour")
        return "\n".join(lines)

    def carry_out(self) -> str:
        """Remove it; a run that a trainer has taken since is left. Returns what was done."""
        removed = [_remove_run(run) for run in self.runs]
        for path in self.manifests:
            path.unlink(missing_ok=True)
        for path in self.temporary:
            _remove(path)
        for path in (file for files in self.groups.values() for file in files):
            _remove(path)
        groups = f", {_count(len(self.groups), 'group')}" if self.groups else ""
        kept = f"; {_count(removed.count(False), 'run')} taken by a trainer since and left" if False in removed else ""
        return f"removed {_count(removed.count(True), 'run')}, {_count(len(self.temporary), 'file')}{groups}{kept}"

    def _setting(self, run: StoredRun) -> str:
        return self.of_setting.get(run.identity, "of no setting that a manifest names")


def stale(configs: Sequence[Config]) -> Removal:
    """Runs that none of the configurations asks for, in their stores, and files that killed writers left."""
    studies = [study for config in configs for study in studies_of(config)]
    wanted = {identity for study in studies for identity in study.runs()}
    unwanted = [run for store in _stores(configs) for run in stored_runs(store) if run.identity not in wanted]
    free = [run for run in unwanted if run.is_free()]
    gone = {run.folder for run in unwanted}
    groups, busy_groups = unwanted_groups(studies)
    return Removal(
        runs=free,
        temporary=[path for path in _leftovers(configs, studies) if not gone.intersection(path.parents)],
        of_setting=_settings(configs) if free else {},
        busy=len(unwanted) - len(free),
        groups=groups,
        busy_groups=busy_groups,
    )


def one_run(configs: Sequence[Config], identity: str) -> Removal:
    """One run, whether asked for or not, and the manifests that name it: without them it is trained anew when needed.

    Raises
    ------
    ValueError : not the identity of a run, or the run is in training now.
    LookupError : neither a store nor a manifest has such a run.
    """
    if not IDENTITY.fullmatch(identity):
        raise ValueError(f"a run is named by 16 hex digits, got '{identity}': messages and manifests name it so")
    runs = [run for store in _stores(configs) for run in stored_runs(store) if run.identity == identity]
    manifests = [path for path, named, _ in _manifests(configs) if identity in named]
    if not runs and not manifests:
        stores = ", ".join(map(str, _stores(configs)))
        raise LookupError(f"no run {identity} in {stores}, and no manifest names it: nothing to remove")
    if not all(run.is_free() for run in runs):
        raise ValueError(f"run {identity} is in training now: wait for its job, or stop it first")
    return Removal(runs=runs, manifests=manifests, of_setting=_settings(configs))


@dataclass
class Verified:
    """What `verify` found: how many runs, groups of models of studies with rules of their own, data sets and tables are
    whole, how many runs unfinished, how many tables have no sums to compare them with, and a line a fault."""

    runs: int = 0
    unfinished: int = 0
    datasets: int = 0
    groups: int = 0
    tables: int = 0
    unknown: int = 0
    faults: list[str] = field(default_factory=list)
    weights: dict[str, str] = field(default_factory=dict)

    def summary(self) -> str:
        """One line."""
        runs = _count(self.runs, "run") + (f", {_count(self.groups, 'group')}" if self.groups else "")
        whole = f"{runs}, {_count(self.datasets, 'data set')} and {_count(self.tables, 'table')} are what was written"
        before = f"; {_count(self.unknown, 'table')} of before sums were kept, not compared" if self.unknown else ""
        return f"{whole}; {self.unfinished} unfinished{before}; {_count(len(self.faults), 'fault')}"

    def add_data(self, folder: Path) -> None:
        """Compare a prepared data set with its hashes."""
        faults = _data_faults(folder)
        self.faults += faults
        self.datasets += not faults

    def add_run(self, run: StoredRun) -> None:
        """Compare a run with its hashes, and keep that of its weights."""
        try:
            result = run.finished()
        except DamagedRun as error:
            if run.is_free():
                self.faults.append(str(error))
            else:  # its trainer is about to write it anew
                self.unfinished += 1
            return
        if result is None:
            self.unfinished += 1
        else:
            self.runs += 1
            self.weights[run.identity] = result["sha256"].get(run.weights.name, "")

    def add_table(self, path: Path) -> None:
        """Compare a table with its sums, and the hashes in a manifest with those of the runs that were added before."""
        try:
            known, hashes = check_table(path), _hashes_in(path)
        except (DamagedFile, OSError) as error:
            self.faults.append(str(error))
            return
        others = [run for run, sha256 in hashes.items() if self.weights.get(run, sha256) != sha256]
        if others:
            self.faults.append(f"{path} names other weights than the store has of {', '.join(others)}. Delete it and "
                               "give the same command: it is made again, and no run is trained.")  # fmt: skip
        self.tables += known and not others
        self.unknown += not known


def verify(config: Config, progress: Callable[[list], Iterable] = iter) -> Verified:
    """Compare what is stored with the hashes and sums that it was written with.

    These are the finished runs of the store, groups of models, prepared data sets, and all tables of the studies:
    splits, manifests, activations, scores, statistics.

    Parameters
    ----------
    config : names the store and the studies.
    progress : wraps the list of things to check, such as `tqdm.tqdm`.
    """
    found = Verified()
    studies = studies_of(config)
    folders = [Path(study.root, "data", name) for study in studies for name in study.datasets]
    groups = list(group_faults(studies))
    found.groups = groups.count(None)
    found.faults += [fault for fault in groups if fault is not None]
    prepared = [folder for folder in folders if (folder / "checksums.json").is_file()]
    runs = [run for store in _stores([config]) for run in stored_runs(store)]
    for one in progress([*prepared, *runs, *_tables(studies)]):
        if isinstance(one, StoredRun):
            found.add_run(one)
        elif one in prepared:
            found.add_data(one)
        else:
            found.add_table(one)
    return found


def stored_runs(store: Path) -> Iterator[StoredRun]:
    """Every run that has a folder in the store, finished or not, by identity."""
    for folder in sorted(store.iterdir()) if store.is_dir() else ():
        if IDENTITY.fullmatch(folder.name) and folder.is_dir():
            yield StoredRun(store, folder.name)


def _tables(studies: Sequence[Study]) -> list[Path]:
    """The Parquet tables of studies but the labels of prepared data, which have a hash."""
    found = {path: None for study in studies for path in sorted(Path(study.root).rglob("[!.]*.parquet"))
             if path.relative_to(study.root).parts[0] != "data"}  # fmt: skip
    return list(found)


def _hashes_in(path: Path) -> dict[str, str]:
    """Run -> the hash of its weights, of a manifest; nothing of another table."""
    names = column_names(path)
    if "sha256" not in names:
        return {}
    rows = read_table(path, columns=["identity" if "identity" in names else "run", "sha256"])
    return dict(zip(*rows.to_pydict().values(), strict=True))


def _data_faults(folder: Path) -> list[str]:
    """What is wrong with a prepared data set, and with what FFCV reads of it where that has been made."""
    remedy = f"Delete the folder {folder} and start again: the data set is then prepared anew."
    try:
        expected = json.loads((folder / "checksums.json").read_text(encoding="utf-8"))["sha256"].items()
    except (ValueError, KeyError, TypeError, AttributeError):
        return [f"{folder / 'checksums.json'} cannot be read. {remedy}"]
    faults = []
    for name, sha256 in expected:
        if not (folder / name).is_file():
            faults.append(f"{folder / name} is missing. {remedy}")
        elif file_sha256(folder / name) != sha256:
            faults.append(f"{folder / name} is not the file that was written (SHA-256 differs). {remedy}")
    return faults + [f"{beton} is not the file that was written. Delete it: it is then made anew."
                     for beton in folder.glob("*.beton") if not _is_as_noted(beton)]  # fmt: skip


def _is_as_noted(path: Path) -> bool:
    """Whether a file has the hash that the note beside it tells; one without a note is still being written."""
    note = path.with_name(f"{path.name}.json")
    try:
        return not note.is_file() or json.loads(note.read_text(encoding="utf-8"))["sha256"] == file_sha256(path)
    except (ValueError, KeyError, TypeError):
        return False


def _stores(configs: Sequence[Config]) -> list[Path]:
    return list(dict.fromkeys(Path(config.results, "runs") for config in configs))


def _manifests(configs: Sequence[Config]) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Every manifest of runs of a store, also of other configurations: path, its runs, the "name setting" of each.

    Those of studies with rules of their own name runs of the store as `identity`, and their group stands for a setting;
    others of theirs name none.
    """
    for results in dict.fromkeys(Path(config.results) for config in configs):
        for path in sorted(results.glob("*/models/**/*.parquet")):
            name = path.relative_to(results).parts[0]
            columns = set() if path.name.startswith(".") else set(column_names(path))
            if {"run", "setting"} <= columns:
                rows = read_table(path, columns=["run", "setting"]).to_pydict()
                yield path, rows["run"], [f"{name} {setting}" for setting in rows["setting"]]
            elif "identity" in columns:
                runs = read_table(path, columns=["identity"])["identity"].to_pylist()
                yield path, runs, [f"{name} {path.stem}"] * len(runs)


def _settings(configs: Sequence[Config]) -> dict[str, str]:
    """Identity -> "name setting" for every run that a manifest names."""
    found: dict[str, dict[str, None]] = {}
    for _, runs, settings in _manifests(configs):
        for run, setting in zip(runs, settings, strict=True):
            found.setdefault(run, {})[setting] = None
    return {run: ", ".join(settings) for run, settings in found.items()}


def _leftovers(configs: Sequence[Config], studies: Sequence[Study]) -> list[Path]:
    """Files that killed writers left under the results of the configurations' studies and in their stores."""
    folders = [*dict.fromkeys(Path(study.root) for study in studies), *_stores(configs)]
    paths = {path for folder in folders for path in folder.rglob(".*.tmp*") if is_temporary(path)}
    return sorted(path for path in paths if not paths.intersection(path.parents) and _is_left(path))


def _is_left(path: Path) -> bool:
    if is_being_written(path):
        return False
    with suppress(FileNotFoundError):
        held = IDENTITY.fullmatch(path.parent.name) and not StoredRun(path.parent.parent, path.parent.name).is_free()
        return not held and time.time() - path.stat().st_mtime > OLD_SECONDS
    return False


def _remove_run(run: StoredRun) -> bool:
    with run.held_if_free() as free:
        if free:
            removed = temporary_of(run.folder, os.getpid())
            run.folder.rename(removed)
            shutil.rmtree(removed)
    return free


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _gb(paths: Iterable[Path]) -> str:
    files = (file for path in paths for file in ([path] if path.is_file() else path.rglob("*")))
    return f"{sum(file.stat().st_size for file in files if file.is_file()) / 1e9:.3f} GB"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
