"""The parameters of the sources that read the user's own files: folders of images, and arrays.

Where the files lie is no part of the data's identity, and a folder's content is not looked at before a job reads it. So
`title` stands for the content: runs are shared under one title, and another title means another data set.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from whyalike.data.parameters import Folder, Parameters, Seed

Title = Annotated[
    str,
    Field(
        min_length=1,
        description="Your name for the content, with a version: change it when the files change. Data are then "
        "prepared, and models trained, anew; the same title elsewhere means the same data.",
    ),
]
TestFraction = Annotated[
    float, Field(ge=0, le=1, description="Share of each class that is test, drawn by `seed`, where no parts are given.")
]


class ImagesParameters(Parameters):
    """A folder of image files: {train,test}/{class}/*, or {class}/*."""

    folder: Folder = Field(description="Folder with the folders train and test, or with those of the classes.")
    title: Title
    size: int = Field(
        ge=4, description="Edge of an image in pixels: files are cropped to their middle square, then scaled."
    )
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
