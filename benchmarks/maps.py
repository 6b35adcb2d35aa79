"""Fitted maps of a pair of models over the layers of a ResNet-18: all at once against metric by metric.

`python benchmarks/maps.py` prints the section alone; `--quick` takes small sizes.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields

from sizes import FULL, QUICK, Sizes, related
from timing import threads, timed

from whyalike.similarity.alignments import align, rotations
from whyalike.similarity.api import score
from whyalike.similarity.prepared import Prepared

DRAWS = 5  # rotations that are timed: what is made once for all of them counts a fifth in each
CLAIMED = 8.0  # seconds of Procrustes over all layers of a pair at full size, and of the other three together
RIDGE = {"ridge": 0.01}
OTHERS = [("linear", "linear", RIDGE), ("permutation", "permutation", {}), ("soft_matching", "soft_matching", {})]
PROCRUSTES = [("procrustes", "procrustes", {})]


@dataclass(frozen=True)
class Layer:
    """Of one width: how many layers have it, how far values are from those of the metrics, and seconds of process time.

    ``prepared`` : of a model, all that maps with a fixed ridge need; ``spectra`` : what an inner ridge needs beside
    that. Of a pair, ``procrustes``; ``all_four`` metrics with a fixed ridge at once; ``inner`` : linear with an inner
    ridge; ``rotation`` : one draw. ``plain_procrustes``, ``plain_others`` : the metrics' own scores of the pair.
    """

    width: int
    layers: int
    apart: float
    prepared: float
    spectra: float
    procrustes: float
    all_four: float
    inner: float
    rotation: float
    plain_procrustes: float
    plain_others: float


def layers(sizes: Sizes) -> list[Layer]:
    """Each width of the network, on one thread."""
    with threads(1):
        return [_layer(sizes.n, width, count) for width, count in sizes.widths.items()]


def _layer(n: int, width: int, count: int) -> Layer:
    raw = related(n, width, 2)

    def prepared() -> Prepared:
        made = Prepared(raw[0])
        made.inverses(RIDGE["ridge"])
        return made

    a, b = Prepared(raw[0]), Prepared(raw[1])
    ready = timed(prepared, 3)
    for one in (a, b):
        one.inverses(RIDGE["ridge"])
    spectra = timed(lambda: (a.spectra, a.weights), 1)  # kept once made
    inner = [("inner", "linear", {"ridge": "inner"})]
    align(a, b, inner)
    together = timed(lambda: align(a, b, [*PROCRUSTES, *OTHERS]), 3)
    plain = [timed(lambda one=one: score(one[1], *raw, **one[2]), 3) for one in (*PROCRUSTES, *OTHERS)]
    apart = [abs(plain[k].value - one.value) for k, one in enumerate(together.value.values())]
    return Layer(
        width,
        count,
        max(apart),
        ready.process,
        spectra.process,
        timed(lambda: align(a, b, PROCRUSTES), 3).process,
        together.process,
        timed(lambda: align(a, b, inner), 3).process,
        timed(lambda: rotations(a, b, DRAWS, 0), 3).process / DRAWS,
        plain[0].process,
        sum(one.process for one in plain[1:]),
    )


def total(found: Sequence[Layer]) -> dict[str, float]:
    """Seconds over all layers."""
    names = [one.name for one in fields(Layer)][3:]
    return {name: sum(one.layers * getattr(one, name) for one in found) for name in names}


def main() -> None:
    """Measure and print."""
    import report  # which imports this module

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: seconds, numbers without meaning")
    sizes = QUICK if parser.parse_args().quick else FULL
    print(report.maps_section(layers(sizes), sizes.n))


if __name__ == "__main__":
    main()
