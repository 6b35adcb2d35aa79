"""docs/benchmarks.md from what was measured: each claim with its value and whether it was reached."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from many import CLAIM, Many
from maps import CLAIMED, Layer, total
from rates import NEEDS, Cost
from ratios import Ratio
from score_jobs import Protocols, ScoreJob

SHARE, MULTIPLE = 0.7, 1.7  # claims: CKA's share of the float32 rate, neighbour search in bare products, each made once


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def seconds(value: float) -> str:
    """Seconds or milliseconds, three digits."""
    return f"{value:.3g} s" if value >= 1 else f"{1e3 * value:.3g} ms"


def reached(value: float, claim: float, at_most: bool = False) -> str:
    """Yes or no."""
    return "yes" if (value <= claim if at_most else value >= claim) else "**no**"


def rates_section(rates: Mapping[str, float], one: Sequence[Cost], two: Sequence[Cost]) -> str:
    """Against the machine: products' rates, claims about shares of it, and every metric in multiples of its need."""
    process, wall = ({c.metric: c for c in costs} for costs in (one, two))
    claims = [
        [
            what.format(metric),
            f"≥ {SHARE:.0%}",
            f"{here:.0%}",
            reached(here, SHARE),
            f"{share(wall[metric], 'wall'):.0%}",
        ]
        for what, share in (
            ("{}, a pair of known models: share of the float32 rate", lambda cost, clock: 1 / cost.of_pair),
            ("{}, from raw features (two models and the pair)", _share_from_raw),
        )
        for metric in ("cka", "cka_unbiased")
        for here in [share(process[metric], "process")]
    ]
    search, on_two = process["mutual_knn"].of_model, wall["mutual_knn"].of_model
    verdict = reached(search, MULTIPLE, True)
    name = "neighbour search, in bare products made once"
    claims += [[name, f"≤ {MULTIPLE}", f"{search:.2f}", verdict, f"{on_two:.2f}"]]
    rows = [_cost_row(*both) for both in zip(one, two, strict=True)]
    header = ["metric", "n", "a model", "of what it needs", "a pair", "of what it needs"]
    header += ["a model, 2 threads (wall)", "a pair, 2 threads (wall)", "peak memory of one score"]
    return "\n\n".join(
        [
            table(["float32 products, 1 thread", "GFLOP/s"], [[name, f"{rate:.0f}"] for name, rate in rates.items()]),
            table(["claim (1 thread)", "claimed", "measured", "reached", "2 threads (wall)"], claims),
            table(header, rows),
        ]
    )


def _cost_row(one: Cost, two: Cost) -> list[str]:
    """A metric's line: on one thread, then on two."""
    model, pair = NEEDS[one.metric]
    return [
        f"`{one.metric}`",
        f"{one.n:,}",
        seconds(one.model.process),
        f"{one.of_model:.2f} × {model}",
        seconds(one.pair.process),
        f"{one.of_pair:.2f} × {pair}",
        f"{seconds(two.model.wall)}, {two.of_model:.2f} ×",
        f"{seconds(two.pair.wall)}, {two.of_pair:.2f} ×",
        f"{one.peak / 2**20:,.0f} MiB",
    ]


def _share_from_raw(cost: Cost, clock: str) -> float:
    """The time of the products that one score needs (two halves and a whole) over the time of the score."""
    model, pair = getattr(cost.model, clock), getattr(cost.pair, clock)
    return (2 * model / cost.of_model + pair / cost.of_pair) / (2 * model + pair)


def ratios_section(ratios: Sequence[Ratio]) -> str:
    """Speed-ups, claimed or not."""
    rows = [
        [f"{r.what}", r.other, seconds(r.ours), seconds(r.theirs), f"{r.times:,.3g}×"]
        + ([f"≥ {r.claim:g}×", reached(r.times, r.claim)] if r.claim else ["–", "–"])
        + [f"{r.apart:.0e}", r.how]
        for r in ratios
    ]
    header = [
        "what",
        "against",
        "whyalike",
        "other",
        "faster",
        "claimed",
        "reached",
        "values differ by",
        "how measured",
    ]
    return table(header, rows)


def jobs_section(jobs: Sequence[ScoreJob], protocols: Protocols) -> str:
    """Score jobs, and the same metrics one by one with draws of every null."""
    text = (
        "A pair of models and their untrained starts, two protocols, both nulls (19 draws where they have no closed "
        "form), process time on one thread. One by one: each metric makes its own neighbour search, and all nulls are "
        "drawn. Bare products: of rows with rows, each once, for each model and protocol.\n\n"
        "What is left of the neighbours is one search for each model, set of stimuli and protocol: their floor. The "
        "two protocols cannot share one. As published, entries are clamped at the model's own 95 % quantile before "
        "rows are scaled: that is no function of the exact products, and both find "
        f"{protocols.shared:.0%} of the nearest rows of a trained model here. The clamped products are the others less "
        "those with the 5 % of entries beyond the clamp, but as sparse products these take "
        f"{protocols.sparse / protocols.dense:.1f} times as long as all products made anew. The bare products of all "
        "searches of the default study are 905 TFLOP, 2.6 hours of one thread at 98 GFLOP/s, of 5.0 planned for "
        "neighbours; one search for each model and set of stimuli would be 1.3 hours of products."
    )
    rows = [[job.family, f"{job.n:,}", seconds(job.after), seconds(job.before), f"{job.before / job.after:.1f}×",
             f"{job.apart:.0e}", "–" if job.bare is None else seconds(job.bare)] for job in jobs]  # fmt: skip
    for n in dict.fromkeys(job.n for job in jobs):
        before, after = (sum(getattr(job, side) for job in jobs if job.n == n) for side in ("before", "after"))
        rows.append(["all eight metrics", f"{n:,}", seconds(after), seconds(before), f"{before / after:.1f}×", "", ""])
    header = ["family", "n", "the job", "one by one, all nulls drawn", "faster", "values differ by", "bare products"]
    return f"{text}\n\n{table(header, rows)}"


def many_section(found: Sequence[Many], memory: str) -> str:
    """All pairs of many models: time in the work that they are made of, and memory."""
    n, d, models, pairs = (getattr(found[0], name) for name in ("n", "d", "models", "pairs"))
    text = (
        f'`pairwise` of {models} models, {pairs} pairs, n = {n:,}, d = {d:,}, with `memory="{memory}"`, each metric '
        "in a process of its own. The work is that of the same run on one model and on one pair, times their numbers: "
        "beyond 1 is what the bound of memory costs, below 1 what models scored together save. Both grow alike, "
        "linearly in models and pairs. Memory is what the process holds at most beside the models and its libraries, "
        "files in memory that the system may drop among it; of half as many models in brackets. Straightforward: one "
        f"pair as the formula reads, times {pairs}."
    )
    rows = [[f"`{one.metric}`", seconds(one.seconds), f"{seconds(one.model)}, {seconds(one.pair)}",
             f"{one.seconds / one.work:.2f} ×", f"≤ {CLAIM} ×", reached(one.seconds / one.work, CLAIM, at_most=True),
             f"{one.peaks[1] / 2**20:,.0f} MiB ({one.peaks[0] / 2**20:,.0f})", f"{one.apart:.0e}",
             "–" if one.plain is None else f"{one.plain * pairs / one.seconds:,.3g}×"] for one in found]  # fmt: skip
    header = ["metric", "all pairs", "a model, a pair alone", "of this work", "claimed", "reached", "memory beside",
              "differs from the pair alone by", "faster than straightforward"]  # fmt: skip
    return f"{text}\n\n{table(header, rows)}"


def maps_section(found: Sequence[Layer], n: int) -> str:
    """Fitted maps of a pair over the layers of a network: seconds, and against the metrics one by one."""
    whole = total(found)
    count = sum(one.layers for one in found)
    text = (
        f"`align` of two models over {count} layers of the widths of a ResNet-18, n = {n:,}, 5 folds, process time on "
        "one thread. A model: its folds, second moments and inverses; for a ridge of inner folds the eigenvalues too. "
        "A pair: of models that are ready. All four are Procrustes, permutation, soft matching and linear with a fixed "
        "ridge in one call; metric by metric is `score` of each, which makes both models ready every time. A rotation "
        "is one draw of the null of the basis."
    )
    header = ["width", "layers", "a model", "for an inner ridge", "a pair: Procrustes", "all four"]
    header += ["linear, inner ridge", "a rotation", "metric by metric: Procrustes", "all four", "values differ by"]
    names = ("prepared", "spectra", "procrustes", "all_four", "inner", "rotation", "plain_procrustes")

    def cells(of: Mapping[str, float]) -> list[str]:
        return [*(seconds(of[name]) for name in names), seconds(of["plain_procrustes"] + of["plain_others"])]

    rows = [[f"{one.width}", f"{one.layers}", *cells(vars(one)), f"{one.apart:.0e}"] for one in found]
    rows.append(["all layers", f"{count}", *cells(whole), f"{max(one.apart for one in found):.0e}"])
    others, plain = whole["all_four"] - whole["procrustes"], whole["plain_procrustes"] + whole["plain_others"]
    first = whole["all_four"] + 2 * whole["prepared"]
    claims = [
        [what, f"≤ {CLAIMED:g} s", seconds(ours), reached(ours, CLAIMED, at_most=True), f"{theirs / ours:.3g}×"]
        for what, ours, theirs in (
            ("Procrustes", whole["procrustes"], whole["plain_procrustes"]),
            ("the other three beside it", others, whole["plain_others"]),
        )
    ]
    claims.append(["all four, both models made ready", "–", seconds(first), "–", f"{plain / first:.3g}×"])
    claimed = table(["a pair over all layers", "claimed", "measured", "reached", "faster than one by one"], claims)
    return f"{text}\n\n{table(header, rows)}\n\n{claimed}"


def write(path: Path, machine: Sequence[str], parts: Mapping[str, str], notes: Sequence[str]) -> None:
    """Write the page."""
    text = [
        "# Benchmarks",
        "Written by `make bench` (`benchmarks/run.py`); what is measured against is plain in "
        "[straightforward.py](../benchmarks/straightforward.py). All numbers of a page come from one run.",
        "\n".join(f"- {line}" for line in machine),
    ]
    for title, part in parts.items():
        text += [f"## {title}", part]
    text += ["\n".join(f"- {line}" for line in notes)] if notes else []
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(text) + "\n", encoding="utf-8")
