"""docs/metrics.md: every metric with formula, invariances, range, chance level, cost and use, from its facts.

`make reference` writes the page, and a test compares it with what this module makes. What is said of metrics in general
stands here; what is said of one stands in its facts.
"""

from collections.abc import Iterator

from whyalike.markdown import assignments, codes, extent, table
from whyalike.registry import Registry
from whyalike.similarity import on_device
from whyalike.similarity.metrics.facts import MetricFacts
from whyalike.similarity.metrics.registry import METRICS, NEEDS, OTHER_METRICS

INTRODUCTION = """\
# Metrics

<!-- made by `make reference` from the facts in src/whyalike/similarity and documentation/metrics_page.py -->

X is n x p and Y is n x q; rows are the same stimuli in the same order, H = I − 11′/n.

```python
import whyalike as wa

wa.score("mutual_knn", x, y, k=5)  # numpy arrays, torch tensors or frames, any device and precision
wa.interval("cka", x, y)  # its 95 % interval over stimuli
wa.pairwise(["cka_unbiased", "rsa"], {"a": a, "b": b, "c": c})  # all pairs: metric, a, b, value, n
wa.compare(model_a, model_b, loader, layers_a=["layer3", "fc"])  # two PyTorch models, layer by layer
wa.score("cka", x, y, labels=classes, groups=subjects, ceiling=0.9)  # beside its nulls: p, p_within_class, excess
wa.sweep(x, y, k=[5, 10], n=[20, 30])  # a curve over k and n, each point with its null and interval
wa.score("cka", x, y, memory="2GB")  # of memory maps that are larger than memory
wa.score("rsa", wa.rdm(judgements), x)  # dissimilarities, or wa.kernel(k), in place of features
wa.describe("rsa")  # what this page says of it
```

```
whyalike score a.npy b.safetensors --metrics cka_unbiased,mutual_knn:k=5 --labels classes.npy --out scores.parquet
whyalike score folder/ --plot out.png                  # all pairs of its files, as a heat map a metric
whyalike models scores.parquet                         # of all pairs of models: what has the model as its unit
whyalike score judgements.npy b.npy --a-is rdm --metrics rsa
whyalike score a.npy b.npy --labels classes.npy --groups subjects.txt --ceiling split-halves
```

The command prints each score with its interval over stimuli, the mean and end of its permutation null, p and n.
"""

ON_A_GPU = """\
Where a tensor lies on a CUDA device, and with `--device cuda`, these are computed there, in float64: {metrics}; the
others on the CPU. CPU and GPU agree to 1e-6.
"""

PROTOCOLS = """\
## Two protocols

`exact` is the textbook quantity in float64; features as given, or rows of length 1 for the neighbour metrics.
`as_published` is what the reference of the overlap study computes, faults included: features clamped at the 95 %
quantile, rows of length 1, 1e-6 in the denominators, the maximum over pairs of layers, at least 0; `lcs_knn` and
`edit_distance_knn` with the quarter of rows that its parallel loop keeps, `svcca` random. Metrics that the reference
lacks have no such form: asked of `score` it is an error, and a study with both protocols has their exact rows alone.

Neighbours that float64 cannot tell apart (rows of 0, duplicate stimuli, features of few values) come in an order that
is drawn from the lists themselves: in the order of the rows, unrelated representations would agree beyond chance.
A row whose k nearest and more are one tie has a list that is nothing but drawn. Where both representations have the
same ties, such rows are drawn on each side (`exact`), so that they agree by chance: two models that put every stimulus
of a class on one point share their classes, and nothing within. Stimuli that come twice in both stay common structure.
Where each row is equally near to all others (one direction, offsets of 1e8 SD, a softmax sure of one class) there are
no neighbours, and that is an error.

## Chance, p and distances

The mean of the row-permutation null is the chance level; where the table names a number, the null has it as its mean.
"rises with p/n" means that values of different n or width do not compare: compare them with their nulls, or take a
metric whose chance level is 0. That takes away what n adds by chance; of models that are alike the value can still rise
with the number of units. A p value is (1 + b)/(1 + B), b of B draws at least as alike as the score: as large for
a similarity, as small for a distance. `null_p95` is the end of the null towards likeness: its 95 % quantile, for a
distance its 5 % quantile. "Unchanged by" is what may be done to X alone. A draw that equals the score but for rounding
(1e-8, relative) counts. Where there are no more other orders of the rows than draws, all of them stand in the place of
draws, each once (rows of Y that are equal count as one order in `whyalike score`): p is then exact.

Exact values of features lie in their range: what rounding takes beyond it is cut off.

Of `cka`, `cka_unbiased`, `cka_rbf` and `distance_correlation_unbiased` these three need no draws: mean, variance and
third moment over all orders of rows are known. The mean is exact. End and p are of a Pearson III distribution with
these moments: of 100 stimuli the 95 % and 99 % points were within 3 % of those of 20,000 draws, within 5 % at a
skewness above 1.5. A p below .001 is given as .001. Where one row or one direction outweighs the others (skewness above
2), of fewer than six stimuli, and of a maximum over pairs of layers, there is no such form. Studies take it where there
is one, and draw else; `whyalike score` takes it with `--null 0`. Of more than 2,048 stimuli a part of the third moment
is estimated: with a fifth of 600 rows the points moved by less than 1 %. Other metrics are always drawn. Scores of
neighbours have draws although a null of `mutual_knn` has moments too: a draw takes a millisecond, and serves all five.

The null within class shuffles stimuli of the same class. Two models that share nothing but classes that are far apart
are beyond the null of rows, and beyond this one as often as chance has it. `p_within_class` and `null_within_class_p95`
are its p and its end. For `cka` and `cka_unbiased` they are in closed form too: mean and variance are exact, the third
moment is that of normal rows with one covariance for all classes; a p below .01 is given as .01. Of 500 null pairs of
normal and of rectified rows 5 to 6 % had a p of at most .05. It is drawn where rows have heavy tails (the squared
lengths within classes vary by half of their squared mean more than those of normal rows), where a class has fewer than
four stimuli, where the skewness exceeds 1.5, where the covariances of all classes take more than 256 MB, and where few
stimuli have so many units that their kernel is the smaller work.

## Stimuli in blocks

Frames of a video and trials of a subject are near copies of each other. Permuted row by row they count as independent:
of 400 unrelated pairs of 12 blocks of 5 near copies 99.5 % had a p of at most .05 (`cka_unbiased`, 19 draws each;
`mutual_knn` with k = 6 all). With `groups`, the block of each row (`--groups FILE`), whole blocks change places, each
with its rows in their order: 5.3 and 4.3 % had. Within class, blocks of the same classes change places, and rows meet
rows of their class. Of 400 worlds of two classes of six blocks, whose means have SD 2, 5.0 % had a p within class of at
most .05, by row 38 % (`cka_unbiased`, 19 draws); by row up to 100 % had where classes explain less (120 worlds). This
holds where blocks could as well have come in another order; what the place of a row in its block explains stays in the
null. Blocks are of equal size, as whole ones take each other's place. b blocks have b! orders, so p of four is at least
1/24. Within class the orders are the product of the factorials of the numbers of like blocks: two and two give 1/4.
There are draws, or all orders where these are few, and no closed form: that takes rows as exchangeable.

Values stay as they are. The folds of fitted maps are dealt by row, so that a copy of a held-out row may be among the
training rows. That raises the null far more than a high score: `linear` (ridge 1) of 12 rows, one a block, is .82 and
its null mean -.01; with 5 near copies of each (noise of SD .1) .94 and .63 (30 units, 3 shared signals, noise of SD .5
in each unit, means of 30 worlds). p stays right. Score and excess of fitted maps are not comparable with those of
single stimuli.

An interval with `groups` leaves out whole blocks, of any sizes, or takes subsets of them. Of 12 blocks of 5 near copies
it held the mean in 95 % by block and 64 % by row of 200 intervals of `cka_unbiased`, 93 and 71 % of 150 of `cka`, 93
and 77 % of 100 of `mutual_knn`, 97 and 65 % of 60 of `rsa`.

## Excess

excess = (score − m)/(ceiling − m), m the mean of the null within class: 0 is what the classes alone explain, 1 is the
ceiling. Of a distance the same formula holds, as both differences change sign. It is not bounded: a score more alike
than the ceiling has more than 1, one less alike than m less than 0. It says how much; `p_within_class` says whether.
Where the ceiling is no more alike than m there is none, and the reason is given.

`ceiling` is a score that stands for "as alike as can be": of the same architecture, data and labels with another seed,
of a subject's repeated measurement. Or it is made of the two models alone: `split_halves` parts the units of a model at
random into two halves of equal size (an odd one is left out, another each time), scores one against the other on the
same stimuli, and takes the mean of 20 splits, then that of both models. It estimates how alike two samples of half as
many units of one model are. Halves have fewer units than models, so it is too low where scores rise with the number of
units, and excess is too high. Two samples of one population should have 1. Of rectified mixtures of 20 signals with
noise of SD .5 (200 stimuli, 256 units, 4 to 6 pairs) they had 1.05 (`linear`, ridge 1), 1.18 (`cka_unbiased`), 1.43
(`mutual_knn`) and 1.57 (`procrustes_distance`); with noise of SD 1 they had 1.08, 1.37, 1.74 and 11. The bias grows
with a unit's noise, and with fewer units. So equal width alone does not make models comparable. Nothing corrects it:
the formula of Spearman and Brown is for correlations of sums, and other metrics follow other laws. Units that say the
same (neighbouring channels) make the ceiling too high, and units that have nothing in common leave none.

The chance level of some metrics depends on the number of units: `cca`, `pwcca`, `cka`, `procrustes_distance` and
`normalised_bures`. Of these, halves have another chance level than m. The ceiling can then be no more alike than m
though the halves share much: of 64 units and 200 stimuli `cca` had no excess for 5 of 8 pairs. Use split halves with
`cka_unbiased`, `rsa` or held-out maps.

The interval of excess is that of the score, its ends moved by the same formula (`excess_of` of what `score` gives).
What m and the ceiling lack in precision is not in it. With a given ceiling it held the excess in 94 to 100 % of 150 to
200 intervals (`cka_unbiased`): it is too wide where classes explain much. With split halves it was not measured.
Studies have no such column: their scale is the gap from untrained pairs ([words](words.md#what-the-statistics-say)).

## Layers against layers

```python
from whyalike.similarity.layers import layers

found = layers({{"conv1": a1, "conv2": a2}}, {{"conv1": b1, "conv2": b2}}, "cka_unbiased", permutations=999)
found.layer_a, found.layer_b, found.value, found.p_value  # the most alike pair; p counts that it was chosen
found.matrix("p_corrected")  # and of every pair
```

The best of many pairs of layers is high by chance. `layers` permutes the rows of all layers of B in the same order and
keeps the best of all pairs in each draw: a pair is beyond chance where it is beyond these (single-step maxT). That is
exact where no layer of one model depends on the other; beside true pairs it is an approximation. Of 400 worlds of 3 x 4
independent layers, 15 had a corrected p of at most .05 (39 draws) under `cka_unbiased`, and 157 a pair whose own p was.
With `labels` rows are permuted within classes, with `groups` whole blocks. `whyalike layers a.npz b.safetensors --plot
layers.svg` does it with files, an array a layer, or with folders, a file a layer.

## Without a confound

Two models of the same inputs are alike as far as each keeps what the inputs hold. With `confound=z` (n x c, such as the
stimuli's pixels; `--confound file`) the matrix of z over stimuli is regressed out of both, and the score is the cosine
of the residuals (deconfounded CKA and RSA, Cui et al. 2022): (s_xy − s_xz s_zy) / √((1 − s_xz²)(1 − s_zy²)), from −1 to
1, 1 on (X, X). It is there for exact scores of {deconfoundable}: metrics
that are the cosine of two matrices over stimuli. It takes away what is proportional to the confound's matrix, and no
more: two models that use z alone, each by a map of its own, can still differ from 0 in either direction. What leaves
the metric as it is leaves it as it is. A null permutes
the rows of one model and leaves the confound where it is: its p is against a model that is related to neither, and does
not show likeness beyond z. It costs three times as much, and needs draws. Centred
matrices are regressed without an intercept, and residuals keep their negative eigenvalues (an option of other code).
Studies have no such scores yet.

## Curves over k and n

The value and the chance level of most metrics depend on n, and of neighbour lists on k/n.
`wa.sweep(x, y, "mutual_knn", k=[5, 10, 20], n=[1000, 5000])`, or
`whyalike sweep a.npy b.npy --k 5 --k 10 --n 1000 --n 5000 --out curve.csv`, gives a row for each k and n: score,
interval over stimuli, mean (chance level) and end of the null, p. The nested stimuli of a sweep are the first n of one
order, keyed by `seed`: a smaller set is part of every larger one. Each number is that of a single call on the same rows
(`whyalike.similarity.sweeps.nested_rows`), to the bit. One neighbour search for the largest k serves all of them; where
neighbours tie each k has its own, since ties are drawn by the lists. Metrics without neighbours have a curve over n.

## Fitted maps

`linear`, `procrustes`, `permutation` and `soft_matching` are fitted on training folds and scored on held-out stimuli,
in both directions. Units that are constant on all stimuli are dropped; every fold centres units on its training
stimuli; a unit that is constant on a held-out fold counts as 0 there. `correlation: per_unit` is the mean over units,
`pooled` one correlation of all entries. `linear` without a ridge needs five training stimuli a unit. On training data
the error of a permutation is at least that of a rotation, and that at least the error of least squares; held-out scores
need not be in that order.

## Seeds

`seed` of `score`, `pairwise` and `interval` is the key of all that is drawn for one number: folds, the draws of `svcca`
as published, nulls, split halves, groups and subsets of stimuli. Each is a stream of its own, so that an interval of a
seed lies about the score of that seed. Left out it is 42 for folds and 0 for the rest. `--seed` of `whyalike score` and
`similarity.seed` of a study are the key of null draws and of groups and subsets; folds there have the parameter `seed`
of their metric (`--metrics linear:seed=7`).

## Intervals

- Over stimuli (`whyalike.similarity.intervals.interval`), of the mean score over draws of as many stimuli, for the same
  two models. Never with replacement: a stimulus that comes twice is its own neighbour. Ends stop at the range.
  - A jackknife that leaves out each stimulus: of at most 100 stimuli, and of any number for `cka` and `cka_unbiased`
    without a confound. Nothing is drawn. Of more stimuli other metrics leave out 50 groups: the width changes by 10 %
    with the seed.
  - With `groups` whole blocks are left out ([stimuli in blocks](#stimuli-in-blocks)).
  - For neighbours subsets of about .8 n without replacement, with k/m as k/n; for fitted maps of n/2.
  - Of 300 intervals of 95 % over 100 or 400 stimuli of two noisy views of four signals, the mean lay in 94 to 96 % with
    normal rows (`cka`, `cka_unbiased`, `procrustes_distance`, `rsa`). With rows of heavy tails (t with 3 degrees of
    freedom, lognormal lengths) it lay in 89 to 92 % for `cka`, 89 to 93 % for `procrustes_distance`, 92 to 95 % for
    `cka_unbiased`, 94 to 95 % for `rsa`. Standard errors of neighbours are 1.2 to 1.5 times the true ones, of fitted
    maps 1.1 to 1.3 times (n = 100): their intervals held the mean in 98 and 96 % or more of 120. Those of `cca` are 1.4
    times the true ones (n = 100). The coverage of other metrics was not measured.
- Over models (`whyalike.statistics.dyadic`, `whyalike models`): all pairs among M models share models, so
  `node_jackknife` leaves a model out, and `mantel` permutes the models to compare two tables of pairs, such as scores
  and a design.
- Over seeds: what studies report; see [the design notes](design.md).
"""


def metrics_page() -> str:
    """The text of docs/metrics.md."""
    others = (
        "## Distributions and predictions\n\n"
        "These compare something else than representations, and are called in Python as `metric(a, b, **parameters)`:\n"
        + " or ".join(f"{words} (*{name}*)" for name, words in NEEDS.items())
        + ".\n"
    )
    return "\n".join(
        [
            INTRODUCTION,
            ON_A_GPU.format(metrics=", ".join(f"`{name}`" for name in on_device.metrics())),
            "## Representations of the same stimuli\n",
            table(("metric", "formula", "range", "chance level", "unchanged by", "use"), _meanings(METRICS)),
            table(("metric", "parameters", "needs", "work a model; a pair", "protocols", "source"), _workings(METRICS)),
            "What else is to be known:\n",
            "".join(f"- `{name}`: {entry.facts.note}\n" for name, entry in METRICS.items() if entry.facts.note),
            PROTOCOLS.format(deconfoundable=codes(name for name in METRICS if METRICS[name].facts.deconfoundable)),
            others,
            table(("metric", "compares", "formula", "range", "chance level", "unchanged by", "use"), _other_meanings()),
            table(("function", "parameters", "needs", "work", "source"), _other_workings()),
        ]
    )


def _meanings(metrics: Registry[MetricFacts]) -> Iterator[tuple[str, ...]]:
    for name, entry in metrics.items():
        facts = entry.facts
        yield (
            f"`{name}`",
            _or_dash(facts.formula),
            _range(facts),
            _or_dash(facts.chance),
            _invariances(facts),
            facts.use,
        )


def _workings(metrics: Registry[MetricFacts]) -> Iterator[tuple[str, ...]]:
    for name, entry in metrics.items():
        facts = entry.facts
        needs = f"n ≥ {facts.smallest_n}"
        yield f"`{name}`", _parameters(facts), needs, _or_dash(facts.cost), codes(facts.protocols), facts.source


def _other_meanings() -> Iterator[tuple[str, ...]]:
    for name, entry in OTHER_METRICS.items():
        facts = entry.facts
        meaning = _or_dash(facts.formula), _range(facts), _or_dash(facts.chance), _invariances(facts)
        yield f"`{name}`", facts.arguments, *meaning, _or_dash(facts.use)


def _other_workings() -> Iterator[tuple[str, ...]]:
    for entry in OTHER_METRICS.values():
        facts = entry.facts
        where = f"`{entry.target.replace(':', '.')}`"
        yield where, _parameters(facts), f"n ≥ {facts.smallest_n}", _or_dash(facts.cost), facts.source


def _range(facts: MetricFacts) -> str:
    """The range, with what tells a reader which way it goes."""
    kind = "; a distance" if facts.kind == "distance" else ""
    alike = "(X, X) depends on X" if facts.self_value is None else f"(X, X) gives {facts.self_value:g}"
    return f"{extent(*facts.range)}{kind}; {alike}{'' if facts.symmetric else '; asymmetric'}"


def _invariances(facts: MetricFacts) -> str:
    return ", ".join(word.replace("_", " ") for word in facts.invariances)


def _parameters(facts: MetricFacts) -> str:
    """Each parameter with its default, then its other choices."""
    parts = []
    for name, default in facts.parameters.items():
        choices = [one for one in (*facts.choices.get(name, ()), *facts.words.get(name, ())) if one != default]
        parts.append(assignments({name: default}) + (f" (or {codes(choices)})" if choices else ""))
    others = [name for name in facts.alternatives if name not in facts.parameters]
    parts += [f"or `{name}` instead of {codes(facts.alternatives[name])}" for name in others]
    return ", ".join(parts) or "–"


def _or_dash(text: str) -> str:
    return text or "–"
