"""What the overlap study says, as claims that numbers can decide: data alone, read by `whyalike.statistics.claims`.

A claim is about panels of the statistics table: those of a factor and kind of stimuli, in the comparisons that it names
or in all. Its effect is the gain of a panel (score at the highest overlap less score at the lowest, one number a seed),
or the gain of one panel less that of another of the same comparison and stimuli. Source: Exploring Causes of
Representational Similarity in Machine Learning Models; section numbers are its own.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Panels:
    """Panels of one factor on one kind of stimuli."""

    factor: str
    kind: str


@dataclass(frozen=True)
class Claim:
    """One sentence of the paper and what decides it.

    Attributes
    ----------
    key : short name; claims are cited by it.
    section : of the paper.
    sentence : the paper's, quoted in part, or in our words where no sentence of it is short.
    direction : 1 if the effect must be above zero, -1 if below.
    panels : whose gain is the effect.
    less : panels whose gain is subtracted, of the same comparison and stimuli; None for none.
    comparisons : which comparisons the sentence is about; all where empty. A part of the name is enough.
    figure : the figures that show it, by kind and number in the paper.
    """

    key: str
    section: str
    sentence: str
    direction: int
    panels: Panels
    figure: str
    less: Panels | None = None
    comparisons: tuple[str, ...] = ()


_OWN, _COMMON, _ONE, _OUT = "in_distribution", "common", "fixed_classes_1", "out_of_distribution"

CLAIMS = (
    Claim(
        "data-own",
        "5.1",
        "“when datasets overlap more, the CKA score steadily rises” on in-distribution data",
        +1,
        Panels("dataset", _OWN),
        "overlap (4)",
    ),
    Claim("data-out", "5.1", "… and on out-of-distribution data", +1, Panels("dataset", _OUT), "overlap (4)"),
    Claim(
        "task-own",
        "5.2",
        "“a positive correlation between task overlap and CKA” where data overlap grows too, on in-distribution data",
        +1,
        Panels("task", _COMMON),
        "overlap (5)",
    ),
    Claim("task-out", "5.2", "… and on out-of-distribution data", +1, Panels("task", _OUT), "overlap (5)"),
    Claim(
        "task-exception",
        "5.2",
        "CIFAR-100 and TinyImageNet are the exception: more aligned in distribution when the overlap is lower",
        -1,
        Panels("task", _COMMON),
        "overlap (5)",
        comparisons=("cifar100", "tinyimagenet"),
    ),
    Claim(
        "task-variety",
        "5.2",
        "“the larger variety of classes” explains the lower CKA: on one class at a time it must fall less",
        -1,
        Panels("task", _COMMON),
        "overlap (5), tsne (10)",
        less=Panels("task", _ONE),
        comparisons=("cifar100", "tinyimagenet"),
    ),
    Claim(
        "label-own",
        "5.2",
        "“shared tasks among models, independent of data overlap, drive representational alignment”, in distribution",
        +1,
        Panels("label", _OWN),
        "overlap (6)",
    ),
    Claim("label-out", "5.2", "… and on out-of-distribution data", +1, Panels("label", _OUT), "overlap (6)"),
    Claim(
        "both-over-data",
        "5.3",
        "“the dataset and task overlap combined method has the highest MI score”: more than data overlap alone",
        +1,
        Panels("task", _OUT),
        "corrections (Table 3)",
        less=Panels("dataset", _OUT),
    ),
    Claim(
        "both-over-task",
        "5.3",
        "… and more than task overlap alone",
        +1,
        Panels("task", _OUT),
        "corrections (Table 3)",
        less=Panels("label", _OUT),
    ),
)
