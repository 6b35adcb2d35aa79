"""t-SNE of representations at the lowest and the highest overlap, and three tests beside it: the published Figure 10.

Above, the stimuli as model B of one seed represents them, after training at either end of the overlap. The axes of
t-SNE have no scale: how far points spread says nothing, so there are no ticks. Below, what the published figure was
drawn to explain: similarity of each pair against the number of classes among the stimuli, the participation ratio and
the feature norm of its two representations (`whyalike.statistics.explanations`), with the mean of the seeds' own
correlations.
"""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from whyalike.activations.table import by_layer, read_activations, read_ids, runs_of
from whyalike.designs.registry import design
from whyalike.figures import style
from whyalike.figures.style import number
from whyalike.randomness import key, keyed
from whyalike.statistics.explanations import correlation_within_seeds, feature_norm, participation_ratio
from whyalike.statistics.table import KIND_WORDS, kind_words, panel_words, seeds_words, with_scorings

FIGURE_COLUMNS = ["panel", "mark", "seed", "level", "stimulus_id", "class", "x", "y", "low", "high", "n_seeds"]
PERPLEXITY = 30  # scikit-learn's default; fewer where there are fewer stimuli
MOST_CLASSES = 16  # markers and colours that can be told apart; beyond, classes have no legend
LEGEND_COLUMNS = 8
EMBEDDING_HEIGHT, TEST_HEIGHT, LEGEND_LINE = 2.7, 2.2, 0.16  # inches
QUANTITIES = {
    "classes": "classes among the stimuli",
    "participation_ratio": "participation ratio (dimensions)",
    "feature_norm": "feature norm (mean length of a row)",
}


class Representations:
    """Activation files of one layer on one stimulus set, by run; one run at a time is read."""

    def __init__(self, paths: Sequence[Path]):
        self._of = {run: path for path in paths for run in runs_of(path)}
        self.ids = read_ids(paths[0])
        [self.layer] = by_layer(paths)

    def of(self, run: str) -> np.ndarray:
        """The representation of a run, float32 (n, d)."""
        return read_activations(self._of[run], run)


@style.styled
def draw(
    scores: pd.DataFrame,
    representations: Representations,
    labels: pd.DataFrame,
    attributes: list[str],
    *,
    metric: str = "cka",
    score_protocol: str = "exact",
    comparison: str | None = None,
    stimuli: str | None = None,
    layer: str | None = None,
    stimuli_kind: str | None = None,
    seed: int | None = None,
    points: int = 500,
    color_by: str | None = None,
    width: str = "page",
) -> tuple[Figure, pd.DataFrame]:
    """Draw one comparison on one stimulus set.

    Parameters
    ----------
    scores : score table of the comparison on the stimulus set.
    representations : activations of its runs.
    labels, attributes : of the stimuli's data set.
    metric, score_protocol : which scores.
    comparison, stimuli, layer : which files to read; the study's first ones if left out.
    stimuli_kind : whose scores stand in the tests; those of the whole set, or else of the classes of both models.
    seed : whose model B is embedded; the first if left out.
    points : at most so many stimuli are embedded, a keyed draw.
    color_by : attribute that colours the stimuli; the first if left out.
    width : "page", or "column" of a page of two: then the tests stand below one another.

    Returns
    -------
    the figure, and its numbers: a row a stimulus (mark "stimulus"), a pair ("pair") and a test ("correlation": y, low,
    high).

    Raises
    ------
    ValueError : no such scores, seed or attribute, or only one level of overlap.
    """
    pairs = _pairs(scores, metric, score_protocol, stimuli_kind)
    seeds = sorted(pairs["seed"].unique())
    seed = _one_of("seed", seeds[0] if seed is None else seed, seeds)
    attribute = _one_of("color_by", color_by or attributes[0], attributes)
    chosen = _chosen(len(representations.ids), points)
    classes = labels[attribute].iloc[representations.ids[chosen]].astype(str).to_numpy()
    page = style.side_by_side(width, 2, 2) == 2
    across = LEGEND_COLUMNS if page else LEGEND_COLUMNS // 2
    legend = -(-len(set(classes)) // across) if len(set(classes)) <= MOST_CLASSES else 0
    embedding, tests = (EMBEDDING_HEIGHT, 1) if page else (EMBEDDING_HEIGHT * 0.7, len(QUANTITIES))
    heights = [embedding + LEGEND_LINE * (legend + bool(legend)), TEST_HEIGHT * tests]
    figure = style.new_figure(style.inches(width), sum(heights))
    above, below = figure.subfigures(2, 1, height_ratios=heights)
    numbers: list[dict] = []
    for letter, axes, end in zip("ab", above.subplots(1, 2), _ends(pairs, seed).itertuples(), strict=True):
        embedded = _embedded(representations.of(end.run_b)[chosen], int(seed))
        panel = {"panel": letter, "mark": "stimulus", "seed": seed, "level": end.overlap}
        told = zip(representations.ids[chosen], classes, *embedded.T, strict=True)
        numbers += [{**panel, "stimulus_id": one, "class": name, "x": x, "y": y} for one, name, x, y in told]
        _draw_embedding(axes, embedded, classes)
        title = f"{letter}  t-SNE, model B of seed {seed} at overlap {end.overlap:.3g}"
        axes.set_title(textwrap.fill(title, style.room(style.inches(width) / 2)))
    if legend:
        drawn = (style.by_rows(part, across) for part in axes.get_legend_handles_labels())
        above.legend(*drawn, loc="outside lower center", ncols=across, title=style.words(attribute))
    label = style.metric_words(metric, score_protocol, scores)
    numbers += _draw_tests(below, _measured(pairs, representations), label, tests)
    title = _title(pairs, representations, len(chosen))
    figure.suptitle(textwrap.fill(title, style.room(style.inches(width), style.TEXT_POINTS + 1)))
    frame = pd.DataFrame(numbers, columns=FIGURE_COLUMNS)
    return figure, frame.astype({"seed": "Int64", "stimulus_id": "Int64", "n_seeds": "Int64"})


def _pairs(scores: pd.DataFrame, metric: str, protocol: str, kind: str | None) -> pd.DataFrame:
    """One row a pair: its runs, overlap, classes, score; of one kind of stimuli."""
    scores = with_scorings(scores)
    rows = scores[(scores["scoring"] == metric) & (scores["score_protocol"] == protocol)]
    if rows.empty:
        raise ValueError(f"there are no scores of {metric}, {protocol} to draw. Name a metric and protocol that are.")
    there = list(rows["stimuli_kind"].unique())
    first = next((one for one in KIND_WORDS if one in there), there[0])
    rows = rows[rows["stimuli_kind"] == _one_of("stimuli_kind", kind or first, there)]
    overlap = rows[design(rows["factor"].iloc[0]).overlap].astype(float)
    by = ["comparison", "factor", "stimuli", "stimuli_kind", "seed", "condition", "run_a", "run_b"]
    pairs = rows.assign(overlap=overlap, classes=rows["classes"].astype(float)).groupby(by, sort=False, as_index=False)
    return pairs.agg({"overlap": "first", "classes": "first", "value": "mean"})


def _one_of(option: str, value: object, known: list) -> object:
    if value not in known:
        raise ValueError(f"{option} must be one of {', '.join(map(str, known))}; got {value}.")
    return value


def _ends(pairs: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The pairs of one seed at its lowest and its highest overlap."""
    own = pairs[pairs["seed"] == seed].sort_values("overlap", kind="stable")
    if own["overlap"].nunique() < 2:
        raise ValueError(f"t-SNE is drawn at two levels of overlap: seed {seed} has {own['overlap'].nunique()}.")
    return own.iloc[[0, -1]]


def _chosen(n: int, points: int) -> np.ndarray:
    """Places of the stimuli that are embedded, ascending."""
    if n <= points:
        return np.arange(n)
    return np.sort(keyed("t-SNE", "stimuli").choice(n, points, replace=False))


def _embedded(x: np.ndarray, seed: int) -> np.ndarray:
    """(n, 2), in units that mean nothing."""
    from sklearn.manifold import TSNE  # a second to import, in the start of every figure otherwise

    perplexity = min(PERPLEXITY, (len(x) - 1) / 3)
    state = key(seed, "t-SNE") % 2**32
    return TSNE(perplexity=perplexity, init="pca", random_state=state).fit_transform(x)


def _draw_embedding(axes: Axes, embedded: np.ndarray, classes: np.ndarray) -> None:
    for i, name in enumerate(sorted(set(classes), key=style.natural)):
        own = embedded[classes == name]
        axes.scatter(*own.T, s=9, alpha=0.8, linewidths=0, label=style.words(name), **style.look_of(i))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)  # no scale, no axes
    axes.set_aspect("equal", adjustable="datalim")


def _measured(pairs: pd.DataFrame, representations: Representations) -> pd.DataFrame:
    """The pairs with the mean of both models' participation ratio and feature norm, on all stimuli."""
    found = {}
    for run in pd.unique(pairs[["run_a", "run_b"]].to_numpy().ravel()):  # one representation in memory at a time
        x = representations.of(run)
        found[run] = {"participation_ratio": participation_ratio(x), "feature_norm": feature_norm(x)}
    of_run = pd.DataFrame(found).T  # a row a run
    a, b = (of_run.loc[pairs[role]].to_numpy() for role in ("run_a", "run_b"))
    return pairs.assign(**dict(zip(of_run.columns, ((a + b) / 2).T, strict=True)))


def _draw_tests(figure: Figure, pairs: pd.DataFrame, label: str, below: int) -> list[dict]:
    """The tests, ``below`` one another or all side by side."""
    axes = figure.subplots(below, len(QUANTITIES) // below, sharey=True)
    for one in axes[:below]:
        one.set_ylabel(label)
    numbers: list[dict] = []
    for letter, one, (name, words) in zip("cde", axes, QUANTITIES.items(), strict=True):
        known = pairs[pairs[name].notna()]
        for seed, own in known.sort_values(name, kind="stable").groupby("seed"):
            one.plot(own[name], own["value"], color=style.PALE, linewidth=0.8, zorder=1)
            numbers += [{"panel": letter, "mark": "pair", "seed": seed, "level": pair.overlap, "x": getattr(pair, name),
                         "y": pair.value} for pair in own.itertuples()]  # fmt: skip
        shade = one.scatter(
            known[name], known["value"], c=known["overlap"], cmap="cividis", vmin=0, vmax=1, s=14,
            edgecolors=style.GREY, linewidths=0.3, zorder=2,
        )  # fmt: skip
        one.set_xlabel(words)
        one.xaxis.set_major_locator(MaxNLocator(5, integer=name == "classes"))
        found = correlation_within_seeds(*(known[column].to_numpy(float) for column in ("seed", name, "value")))
        one.set_title(f"{letter}  {_correlation_words(found)}", linespacing=1.25)
        if found is not None:
            low, high = found.interval or (np.nan, np.nan)
            test = {"y": found.value, "low": low, "high": high, "n_seeds": found.n_seeds}
            numbers.append({"panel": letter, "mark": "correlation", **test})
    words = design(pairs["factor"].iloc[0]).axis.label.replace("level of ", "")
    figure.colorbar(shade, ax=axes, label=words, ticks=[0, 0.5, 1], aspect=20 * below)
    return numbers


def _correlation_words(found) -> str:
    if found is None:
        return "no test: no seed has three pairs\nthat differ in it"
    interval = "" if found.interval is None else f" [{', '.join(map(number, found.interval))}]"
    return (
        f"r within seeds {number(found.value)}\n{interval.strip()} {seeds_words(found.n_seeds, found.n_seeds)}".strip()
    )


def _title(pairs: pd.DataFrame, representations: Representations, drawn: int) -> str:
    first, n = pairs.iloc[0], len(representations.ids)
    part = f"{drawn} of {n}" if drawn < n else f"{n}"
    return (
        f"{panel_words(first['comparison'], first['stimuli'])}, {representations.layer}: t-SNE of "
        f"{part} stimuli; scores on {kind_words(first['stimuli_kind'])}"
    )
