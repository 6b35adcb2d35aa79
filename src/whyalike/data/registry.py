"""The data sources by name: where their code is and what is known of them without running it."""

from dataclasses import dataclass
from typing import Literal

from whyalike.data.packaged_parameters import Mnist5kParameters, WhichPhotographParameters
from whyalike.data.parameters import (
    ArraysParameters,
    Cifar10Parameters,
    Cifar100Parameters,
    ColorShapeDigitCuesParameters,
    ColorShapeDigitGroupsParameters,
    ColorShapeDigitParameters,
    DigitsParameters,
    ImagesParameters,
    MnistParameters,
    NumeralsParameters,
    Parameters,
    PhotographsParameters,
    ShapesParameters,
    SvhnParameters,
    TinyImageNetParameters,
)
from whyalike.data.picture_parameters import BreedsParameters, ImageNetParameters, WebDatasetParameters
from whyalike.data.text_parameters import BundledTextParameters, SentencesParameters, TextParameters
from whyalike.registry import Entry, Registry


@dataclass(frozen=True)
class SourceFacts:
    """What is known of a source.

    Attributes
    ----------
    parameters : the model that checks the source's parameters.
    attributes : label columns; a labelling joins some of them with "_".
    size : edge of an image in pixels; None where the parameter `size` or the user's arrays set it, and of text.
    channels : 1 (grey) or 3 (RGB); None where the user's arrays set it, and of text.
    n_train, n_test : number of images of each part; None where the parameters, or the user's files, set it.
    modality : what the array of the data set holds.
    grouped : whether training images stand in groups that share no source, as the factorial needs.
    trainable : whether models of this package can be trained and compared on it: text needs windows of one length.
    """

    parameters: type[Parameters]
    attributes: tuple[str, ...]
    size: int | None
    channels: int | None
    n_train: int | None = None
    n_test: int | None = None
    modality: Literal["images", "text"] = "images"
    grouped: bool = False
    trainable: bool = True

    def counts(self, parameters: Parameters) -> tuple[int, int] | None:
        """Number of training and of test rows (images; of text chunks and windows) with these parameters.

        None if only the user's files tell.
        """
        if self.n_train is None or self.n_test is None:
            return parameters.counts()
        return self.n_train, self.n_test


SOURCES: Registry[SourceFacts] = Registry(
    "data source",
    {
        "colorshapedigit": Entry(
            "whyalike.data.colorshapedigit:prepare",
            SourceFacts(ColorShapeDigitParameters, ("shape", "digit", "color"), size=None, channels=3),
        ),
        "colorshapedigit_cues": Entry(
            "whyalike.data.colorshapedigit_cues:prepare",
            SourceFacts(ColorShapeDigitCuesParameters, ("shape", "digit", "color"), size=None, channels=3),
        ),
        "colorshapedigit_groups": Entry(
            "whyalike.data.colorshapedigit_groups:prepare",
            SourceFacts(
                ColorShapeDigitGroupsParameters, ("shape", "digit", "color"), size=None, channels=3, grouped=True
            ),
        ),
        "digits": Entry("whyalike.data.digits:prepare", SourceFacts(DigitsParameters, ("digit",), size=8, channels=1)),
        "shapes": Entry(
            "whyalike.data.shapes_and_numerals:prepare_shapes",
            SourceFacts(ShapesParameters, ("shape", "color"), size=None, channels=3),
        ),
        "numerals": Entry(
            "whyalike.data.shapes_and_numerals:prepare_numerals",
            SourceFacts(NumeralsParameters, ("digit", "color"), size=None, channels=3),
        ),
        "photographs": Entry(
            "whyalike.data.photographs:prepare",
            SourceFacts(PhotographsParameters, ("photograph",), size=None, channels=3),
        ),
        "which_photograph": Entry(
            "whyalike.data.which_photograph:prepare",
            SourceFacts(WhichPhotographParameters, ("photograph",), size=None, channels=3),
        ),
        "mnist_5k": Entry(
            "whyalike.data.mnist_5k:prepare", SourceFacts(Mnist5kParameters, ("digit",), size=28, channels=1)
        ),
        "images": Entry(
            "whyalike.data.own_images:prepare", SourceFacts(ImagesParameters, ("class",), size=None, channels=3)
        ),
        "arrays": Entry(
            "whyalike.data.own_arrays:prepare", SourceFacts(ArraysParameters, ("class",), size=None, channels=None)
        ),
        "cifar10": Entry(
            "whyalike.data.torchvision_sets:prepare_cifar10",
            SourceFacts(Cifar10Parameters, ("class",), size=32, channels=3, n_train=50_000, n_test=10_000),
        ),
        "cifar100": Entry(
            "whyalike.data.torchvision_sets:prepare_cifar100",
            SourceFacts(Cifar100Parameters, ("class",), size=32, channels=3, n_train=50_000, n_test=10_000),
        ),
        "mnist": Entry(
            "whyalike.data.torchvision_sets:prepare_mnist",
            SourceFacts(MnistParameters, ("digit",), size=28, channels=1, n_train=60_000, n_test=10_000),
        ),
        "svhn": Entry(
            "whyalike.data.torchvision_sets:prepare_svhn",
            SourceFacts(SvhnParameters, ("digit",), size=32, channels=3, n_train=73_257, n_test=26_032),
        ),
        "tinyimagenet": Entry(
            "whyalike.data.tinyimagenet:prepare",
            SourceFacts(TinyImageNetParameters, ("class",), size=64, channels=3, n_train=100_000, n_test=10_000),
        ),
        "imagenet": Entry(
            "whyalike.data.imagenet:prepare", SourceFacts(ImageNetParameters, ("class",), size=None, channels=3)
        ),
        "breeds": Entry(
            "whyalike.data.breeds:prepare", SourceFacts(BreedsParameters, ("class",), size=None, channels=3)
        ),
        "webdataset": Entry(
            "whyalike.data.webdataset:prepare", SourceFacts(WebDatasetParameters, ("class",), size=None, channels=3)
        ),
        "text": Entry(
            "whyalike.data.text:prepare",
            SourceFacts(TextParameters, ("corpus",), size=None, channels=None, modality="text"),
        ),
        "sentences": Entry(
            "whyalike.data.sentences:prepare",
            SourceFacts(SentencesParameters, ("corpus",), size=None, channels=None, modality="text", trainable=False),
        ),
        "bundled_text": Entry(
            "whyalike.data.bundled_text:prepare",
            SourceFacts(BundledTextParameters, ("corpus",), size=None, channels=None, modality="text"),
        ),
    },
)
