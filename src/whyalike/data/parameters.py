"""The parameters of every data source, checked before any work starts.

Only pydantic and the standard library are imported, so that reading a configuration stays cheap. Field descriptions are
the only documentation of the keys.
"""

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
    field_validator,
    model_validator,
)

from whyalike import section
from whyalike.data import layouts
from whyalike.section import Section, Side, Whole, path_of_user, real, whole

MOST_IMAGES = 10**7  # of a class, or a combination of values
Shape = Literal["circle", "kite", "parallelogram", "rectangle", "rhombus", "square", "trapezoid", "triangle"]
Color = Literal["blue", "brown", "cyan", "green", "magenta", "orange", "pink", "purple", "red", "yellow"]
Images = whole(ge=1, le=MOST_IMAGES)
Digit = whole(ge=0, le=9)
Seed = Annotated[section.Seed, Field(description="Seed of every random choice in the data set.")]
# for every path outside the results. JSON, of which identities and jobs' parameters are made, says only that a path is
# given, not which: a data set that is moved is not prepared anew, and its models are not trained anew
Folder = Annotated[
    Path,
    BeforeValidator(lambda path: path_of_user(path) if isinstance(path, str) else path),
    PlainSerializer(lambda _: "given", when_used="json-unless-none"),
]

DIGITS = 1797  # images that scikit-learn ships
SOURCES_FOR_GROUPS = 10  # a fifth for the test set, and one at least for each of 8 groups
PHOTOGRAPHS = 2  # scikit-learn ships china.jpg and flower.jpg
PHOTOGRAPH_SHAPE = (427, 640)  # rows, columns of each


def _distinct(values: list) -> list:
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"every entry may stand once, repeated: {repeated}. Remove the copies.")
    return values


Distinct = AfterValidator(_distinct)


class Parameters(Section):
    """What all sources share."""

    def counts(self) -> tuple[int, int] | None:
        """Number of training and of test rows (images; of text chunks and windows), where these parameters set them."""
        return None

    def values(self, attribute: str) -> int | None:
        """Number of values of a label column, where these parameters set it."""
        return None

    def missing(self) -> str | None:
        """What is not where the parameters say, as a message; None if nothing is. Bytes are not read."""
        return None


class DigitsParameters(Parameters):
    """Handwritten digits that scikit-learn ships: 1797 images, 8 x 8, grey."""

    train_per_class: Whole = Field(
        116, ge=1, le=173, description="Training images of each digit; the rest is test (the rarest digit has 174)."
    )
    seed: Seed = 0

    def values(self, attribute: str) -> int:
        """Number of digits."""
        return 10

    def counts(self) -> tuple[int, int]:
        """Number of training and of test images."""
        return 10 * self.train_per_class, DIGITS - 10 * self.train_per_class


class PhotographsParameters(Parameters):
    """Tiles of the two photographs that scikit-learn ships: natural images without a download."""

    size: Whole = Field(28, ge=1, le=PHOTOGRAPH_SHAPE[0], description="Edge of a stimulus in pixels.")
    tile: Whole = Field(
        28, ge=1, le=PHOTOGRAPH_SHAPE[0], description="Edge of a tile in source pixels, at least `size`."
    )
    n: Images = Field(500, description="Number of tiles, drawn without replacement from both photographs.")
    seed: Seed = 0

    @model_validator(mode="after")
    def _tiles_suffice(self) -> Self:
        rows, columns = PHOTOGRAPH_SHAPE
        available = PHOTOGRAPHS * (rows // self.tile) * (columns // self.tile)
        if self.n > available:
            raise ValueError(
                f"n must be at most the {available} tiles of {self.tile} px that the photographs hold, got {self.n}. "
                "Lower n or tile."
            )
        if self.size > self.tile:
            raise ValueError(f"size must be at most tile, got size {self.size}, tile {self.tile}. Raise tile.")
        return self

    def counts(self) -> tuple[int, int]:
        """Number of training and of test images."""
        return 0, self.n


class Sources(Parameters):
    """Folders of images that replace the drawn shapes and the rendered digits.

    Moving a folder changes nothing. What is in it is not known before it is read: where it changed, delete the prepared
    data set; training then refuses to mix models of old and new images.
    """

    shapes: Folder | None = Field(
        None, description="Folder with a folder of image files for each shape; absent: drawn."
    )
    digits: Folder | None = Field(
        None, description="Folder with a folder of image files for each digit; absent: fonts that matplotlib ships."
    )


class DrawnParameters(Parameters):
    """What both sources of ColorShapeDigit images share: their values, and what they are made from."""

    shapes: Annotated[list[Shape], Distinct] = Field(list(get_args(Shape)), min_length=1, description="Shapes.")
    digits: Annotated[list[Digit], Distinct] = Field(list(range(10)), min_length=1, description="Digits.")
    colors: Annotated[list[Color], Distinct] = Field(list(get_args(Color)), min_length=1, description="Colours.")
    size: Whole = Field(28, ge=16, le=128, description="Edge of an image in pixels.")
    seed: Seed = 0
    drawings_per_shape: Whole = Field(
        400, ge=2, le=MOST_IMAGES, description="Drawings of each shape (of a folder: at most so many)."
    )
    glyphs_per_digit: Whole = Field(
        1000, ge=2, le=MOST_IMAGES, description="Glyphs of each digit at most, taken from a folder."
    )
    sources: Sources = Field(
        Sources(),
        description="Folders to use in place of drawn shapes and rendered digits. They may be moved; when what is in "
        "them changes, delete the prepared data set.",
    )

    def missing(self) -> str | None:
        """Folders of sources that do not exist."""
        folders = {key: folder for key, folder in self.sources if folder is not None and not folder.is_dir()}
        named = ", ".join(f"{key}: {folder}" for key, folder in folders.items())
        return f"ColorShapeDigit needs its folders of sources, missing: {named}. Correct `sources`." if named else None

    def values(self, attribute: str) -> int:
        """Number of shapes, digits or colours."""
        return len(getattr(self, f"{attribute}s"))

    def classes(self) -> int:
        """Combinations of a shape, a digit and a colour."""
        return len(self.shapes) * len(self.digits) * len(self.colors)


class ColorShapeDigitParameters(DrawnParameters):
    """ColorShapeDigit: a shape and a digit of one colour on white; a class is shape_digit_color."""

    train_per_class: Images = Field(1000, description="Training images of each class.")
    test_per_class: Images = Field(100, description="Test images of each class.")
    held_out: Annotated[list[Literal["drawing", "glyph"]], Distinct] = Field(
        ["drawing"], description="Kinds of source that are split: a fifth of them is for test images only."
    )

    def counts(self) -> tuple[int, int]:
        """Number of training and of test images."""
        return self.classes() * self.train_per_class, self.classes() * self.test_per_class


class ColorShapeDigitCuesParameters(DrawnParameters):
    """ColorShapeDigit's test images with cues taken away, or in two colours: edges, silhouettes, conflicts.

    Image i shows the drawing and the glyph of image i of the test part of `colorshapedigit` with the same parameters.
    """

    cue: Literal["edge", "silhouette", "conflict"] = Field(
        description="edge: outlines in black; silhouette: the shape filled black; conflict: the digit in another "
        "colour than the shape, whose colour is the label."
    )
    test_per_class: Images = Field(100, description="Test images of each class; there are no training images.")
    held_out: Annotated[list[Literal["drawing", "glyph"]], Distinct] = Field(
        ["drawing"], description="Kinds of source of which `colorshapedigit` has a fifth for test images only."
    )

    @model_validator(mode="after")
    def _colours_conflict(self) -> Self:
        if self.cue == "conflict" and len(self.colors) < 2:
            raise ValueError(f"a conflict of colours needs two, got {self.colors}. Name another one.")
        return self

    def counts(self) -> tuple[int, int]:
        """Number of training and of test images."""
        return 0, self.classes() * self.test_per_class


class ColorShapeDigitGroupsParameters(DrawnParameters):
    """ColorShapeDigit for the factorial: 8 groups of sources and a test set have no drawing and no font in common.

    A model is trained on the images of 4 groups. An attribute has 4 or 8 values, so that bits divide them evenly.
    """

    shapes: Annotated[list[Shape], Distinct] = Field(list(get_args(Shape)), description="4 or 8 shapes.")
    digits: Annotated[list[Digit], Distinct] = Field(list(range(8)), description="4 or 8 digits.")
    colors: Annotated[list[Color], Distinct] = Field(
        ["blue", "cyan", "green", "magenta", "orange", "purple", "red", "yellow"], description="4 or 8 colours."
    )
    images_per_cell: Whole = Field(
        64,
        ge=4,
        le=MOST_IMAGES,
        multiple_of=4,
        description="Training images that a model sees of each combination, an equal number from each of 4 groups.",
    )
    test_per_cell: Images = Field(4, description="Test images of each combination.")

    @field_validator("shapes", "digits", "colors")
    @classmethod
    def _are_bits(cls, values: list, about: ValidationInfo) -> list:
        if len(values) not in (4, 8):
            raise ValueError(f"{about.field_name} must be 4 or 8, so that bits divide them evenly; got {len(values)}.")
        return values

    @model_validator(mode="after")
    def _every_group_has_sources(self) -> Self:
        if min(self.drawings_per_shape, self.glyphs_per_digit) < SOURCES_FOR_GROUPS:
            raise ValueError(
                f"8 groups and the test set need {SOURCES_FOR_GROUPS} drawings and glyphs of each class at least, got "
                f"{self.drawings_per_shape} and {self.glyphs_per_digit}. Raise drawings_per_shape or glyphs_per_digit."
            )
        return self

    def counts(self) -> tuple[int, int]:
        """Number of training images, of which a model sees half, and of test images."""
        return self.classes() * 2 * self.images_per_cell, self.classes() * self.test_per_cell


class OfficialParameters(Parameters):
    """A published data set, read from a folder of the user's."""

    layout: ClassVar[layouts.Layout]
    n_classes: ClassVar[int] = 10
    folder: Folder = Field(description="Folder that holds it, as published.")

    def values(self, attribute: str) -> int:
        """Number of classes."""
        return self.n_classes

    def missing(self) -> str | None:
        """Files that are not in the folder."""
        return self.layout.missing(self.folder)


class Cifar10Parameters(OfficialParameters):
    """CIFAR-10: 60,000 photographs of 10 classes, 32 x 32."""

    layout: ClassVar = layouts.CIFAR10
    folder: Folder = Field(Path("data/cifar10"), description="Folder that holds cifar-10-batches-py/, as published.")


class Cifar100Parameters(OfficialParameters):
    """CIFAR-100: 60,000 photographs of 100 classes, 32 x 32."""

    layout: ClassVar = layouts.CIFAR100
    n_classes: ClassVar = 100
    folder: Folder = Field(Path("data/cifar100"), description="Folder that holds cifar-100-python/, as published.")


class MnistParameters(OfficialParameters):
    """MNIST: 70,000 handwritten digits, 28 x 28, grey."""

    layout: ClassVar = layouts.MNIST
    folder: Folder = Field(
        Path("data/mnist"), description="Folder that holds MNIST/raw/ with the four files, unpacked or as .gz."
    )


class SvhnParameters(OfficialParameters):
    """SVHN: 99,289 house-number digits, cropped to 32 x 32."""

    layout: ClassVar = layouts.SVHN
    folder: Folder = Field(Path("data/svhn"), description="Folder that holds train_32x32.mat and test_32x32.mat.")


class TinyImageNetParameters(OfficialParameters):
    """TinyImageNet: 110,000 photographs of 200 classes, 64 x 64; the published validation images are the test part."""

    layout: ClassVar = layouts.TINYIMAGENET
    n_classes: ClassVar = 200
    folder: Folder = Field(Path("data/tinyimagenet"), description="Folder that holds tiny-imagenet-200/, as published.")


Title = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1000,
        description="Your name for the content, with a version: change it when the files change. Data are then "
        "prepared, and models trained, anew; the same title elsewhere means the same data.",
    ),
]


TestFraction = Annotated[
    real(ge=0, le=1), Field(description="Share of each class that is test, drawn by `seed`, where no parts are given.")
]


class ImagesParameters(Parameters):
    """A folder of image files: {train,test}/{class}/*, or {class}/*."""

    folder: Folder = Field(description="Folder with the folders train and test, or with those of the classes.")
    title: Title
    size: Side = Field(description="Edge of an image in pixels: files are cropped to their middle square, then scaled.")
    test_fraction: TestFraction = 0.2
    seed: Seed = 0

    def missing(self) -> str | None:
        """The folder, if it is not there."""
        return None if self.folder.is_dir() else f"images: there is no folder {self.folder}. Correct `folder`."


class ArraysParameters(Parameters):
    """Arrays that numpy saved: images, labels and, if you like, parts."""

    images: Folder = Field(
        description="A .npy of images, uint8 n x h x w (x 1 or 3); or a .npz with arrays images, labels and, if you "
        "like, part."
    )
    labels: Folder | None = Field(None, description="Beside a .npy: a .npy of n class names or numbers.")
    part: Folder | None = Field(None, description="Beside a .npy: a .npy of n times `train` or `test`.")
    title: Title
    test_fraction: TestFraction = 0.2
    seed: Seed = 0

    @model_validator(mode="after")
    def _files_belong_together(self) -> Self:
        suffix = self.images.suffix
        if suffix not in (".npy", ".npz"):
            raise ValueError(f"images must be a .npy or .npz file, got {self.images}")
        if suffix == ".npy" and self.labels is None:
            raise ValueError(
                f"images {self.images} need labels beside them: give a .npy, or use a .npz that holds both"
            )
        if suffix == ".npz" and (self.labels or self.part):
            raise ValueError(f"images {self.images} hold their labels and parts: remove the keys labels and part")
        return self

    def missing(self) -> str | None:
        """Files that are not there."""
        absent = [str(path) for path in (self.images, self.labels, self.part) if path and not path.is_file()]
        return f"arrays: there is no file {', '.join(absent)}. Correct the paths." if absent else None


class SingleParameters(Parameters):
    """What both have in common. All images are test images."""

    colors: Annotated[list[Color], Distinct] = Field(list(get_args(Color)), min_length=1, description="Colours.")
    per_class: Images = Field(100, description="Images of each shape, or digit, in each colour.")
    size: Whole = Field(28, ge=16, le=128, description="Edge of an image in pixels.")
    seed: Seed = 1  # another one than the default of ColorShapeDigit: other drawings than any model saw

    def values(self, attribute: str) -> int:
        """Number of shapes, digits or colours."""
        return len(getattr(self, f"{attribute}s"))

    def _count(self, parts: int) -> tuple[int, int]:
        return 0, parts * len(self.colors) * self.per_class


class ShapesParameters(SingleParameters):
    """Shapes without a digit, coloured as in ColorShapeDigit."""

    shapes: Annotated[list[Shape], Distinct] = Field(list(get_args(Shape)), min_length=1, description="Shapes.")
    drawings_per_shape: Images = Field(80, description="Drawings of each shape.")

    def counts(self) -> tuple[int, int]:
        """Number of training and of test images."""
        return self._count(len(self.shapes))


class NumeralsParameters(SingleParameters):
    """Digits without a shape, coloured as in ColorShapeDigit, in the fonts that matplotlib ships."""

    digits: Annotated[list[Digit], Distinct] = Field(list(range(10)), min_length=1, description="Digits.")

    def counts(self) -> tuple[int, int]:
        """Number of training and of test images."""
        return self._count(len(self.digits))
