"""What the files and libraries of pretrained models say, found when the configuration is read, and their faults.

Weights are hashed, which a cache remembers by path, size and time; architectures are told by a process of its own,
since here no PyTorch is imported. The cache lies below the results; a lost or damaged entry is only found again.
"""

import difflib
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from whyalike.config.pretrained import Pretrained, ResolvedPretrained
from whyalike.data.registry import SOURCES
from whyalike.files import canonical_json, file_sha256, write_text
from whyalike.models.libraries.parameters import POOLED, Facts, InputRule
from whyalike.models.libraries.registry import LIBRARIES
from whyalike.training.weight_files import of_several, weight_files

CACHE = ".pretrained"  # below {results}; no configuration has such a name
NAMES = "whyalike.models.libraries.names"
WORDS = ("blocks", "convolutions")
CONFIGS = ("config.json", "preprocessor_config.json")
TOKENIZERS = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json", "merges.txt",
              "vocab.txt", "added_tokens.json", "spiece.model", "tokenizer.model")  # fmt: skip


class Resolver:
    """Finds what the pretrained settings of one configuration lack; ``faults`` are lines of what is wrong with them."""

    def __init__(self, settings: Mapping[str, Any], datasets: Mapping[str, Any], results: str):
        self.settings = {name: one for name, one in settings.items() if isinstance(one, Pretrained)}
        self.datasets, self.cache = datasets, Path(results, CACHE)
        self.faults: list[str] = []

    def resolved(self) -> dict[str, ResolvedPretrained]:
        """The settings by name, as whole as they can be."""
        if missing := self._missing_libraries():
            self.faults += missing
            return {}
        hashes = {name: self._hashes(name, setting) for name, setting in self.settings.items()}
        found = self._facts() if not self.faults else {}
        whole = {name: self._whole(name, setting, hashes[name], found.get(name))
                 for name, setting in self.settings.items()}  # fmt: skip
        self.faults += _equal_weights(whole)
        return whole

    def _missing_libraries(self) -> list[str]:
        lacking: dict[str, list[str]] = {}
        for name, setting in self.settings.items():
            if _installed(package := LIBRARIES[setting.library].facts.package) is None:
                lacking.setdefault(package, []).append(name)
        return [f"settings.{', '.join(names)}: the library {package} is not installed: make setup-zoo, or "
                'pip install "whyalike[workflow,zoo]".' for package, names in lacking.items()]  # fmt: skip

    # ---- files ----

    def _hashes(self, name: str, setting: Pretrained) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for run, path in setting.weight_paths().items():
            told = found[run] = setting.declared_sha256(run)
            if not path.exists():
                continue
            try:
                found[run] = self._of_weights(path)
            except (ValueError, OSError) as error:
                self.faults.append(f"settings.{name}.weights: {error}")
                continue
            if told not in (None, found[run]):
                self.faults.append(f"settings.{name}.sha256: {path} has {found[run]}, not the declared {told}: it is "
                                   "another file. Bring the right one, or correct the key.")  # fmt: skip
        return found

    def _of_weights(self, path: Path) -> str:
        hashes = {file.name: self.sha256(file) for file in weight_files(path)}
        return next(iter(hashes.values())) if len(hashes) == 1 else of_several(hashes)

    def sha256(self, path: Path) -> str:
        """The SHA-256 of a file, of one that has not changed since it was last asked for without reading it."""
        state = path.stat()
        key = {"path": str(path.absolute()), "size": state.st_size, "mtime_ns": state.st_mtime_ns}
        known = self._kept(key)
        if not (isinstance(known, str) and len(known) == 64):
            self._keep(key, known := file_sha256(path))
        return known

    # ---- architectures ----

    def _facts(self) -> dict[str, Facts]:
        """Of each setting whose architecture is known: that of a folder which is missing is not."""
        asked, keys = {}, {}
        for name, setting in self.settings.items():
            run, path = next(iter(setting.weight_paths().items()))
            if LIBRARIES[setting.library].facts.folder and not path.is_dir():
                if path.exists():
                    self.faults.append(f"settings.{name}.weights: {path} must be a folder, as `save_pretrained` of "
                                       f"{setting.library} writes it.")  # fmt: skip
                continue
            folder = path if path.is_dir() else None
            asked[name] = {"asked": setting.architecture(run).plain(), "folder": folder and str(folder)}
            keys[name] = {**asked[name], "version": setting.version, "files": _of_files(folder, CONFIGS),
                          "libraries": [_installed(LIBRARIES[setting.library].facts.package), _installed("torch"),
                                        _installed("whyalike")]}  # fmt: skip
        known = {name: _as_facts(self._kept(keys[name])) for name in asked}
        lacking = [name for name, facts in known.items() if facts is None]
        for name, answer in zip(lacking, _told([asked[name] for name in lacking]), strict=True):
            if "fault" in answer:
                self.faults.append(f"settings.{name}: {answer['fault']}")
            else:
                known[name] = Facts.from_plain(answer["facts"])
                self._keep(keys[name], answer["facts"])
        return {name: facts for name, facts in known.items() if facts is not None}

    def _whole(
        self, name: str, setting: Pretrained, hashes: dict[str, str | None], facts: Facts | None
    ) -> ResolvedPretrained:
        folders = [path for path in setting.weight_paths().values() if path.is_dir()]
        configs = {_of_files(folder, CONFIGS[:1]) for folder in folders}
        if len(configs) > 1:
            self.faults.append(f"settings.{name}.runs: their config.json differ, and a setting has one architecture: "
                               "give each architecture a setting.")  # fmt: skip
        layers, rule = setting.layers, None
        if facts is not None:
            layers, rule = self._layers(name, setting, facts), self._rule(name, setting, facts)
            self._check_inputs(name, setting, facts)
        text = facts is not None and facts.inputs == "tokens"
        return ResolvedPretrained.model_construct(
            **{**{key: getattr(setting, key) for key in Pretrained.model_fields},
               "layers": (layers,) if isinstance(layers, str) else layers},
            hashes=hashes,
            config_sha256=configs.pop() if configs else "",
            tokenizer_sha256=_of_files(folders[0], TOKENIZERS) if text and folders else "",
            facts=facts,
            rule=rule,
        )  # fmt: skip

    def _layers(self, name: str, setting: Pretrained, facts: Facts) -> tuple[str, ...]:
        if isinstance(word := setting.layers, str):
            if found := getattr(facts, word):
                return found
            self.faults.append(f"settings.{name}.layers: {setting.name} has no {word} that are known as such: name "
                               f"modules. It has {', '.join(facts.modules)}.")  # fmt: skip
            return (word,)
        for layer in word:
            if layer != POOLED and layer not in facts.modules:
                near = difflib.get_close_matches(layer, facts.modules, n=1)
                hint = f" Did you mean '{near[0]}'?" if near else ""
                self.faults.append(f"settings.{name}.layers: {setting.name} has no module '{layer}'.{hint} Modules: "
                                   f"{', '.join(facts.modules)}; and {POOLED}.")  # fmt: skip
        return word

    def _rule(self, name: str, setting: Pretrained, facts: Facts) -> InputRule | None:
        if facts.inputs == "tokens":
            if setting.input != "native":
                self.faults.append(f"settings.{name}.input: it is about images, {setting.name} takes text: remove it.")
            return None
        own = None if facts.rule is None else InputRule.from_plain(facts.rule)
        if setting.input == "native":
            if own is None:
                why = facts.rule_fault or f"{setting.library} says nothing of {setting.name} with the tag {setting.tag}"
                self.faults.append(f"settings.{name}.input: no native rule, {why}: give resize, crop, mean and std.")
            return own
        lacking = {key: own and getattr(own, key) for key in ("mean", "std") if getattr(setting.input, key) is None}
        if lacking and own is None:
            self.faults.append(f"settings.{name}.input: {' and '.join(lacking)} must be given: {setting.library} says "
                               f"nothing of {setting.name} with the tag {setting.tag}.")  # fmt: skip
        return setting.input.model_copy(update=lacking)

    def _check_inputs(self, name: str, setting: Pretrained, facts: Facts) -> None:
        if setting.dataset not in self.datasets:
            return  # which is said
        modality = SOURCES[self.datasets[setting.dataset].source].facts.modality
        if (modality == "text") != (facts.inputs == "tokens"):
            takes = "text" if facts.inputs == "tokens" else "images"
            self.faults.append(f"settings.{name}.dataset: '{setting.dataset}' holds {modality}, {setting.name} takes "
                               f"{takes}.")  # fmt: skip

    # ---- the cache ----

    def _kept(self, key: Mapping[str, Any]) -> Any:
        """What was kept under a key; None if it is not there, or not what was written."""
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            found = json.loads(self._place(key).read_text(encoding="utf-8"))
            if found["key"] == key and found["sum"] == _sum(found["value"]):
                return found["value"]
        return None

    def _keep(self, key: Mapping[str, Any], value: Any) -> None:
        with suppress(OSError):  # who may not write finds it each time
            write_text(self._place(key), canonical_json({"key": key, "value": value, "sum": _sum(value)}))

    def _place(self, key: Mapping[str, Any]) -> Path:
        return self.cache / f"{_sum(key)[:32]}.json"


def _sum(value: Any) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def _installed(package: str | None) -> str | None:
    """The version of a package that is installed; of none it is empty."""
    try:
        return "" if package is None else version(package)
    except PackageNotFoundError:
        return None


def _of_files(folder: Path | None, names: tuple[str, ...]) -> str:
    """One hash of those of a folder's files of these names; empty without any."""
    there = [folder / name for name in names if (folder / name).is_file()] if folder else []
    hashes = {file.name: file_sha256(file) for file in there}
    return of_several(hashes) if hashes else ""


def _as_facts(kept: Any) -> Facts | None:
    with suppress(ValueError):
        return None if kept is None else Facts.from_plain(kept)
    return None


def _told(asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a process of its own says of architectures, as `whyalike.models.libraries.names` does."""
    if not asked:
        return []
    # Snakemake's workflow quotes its interpreter for a shell
    python = sys.executable.strip("'")
    paths = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [python, "-m", NAMES],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | paths,
    )
    if done.returncode:
        last = next(reversed(done.stderr.strip().splitlines()), f"status {done.returncode}")
        return [{"fault": f"its architecture cannot be made: {last}"}] * len(asked)
    return json.loads(done.stdout)


def _equal_weights(settings: Mapping[str, ResolvedPretrained]) -> Iterator[str]:
    """Weights that stand under two names: one model would be compared with itself as another."""
    seen: dict[str, tuple[str, str, tuple[str, str, str]]] = {}
    for name, setting in settings.items():
        for run, sha256 in setting.hashes.items():
            own = (setting.library, setting.name, setting.tag.format(run=run))
            if sha256 is None:
                continue
            other, other_run, other_model = seen.setdefault(sha256, (name, run, own))
            if (other, other_run) != (name, run) and (other == name or other_model != own):
                yield (
                    f"settings.{name}.weights: run {run} has the weights of run {other_run} of settings.{other} "
                    f"(SHA-256 {sha256[:16]}...), which is {' '.join(other_model)}, not {' '.join(own)}: one model "
                    "under two names. Bring the right file, or remove one."
                )
