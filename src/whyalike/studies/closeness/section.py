"""The section `closeness` of a configuration: closeness in distribution against similarity of representations.

Source: Nielsen et al. 2025. Models are pairs (f, g) of embeddings and unembeddings in R^M;
`whyalike.similarity.metrics.llv` has the distance. Read each time the Snakefile is parsed: no heavy imports.
"""

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from whyalike.config.scorings import Scorings
from whyalike.data.parameters import Cifar10Parameters, Distinct
from whyalike.models.parameters import ResNetParameters, Width
from whyalike.section import Count, Name, Real, Section, Seed, real, whole
from whyalike.training.parameters import AdamRecipe

CIFAR10 = {"mean": (125.307, 122.961, 113.8575), "std": (51.5865, 50.847, 51.255)}  # of its pixels, as everywhere else
METRICS_OF_F: dict[str, dict[str, Any]] = {
    **{name: {} for name in ("cka", "cka_rbf", "cka_unbiased", "cca", "pwcca", "procrustes_distance", "rsa")},
    **{name: {"k": 10} for name in ("mutual_knn", "cycle_knn", "lcs_knn", "edit_distance_knn", "cknna")},
    **{name: {} for name in ("linear", "procrustes", "permutation", "soft_matching")},
    "svcca": {"dims": 2},
}

Few = whole(ge=4, le=1000)


class Circle(Section):
    """Two constructed models that agree on every label, more surely as rho grows, and arrange the labels otherwise."""

    radii: Annotated[tuple[real(gt=0, le=10**6), ...], Distinct] = Field(
        tuple(range(1, 21)), min_length=1, description="Lengths rho of the unembeddings."
    )
    per_class: Count = Field(500, description="Inputs of each of the 7 labels.")
    num_samples: Count = Field(100, description="Random tuples of inputs of llv_distance.")
    seed: Seed = Field(0, description="Key of the inputs' noise and of the tuples.")


class Copies(Section):
    """A Gaussian model and its copies of growing noise."""

    n: whole(ge=4, le=10**7) = Field(500, description="Inputs.")
    labels: Few = Field(7, description="Labels.")
    levels: Count = Field(250, description="Copies; SD of the noise evenly spaced up to 1.")
    num_samples: Count = Field(300, description="Random tuples of inputs of llv_distance.")
    seed: Seed = Field(0, description="Key of all draws.")


class EmbeddingRecipe(Section):
    """How f and g are trained: Adam on the cross entropy of p(y|x); two MLPs of the same width."""

    lr: Real = Field(1e-4, gt=0, le=1000, description="Learning rate of Adam.")
    batch_size: Count = Field(128, description="Inputs a step; batches are keyed by (seed, epoch).")
    steps: Count = Field(15000, description="Steps.")
    layers: whole(ge=2, le=1000) = Field(4, description="Linear layers of each MLP, LeakyReLU between them.")


class Radial(Section):
    """Points of a part of the radial data, see `whyalike.studies.closeness.radial`."""

    n: Count = Field(description="Points.")
    seed: Seed = Field(description="Key of the points.")


class Widths(Section):
    """Models of growing width on radial data."""

    classes: Annotated[tuple[Few, ...], Distinct] = Field(
        (4, 6, 10, 18), min_length=1, description="Numbers of labels K of `closeness`."
    )
    synthetic_classes: Annotated[tuple[Few, ...], Distinct] = Field(
        (4, 6), min_length=1, description="Those of `closeness_synthetic`, the smaller target."
    )
    dimensions: Width = Field(2, description="M, the width of embeddings and unembeddings.")
    widths: Annotated[tuple[Width, ...], Distinct] = Field(
        (16, 32, 64, 128, 256), min_length=1, description="Units of a hidden layer."
    )
    seeds: Few = Field(20, description="Models of a width; all pairs among them are scored.")
    train: Radial = Field(Radial(n=20000, seed=0), description="Training data.")
    test: Radial = Field(Radial(n=2000, seed=1), description="Test data, on which models are compared.")
    recipe: EmbeddingRecipe = Field(EmbeddingRecipe(), description="Training.")

    @model_validator(mode="after")
    def _fit(self) -> "Widths":
        if strange := sorted(set(self.synthetic_classes) - set(self.classes)):
            raise ValueError(f"synthetic_classes must be among classes {list(self.classes)}, got {strange}")
        few = [count for count in self.classes if count < self.dimensions + 2]
        if few:
            raise ValueError(
                f"llv_distance needs at least M + 2 = {self.dimensions + 2} classes for M = {self.dimensions} "
                f"dimensions, got {few}"
            )
        if self.recipe.batch_size > self.train.n:
            raise ValueError(
                f"a batch of {self.recipe.batch_size} needs as many training points; train.n is {self.train.n}"
            )
        return self


class DigitModels(Section):
    """Models of growing embeddings on scikit-learn's handwritten digits."""

    dimensions: Annotated[tuple[whole(ge=1, le=8), ...], Distinct] = Field(
        (2, 3, 5), min_length=1, description="Numbers of dimensions M; those of M = 2 are drawn side by side."
    )
    width: Width = Field(128, description="Units of a hidden layer.")
    seeds: Few = Field(10, description="Models of a number of dimensions.")
    train: whole(ge=1, le=1796) = Field(1200, description="Training images; the others test.")
    seed: Seed = Field(0, description="Key of the split.")
    recipe: EmbeddingRecipe = Field(EmbeddingRecipe(batch_size=32, steps=20000), description="Training.")


class Photographs(Section):
    """Models of growing embeddings on CIFAR-10: a residual network f and a perceptron g."""

    data: Cifar10Parameters = Field(Cifar10Parameters(), description="Where your copy of CIFAR-10 lies.")
    model: ResNetParameters = Field(ResNetParameters(), description="f, with M outputs.")
    dimensions: Annotated[tuple[Count, ...], Distinct] = Field(
        (2, 3, 5),
        min_length=1,
        description="Numbers of dimensions M, at most 8; M = 2 is drawn side by side.",
    )
    width: Width = Field(128, description="Units of a hidden layer of g.")
    layers: whole(ge=2, le=1000) = Field(4, description="Linear layers of g, LeakyReLU between them.")
    seeds: whole(ge=2, le=1000) = Field(10, description="Models of a number of dimensions: runs of the store.")
    stimuli: Count = Field(
        2000, description="Test images on which embeddings are compared; losses are those of all test images."
    )
    stimuli_seed: Seed = Field(0, description="Key of their draw.")
    recipe: AdamRecipe = Field(AdamRecipe(lr=1e-4, batch_size=32, steps=20000, **CIFAR10), description="Training.")

    @field_validator("dimensions")
    @classmethod
    def _leave_two_labels(cls, dimensions: tuple[int, ...]) -> tuple[int, ...]:
        if max(dimensions) > 8:
            raise ValueError(f"llv_distance needs M + 2 labels, CIFAR-10 has 10: M is at most 8, got {max(dimensions)}")
        return dimensions


class Tuples(Section):
    """How llv_distance depends on the number of its random tuples of inputs."""

    counts: Annotated[tuple[Count, ...], Distinct] = Field(
        (1, 3, 10, 30, 100, 200, 300, 1000, 3000), min_length=1, description="Numbers of tuples."
    )
    keys: whole(ge=2, le=1000) = Field(10, description="How many keys: independent draws of the tuples.")
    pairs: Count = Field(10, description="Pairs of trained models of each number of labels, the widest ones.")


class Closeness(Section):
    """Closeness in distribution against similarity of representations: targets closeness_synthetic and closeness."""

    name: Name = Field("closeness", description="Results are written to {results}/{name}/.")
    circle: Circle = Field(Circle(), description="Constructed models (a).")
    copies: Copies = Field(Copies(), description="Constructed models (b).")
    width: Widths = Field(Widths(), description="Trained models (c).")
    digits: DigitModels = Field(DigitModels(), description="Models of handwritten digits (d), of `closeness`.")
    cifar10: Photographs | None = Field(
        Photographs(), description="Models of photographs (d), of `closeness`; null leaves them out."
    )
    num_samples: Count = Field(200, description="Random tuples of inputs of llv_distance between trained models.")
    metrics: Scorings = Field(
        METRICS_OF_F, description="Metrics of the embeddings f, as similarity.metrics has them (e)."
    )
    draws: Count = Field(999, description="Permutations of the models in tests of rank correlation (e).")
    tuples: Tuples = Field(Tuples(), description="Sensitivity of llv_distance to its tuples.")
