"""The libraries whose models can be compared: where each one's functions are, and what is known of it.

A target is a class of `whyalike.models.libraries.library.Library`; a new library is one file and one line here.
"""

from dataclasses import dataclass

from whyalike.registry import Entry, Registry


@dataclass(frozen=True)
class LibraryFacts:
    """What is known of a library.

    Attributes
    ----------
    package : the distribution that must be installed; None of your own code.
    name : what `name` of a setting says.
    tag : what `tag` says.
    pooled : what the layer `pooled` is.
    folder : whether weights are a folder, whose config.json says the architecture.
    text : whether it has models of text.
    projects : whether its image towers may end in a projection.
    """

    package: str | None
    name: str
    tag: str
    pooled: str
    folder: bool = False
    text: bool = False
    projects: bool = False


_ROOM = "whyalike.models.libraries"
LIBRARIES: Registry[LibraryFacts] = Registry(
    "library",
    {
        "import": Entry(
            f"{_ROOM}.own_code:OwnCode",
            LibraryFacts(None, "your function, `package.module:function`", "your own word", "what the module returns"),
        ),
        "open_clip": Entry(
            f"{_ROOM}.open_clip_models:OpenClip",
            LibraryFacts("open_clip_torch", "such as ViT-B-32", "such as laion2b_s34b_b79k",
                         "the image's embedding", projects=True),
        ),
        "timm": Entry(
            f"{_ROOM}.timm_models:Timm",
            LibraryFacts("timm", "such as vit_base_patch16_224", "such as augreg2_in21k_ft_in1k",
                         "what the classifier gets"),
        ),
        "torchvision": Entry(
            f"{_ROOM}.torchvision_models:Torchvision",
            LibraryFacts("torchvision", "such as resnet50", "such as IMAGENET1K_V2",
                         "what the last linear layer gets"),
        ),
        "transformers": Entry(
            f"{_ROOM}.transformers_models:Transformers",
            LibraryFacts("transformers", "the repository, such as EleutherAI/pythia-70m", "its revision, such as main",
                         "`pooler_output`, or the image's embedding", folder=True, text=True, projects=True),
        ),
    },
)  # fmt: skip
