"""BREEDS tasks, filters of ImageNet: attribute `class`, a superclass; column `subclass`, the WordNet id.

Superclasses are the nodes at one level of the authors' class hierarchy (the longest way from the root counts) with
subclasses enough. Of each, as many subclasses are drawn by numpy's RandomState(2), superclass by superclass in sorted
order; the first half is the source, the other the target. Training images are of source subclasses; test images, the
validation images of ImageNet, are of target subclasses or, if asked for, of those of the source.
Source: Santurkar, Tsipras & Madry, BREEDS: Benchmarks for Subpopulation Shift, ICLR 2021 (arXiv 2008.04859);
MadryLab/robustness, `tools/breeds_helpers.py`: `get_superclasses`, and `make_living17(info_dir, split="rand")` and its
like; MadryLab/BREEDS-Benchmarks at f83be50, imagenet_class_hierarchy/modified. The published consistency study has
these splits as lists: lciernik/similarity_consistency at 99d8051, `data/datasets/breeds.py`. `PUBLISHED` pins them.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import numpy as np

from whyalike.data import imagenet, webdataset
from whyalike.data.picture_parameters import HIERARCHY, BreedsParameters
from whyalike.data.pictures import Picture, write_pictures
from whyalike.file_faults import readable
from whyalike.files import canonical_json

VERSION = 1  # raised when pixels or labels change
ROOT, LIVING, NONLIVING = "n00001740", "n00004258", "n00021939"  # entity, living thing, non-living thing
SEED = 2
WHERE = "They come from github.com/MadryLab/BREEDS-Benchmarks, imagenet_class_hierarchy/modified. Fetch them again."


@dataclass(frozen=True)
class Task:
    """Which superclasses: the level below the root, the node that they lie under, subclasses of each in both halves."""

    level: int
    ancestor: str
    subclasses: int


TASKS = {
    "entity13": Task(3, ROOT, 20),
    "entity30": Task(4, ROOT, 8),
    "living17": Task(5, LIVING, 4),
    "nonliving26": Task(5, NONLIVING, 4),
}
# `digest` of the splits that the authors' code makes of the authors' files
PUBLISHED = {
    "entity13": "b97bf92cab26013f117d65c26518dced95715866c07bef0961bfbc967f08b0cb",
    "entity30": "9b9a1452f7e2304368981685fa70a66f66b0de05d86ec28a0042c2ce3f925339",
    "living17": "bff57a5bc8c40a7033a1eb9266e8a6f0fefa243c1a73e28ae1d1097271d9ac09",
    "nonliving26": "53bf4498232b1ce0b48e22297beed920b08a1d0518ae020c164422ef9772f912",
}


@dataclass(frozen=True)
class Hierarchy:
    """A class hierarchy.

    Attributes
    ----------
    numbers : WordNet id of each class -> its number in ImageNet's usual order, from 0 on.
    names : names of nodes.
    children : node -> its children, of the nodes that lead to a class.
    """

    numbers: Mapping[str, int]
    names: Mapping[str, str]
    children: Mapping[str, frozenset[str]]

    def below(self, node: str) -> set[str]:
        """The node and all under it."""
        return {node}.union(*(self.below(child) for child in self.children.get(node, ())))

    def classes(self, node: str) -> list[str]:
        """The classes under a node, or the node itself where it is one; sorted. None lies under another class."""
        if node in self.numbers:
            return [node]
        return sorted({one for child in self.children.get(node, ()) for one in self.classes(child)})

    def levels(self) -> dict[str, int]:
        """Node -> the length of the longest way to it from the root, of the nodes under it."""
        within, found = self.below(ROOT), {ROOT: 0}
        parents = defaultdict(set)
        for parent in within:
            for child in self.children.get(parent, ()):
                parents[child].add(parent)
        for node in TopologicalSorter(parents).static_order():
            found.setdefault(node, 1 + max((found[parent] for parent in parents[node]), default=-1))
        return found


Split = dict[str, tuple[list[str], list[str]]]  # superclass -> source and target subclasses, in the order drawn


def prepare(parameters: Mapping[str, Any], folder: Path, threads: int, report: Callable[[str], None]) -> None:
    """Write the data set.

    Parameters
    ----------
    parameters : of `BreedsParameters`.
    folder : the prepared data set.
    threads : pictures decoded at a time; changes no pixel.
    report : gets what is passed by, and progress.

    Raises
    ------
    ValueError : files of the hierarchy that do not give the published split, a subclass that ImageNet lacks, or what
        `whyalike.data.imagenet` and `whyalike.data.webdataset` refuse.
    """
    chosen = BreedsParameters.model_validate(parameters)
    write_pictures("breeds", VERSION, chosen, pictures_of(chosen, report), folder, threads, report)


def pictures_of(chosen: BreedsParameters, report: Callable[[str], None]) -> list[Picture]:
    """All pictures of a task, labelled with their superclasses.

    Raises
    ------
    ValueError : as `prepare`, but for pictures, which are not opened.
    """
    hierarchy = read_hierarchy(chosen.hierarchy)
    split = make_split(hierarchy, TASKS[chosen.task])
    if digest(split, hierarchy) != PUBLISHED[chosen.task]:
        raise ValueError(
            f"breeds: the files in {chosen.hierarchy} do not give the published split of {chosen.task}. {WHERE}"
        )
    taken = {"train": 0, "test": 1 if chosen.test_classes == "target" else 0}  # which half
    superclasses = {
        (part, wnid): f"{node} {hierarchy.names.get(node, '').split(',')[0]}".strip()
        for part in chosen.parts
        for node, halves in split.items()
        for wnid in halves[taken[part]]
    }
    asked = (one for one in _imagenet(chosen, hierarchy, report) if (one.part, one.label) in superclasses)
    pictures = [replace(one, label=superclasses[one.part, one.label], subclass=one.label) for one in asked]
    if absent := sorted(superclasses.keys() - {(one.part, one.subclass) for one in pictures}):
        raise ValueError(
            f"breeds: {chosen.folder} lacks {len(absent)} of {len(superclasses)} subclasses of {chosen.task}, such as "
            f"{absent[0][1]} of the part {absent[0][0]}. All of ImageNet's classes are needed."
        )
    return pictures


def _imagenet(
    chosen: BreedsParameters, hierarchy: Hierarchy, report: Callable[[str], None]
) -> Iterator[Picture] | Sequence[Picture]:
    """The pictures of ImageNet, each labelled with its WordNet id."""
    if not chosen.sharded():
        return imagenet.found("breeds", chosen.folder, chosen.parts, chosen.answers, report)
    wnids = {number: wnid for wnid, number in hierarchy.numbers.items()}
    found = list(webdataset.samples("breeds", chosen.folder, chosen.parts, report))
    if unknown := [one for number, one in found if number not in wnids]:
        raise ValueError(
            f"breeds: {chosen.folder / unknown[0].file} is of a class beyond ImageNet's {len(wnids)}. Give the folder "
            "of wds_imagenet1k."
        )
    return [replace(one, label=wnids[number]) for number, one in found]


def read_hierarchy(folder: Path) -> Hierarchy:
    """Read the authors' three files.

    Raises
    ------
    UnreadableFile : a file is not as theirs.
    """
    edges_file, classes_file, names_file = (folder / name for name in HIERARCHY)
    with readable(classes_file, "a list of [number, WordNet id, names] in JSON", WHERE):
        numbers = {wnid: int(number) for number, wnid, _ in json.loads(classes_file.read_text(encoding="utf-8"))}
    with readable(names_file, "a WordNet id and its names, between a tab, a line", WHERE):
        names = dict(line.split("\t", 1) for line in names_file.read_text(encoding="utf-8").splitlines() if line)
    with readable(edges_file, "a parent and a child a line", WHERE):
        parents = defaultdict(set)
        for line in edges_file.read_text(encoding="utf-8").splitlines():
            parent, child = line.split()
            parents[child].add(parent)
        children = _leading(parents, numbers)
        list(TopologicalSorter(children).static_order())  # a circle is an error
    return Hierarchy(numbers, names, children)


def _leading(parents: Mapping[str, set[str]], classes: Mapping[str, int]) -> dict[str, frozenset[str]]:
    """Node -> its children, of the nodes over a class."""
    children, reached = defaultdict(set), set()
    queue = [node for node in classes if node in parents]
    while queue:
        node = queue.pop()
        for parent in parents.get(node, ()):
            children[parent].add(node)
            if parent not in reached:
                reached.add(parent)
                queue.append(parent)
    return {node: frozenset(own) for node, own in children.items()}


def make_split(hierarchy: Hierarchy, task: Task) -> Split:
    """Superclasses in sorted order, and the source and target subclasses of each."""
    levels, under = hierarchy.levels(), hierarchy.below(task.ancestor)
    generator, split = np.random.RandomState(SEED), {}
    for node in sorted(node for node, level in levels.items() if level == task.level and node in under):
        classes = hierarchy.classes(node)
        if len(classes) < task.subclasses:
            continue
        drawn = generator.choice(classes, task.subclasses, replace=False).tolist()
        half = task.subclasses // 2
        split[node] = (drawn[:half], drawn[half:])
    return split


def digest(split: Split, hierarchy: Hierarchy) -> str:
    """SHA-256 of the numbers of the source and of the target classes, superclass by superclass, in the order drawn."""
    halves = [[hierarchy.numbers[wnid] for own in split.values() for wnid in own[half]] for half in (0, 1)]
    return hashlib.sha256(canonical_json(halves).encode()).hexdigest()
