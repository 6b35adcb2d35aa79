"""The parameters of a scoring job; they import nothing of this room."""

from typing import Any, Literal

from pydantic import Field

from whyalike.parameters import JobParameters


class ScoredPair(JobParameters):
    """Two runs that are compared, and what overlaps between them.

    Attributes
    ----------
    condition : of the design.
    seed : of the pair; ``seed_b`` of run B, where that is another one.
    data_overlap, label_overlap : in [0, 1]; None where a thing is not varied, or not known.
    run_a, run_b : identities.
    untrained_a, untrained_b : identities of their starts; None where these are not known.
    name_a, name_b : of the runs within their cells.
    step_a, step_b : of training; None for the final weights.
    view_a, view_b : keys of the representations, where they are not those of the runs: of other steps.
    """

    condition: str
    seed: int
    seed_b: int | None = None
    data_overlap: float | None
    label_overlap: float | None
    run_a: str
    run_b: str
    untrained_a: str | None
    untrained_b: str | None
    name_a: str
    name_b: str
    step_a: int | None = None
    step_b: int | None = None
    view_a: str | None = None
    view_b: str | None = None


class ScoreParameters(JobParameters):
    """The scores of one comparison on one stimulus set: of some metrics, or all of them joined.

    Attributes
    ----------
    study, comparison, stimuli : what is scored.
    setting : of run A of each pair; ``setting_b`` of run B, where that is another one.
    layers : of the setting.
    layer_pairs : pairs of layers (of A, of B) that are scored; None: each layer with itself.
    factor : the study's design.
    shares, other_labels : what scores ask of it (`whyalike.designs.design.Design`).
    labelling : of the setting.
    in_distribution : whether the stimuli are of its training data.
    fixed_classes : how many shared classes are scored together, beside all of them.
    pairs : what is compared.
    numbers : of these pairs among all of the comparison; None where they are all.
    seeds_asked : seeds of the study, more than the pairs have in a partial result.
    metrics : scoring -> its parameters.
    protocols : "exact", "as_published" or both.
    permutations : draws of each null; ``seed`` is their key.
    facts : metric -> the facts that its scores depend on.
    code : fingerprint of what carries the job out.
    """

    study: str
    comparison: str
    stimuli: str
    setting: str
    setting_b: str | None = None
    layers: tuple[str, ...]
    layer_pairs: tuple[tuple[str, str], ...] | None = None
    factor: str
    shares: Literal["images", "classes"] | None
    other_labels: bool
    labelling: str
    in_distribution: bool
    fixed_classes: tuple[int, ...]
    pairs: tuple[ScoredPair, ...]
    numbers: tuple[int, ...] | None = None
    seeds_asked: int
    metrics: dict[str, dict[str, Any]]
    protocols: tuple[str, ...]
    permutations: int
    seed: int
    facts: dict[str, dict[str, Any]]
    code: str

    @property
    def title(self) -> str:
        """What is scored, in a line of a log."""
        return f"similarity {self.study} · {self.comparison} · {self.stimuli}"


class PairParameters(JobParameters):
    """The pair table of one comparison on one stimulus set.

    Attributes
    ----------
    study, comparison, stimuli : what is compared.
    metrics : scoring -> its parameters.
    intervals : whether there are to be intervals over stimuli; ``seed`` is the key of their groups and subsets.
    code : fingerprint of what carries the job out.
    """

    study: str
    comparison: str
    stimuli: str
    metrics: dict[str, dict[str, Any]]
    intervals: bool
    seed: int
    code: str

    @property
    def title(self) -> str:
        """What is compared, in a line of a log."""
        return f"pairs {self.study} · {self.comparison} · {self.stimuli}"


class ListedView(JobParameters):
    """What an id in activation files and score tables stands for.

    Attributes
    ----------
    view : the id.
    run : identity of the run, and ``name`` its name within its cell.
    step : of training, 0 for the start; None for the final weights.
    """

    view: str
    run: str
    name: str
    step: int | None = None


class CellOfViews(JobParameters):
    """A cell and its views."""

    setting: str
    factor: str
    seed: int
    views: tuple[ListedView, ...]


class SettingOfViews(JobParameters):
    """How the models of a setting are looked at, and what is known of its layers.

    Attributes
    ----------
    layers : from the first to the last.
    pooling : how an output with positions becomes a vector.
    batch_norm : whose statistics normalise; ``recalibration_images``: how many training images they are of.
    places : layer -> from 0 to 1, its place among the model's layers of its kind.
    fields : layer -> side of its receptive field, pixels.
    size : side of the model's input, pixels.
    """

    layers: tuple[str, ...]
    pooling: str = "mean"
    batch_norm: str = "running"
    recalibration_images: int | None = None
    places: dict[str, float] = Field({})
    fields: dict[str, int] = Field({})
    size: int | None = None


class ViewsParameters(JobParameters):
    """The table of views.

    Attributes
    ----------
    cells : whose views are listed.
    settings : of these cells.
    code : fingerprint of what carries the job out.
    given : settings whose activations come from files: how they were looked at is not known.
    """

    cells: tuple[CellOfViews, ...]
    settings: dict[str, SettingOfViews]
    code: str
    given: tuple[str, ...] = ()
