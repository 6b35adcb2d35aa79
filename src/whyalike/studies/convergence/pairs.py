"""Which models of a group are compared, what two of them have in common, and which pairs count for the group. Pure."""

import re
from collections.abc import Iterable, Sequence
from itertools import combinations

from whyalike.studies.convergence.parameters import Member
from whyalike.studies.convergence.section import FINAL, START

INDEPENDENT, SAME_START, SAME_ORDER = "independent", "same_start", "same_order"
OF_GRID = re.compile(r"\.(start|order)\d")  # a part of the names of models that share a start or an order


def members_at(members: Sequence[Member], checkpoint: str = FINAL) -> list[Member]:
    """The members that have a checkpoint, in their order.

    A run that was trained here has all of them. Of models from files each run is one: that named so, or the final one,
    whose architecture has a start.
    """
    named, of_files = {(one.model, one.checkpoint) for one in members}, any(one.checkpoint for one in members)

    def has(one: Member) -> bool:
        if one.checkpoint:
            return one.checkpoint == checkpoint
        return (one.model, checkpoint) not in named and (not of_files or checkpoint in (START, FINAL))

    return list(filter(has, members))


def relation(a: Member, b: Member) -> str:
    """What two models have in common: initial weights, the order of their images, or neither.

    Examples
    --------
    >>> one = Member(model="seed0", seed=0, run="r", name="seed0")
    >>> other = one.model_copy(update={"model": "seed0.order1", "order": "1"})
    >>> relation(one, other), relation(one, other.model_copy(update={"seed": 1}))
    ('same_start', 'independent')
    """
    if a.seed != b.seed or (a.start != b.start and a.order != b.order):
        return INDEPENDENT
    return SAME_START if a.start == b.start else SAME_ORDER


def pairs(members: Iterable[Member]) -> list[tuple[str, str, str]]:
    """Every two models: (relation, a, b), names of models in the members' order, each model once."""
    models = list({one.model: one for one in reversed(list(members))}.values())[::-1]
    return [(relation(a, b), a.model, b.model) for a, b in combinations(models, 2)]


def main_pairs(members: Iterable[Member]) -> list[tuple[str, str]]:
    """The pairs that count for the group, names (a, b): independent ones of one model a seed.

    Examples
    --------
    >>> def of(seed, start="0", **more):
    ...     name = f"seed{seed}" + ("" if start == "0" else f".start{start}.order{start}")
    ...     return Member(model=name, seed=seed, start=start, order=start, run=name, name=name)
    >>> main_pairs([of(0), of(0, "1"), of(1)]), main_pairs([of(0), of(0, "1")])
    ([('seed0', 'seed1')], [('seed0', 'seed0.start1.order1')])
    """
    return of_main((a, b) for kind, a, b in pairs(members) if kind == INDEPENDENT)


def of_main(independent: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of independent pairs those of models outside the grid of starts and orders; all, where there is a grid alone."""
    independent = list(independent)
    return [pair for pair in independent if not any(map(OF_GRID.search, pair))] or independent


def compared_pairs(members: Iterable[Member]) -> list[tuple[str, str, str]]:
    """Those of `pairs` that something is told of: the main ones, and of a grid all within a seed.

    Examples
    --------
    >>> one = Member(model="seed0", seed=0, run="r", name="r")
    >>> others = [("seed0.order1", 0, "1"), ("seed1", 1, "0")]
    >>> members = [one, *(one.model_copy(update={"model": a, "seed": b, "order": c}) for a, b, c in others)]
    >>> compared_pairs(members)
    [('same_start', 'seed0', 'seed0.order1'), ('independent', 'seed0', 'seed1')]
    """
    members = list(members)
    seeds, main = {one.model: one.seed for one in members}, set(main_pairs(members))
    return [(kind, a, b) for kind, a, b in pairs(members) if seeds[a] == seeds[b] or (a, b) in main]
