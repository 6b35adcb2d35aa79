"""A zoo: models of some settings on all of their images, compared as the study says, or not at all. Pure.

Of each seed there is a grid of K x K models: start i and order j are replicas, so that models of one row have their
initial weights in common, and those of one column their order and augmentation. The model of start 0 and order 0 is
that of any other study that trains on all images. A zoo may hold models from files beside those that are trained.
With shuffled labels, which are the same for every model, the images say nothing of what is learned.
"""

from itertools import product

from whyalike.designs.design import SHUFFLED_LABELS, Asked, Design, PlannedRun, unknown

LARGEST_GRID = 16  # models of a seed: its square
GIVEN, SHUFFLED = "given", "shuffled"  # labels


def conditions(grid: int, labels: str = GIVEN) -> tuple[str, ...]:
    """The conditions of a grid, "start_order" and, of shuffled labels, "start_order_shuffled": a model each."""
    end = "" if labels == GIVEN else f"_{labels}"
    return tuple(f"{start}_{order}{end}" for start, order in product(range(grid), repeat=2))


def fault(given: tuple[str, ...]) -> str | None:
    """What is wrong with a study's conditions."""
    known = (*conditions(LARGEST_GRID), *conditions(LARGEST_GRID, SHUFFLED))
    return unknown(given, known, "places of a grid of starts and orders")


def overlaps(_: str) -> tuple[None, None]:
    """Nothing is varied."""
    return None, None


def expand(asked: Asked, condition: str) -> tuple[PlannedRun, PlannedRun]:
    """The one model of a condition, as both sides of a pair. Pairs are across seeds, so that its name says the seed."""
    start, order, *shuffled = condition.split("_")
    parts = [f"seed{asked.seed}", *([f"start{start}"] if start != "0" else []),
             *([f"order{order}"] if order != "0" else []), *shuffled]  # fmt: skip
    split = {"part": "all"} | ({"labels": SHUFFLED} if shuffled else {})
    level, own_start = SHUFFLED_LABELS if shuffled else None, start if start != order else None
    run = PlannedRun(".".join(parts), order, asked.labelling, split, level, own_start)
    return run, run


def unit(name: str) -> str:
    """What is independent among models: those of a seed share initial weights or order."""
    return name.split(".")[0]


DESIGN = Design(
    words="a zoo",
    levels="none",
    fault=fault,
    overlaps=overlaps,
    expand=expand,
    gathers=True,
    split="whyalike.splits.of_designs:zoo",
    share_of_images=1.0,
    unit=unit,
)
