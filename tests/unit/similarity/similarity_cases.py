"""What every parametrised test of the metrics needs: which protocols there are, and inputs and parameters that fit."""

from whyalike.similarity.metrics.registry import METRICS

MANY = 450  # rows that the fixture `many_rows` makes many: at least the 416 candidates of ten neighbours in float32
SMALL = {"svcca": {"dims": 4}}  # the tests' representations have 5 units
SEVERAL_UNITS = {"rsa"}  # no value for representations of one unit
WIDTHS = {"linear": 4, "permutation": 5}  # of 24 training stimuli a fifth; equal on both sides
WITH_PROTOCOLS = [(name, protocol) for name in METRICS for protocol in METRICS[name].facts.protocols]
PUBLISHED = [name for name in METRICS if "as_published" in METRICS[name].facts.protocols]


def fitting(metric, *representations):
    """The representations, with as many units as the metric takes."""
    return tuple(x[:, : WIDTHS.get(metric)] for x in representations)
