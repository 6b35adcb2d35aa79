"""Small sets of pictures in exactly the layouts in which users have them, for the readers to find.

WebDatasets: as `convert_dataset` of CLIP_benchmark writes them by webdataset's ShardWriter: USTAR archives 0.tar, 1.tar
and so on, members `s%07d.cls` (the number in ASCII) and then the picture, sorted by suffix; nshards.txt with the number
and a line end; classnames.txt with a name a line. ImageNet: as the ILSVRC 2012 archives unpack (train/{wnid}/{wnid}_{i}
.JPEG, val/ILSVRC2012_val_%08d.JPEG), with the development kit's readme.txt for the fields of meta.mat. BREEDS:
imagenet_class_hierarchy/modified of MadryLab/BREEDS-Benchmarks: edges "parent child", "node<tab>name", and JSON
[[number, wnid, names], ...].
"""

import io
import json
import tarfile

import numpy as np
from PIL import Image
from scipy.io import savemat

FORMATS = {"webp": {"format": "webp", "lossless": True}, "png": {"format": "png"}, "jpg": {"format": "jpeg"}}
CLASSES = ["cat", "dog", "missile", "missile"]
TREE = {  # two ways of unlike length lead to n20000001, of n20000004 there is one class, n20000005 leads to none
    "n00001740": ["n00004258", "n00021939"],
    "n00004258": ["n20000001", "dummy1", "n20000002"],
    "dummy1": ["n20000001"],
    "n20000001": ["n20000011", "n20000012"],
    "n20000011": ["n00000100", "n00000101", "n00000102"],
    "n20000012": ["n00000103", "n00000104"],
    "n20000002": ["n20000003", "n20000004"],
    "n20000003": [f"n0000020{i}" for i in range(6)],
    "n20000004": ["n00000300"],
    "n00021939": ["n00000400", "n20000005"],
    "n20000005": ["n29999999"],
}
WNIDS = sorted({leaf for leaves in TREE.values() for leaf in leaves if leaf.startswith("n00000")})


def pixels(seed, side=8):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def picture(seed, suffix="webp", side=8):
    stream = io.BytesIO()
    Image.fromarray(pixels(seed, side)).save(stream, **FORMATS[suffix])
    return stream.getvalue()


def shard(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o444
            archive.addfile(info, io.BytesIO(content))


def part(folder, classes, suffix="webp", per_shard=4, first_seed=0):
    """A part with pictures of given classes: number i shows `pixels(first_seed + i)`."""
    shards = range(-(-len(classes) // per_shard))
    for number in shards:
        members = []
        for i in range(per_shard * number, min(per_shard * (number + 1), len(classes))):
            members += [(f"s{i:07d}.cls", str(classes[i]).encode("ascii"))]
            members += [(f"s{i:07d}.{suffix}", picture(first_seed + i, suffix))]
        shard(folder / f"{number}.tar", members)
    (folder / "nshards.txt").write_text(f"{len(shards)}\n")


def webdataset(root, train=(3, 0, 1, 2, 0, 0), test=(1, 0, 3), suffix="webp", names=CLASSES):
    part(root / "train", train, suffix)
    part(root / "test", test, suffix, first_seed=100)
    (root / "classnames.txt").write_text("".join(f"{name}\n" for name in names))
    (root / "zeroshot_classification_templates.txt").write_text("a photo of a {c}.\n")
    return root


def imagenet(root, wnids=WNIDS, train=3, flat=False):
    """Train images of each class, and two validation images of each; flat ones in an order that mixes the classes."""
    for wnid in wnids:
        (root / "train" / wnid).mkdir(parents=True)
        for i in range(train):
            (root / "train" / wnid / f"{wnid}_{i}.JPEG").write_bytes(picture(i, "jpg"))
    (root / "val").mkdir()
    order = [*wnids[::-1], *wnids]
    for i, wnid in enumerate(order, start=1):
        path = root / "val" / ("" if flat else wnid) / f"ILSVRC2012_val_{i:08d}.JPEG"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(picture(i, "jpg"))
    return order


def kit(folder, wnids, order):
    """The development kit: ids are no alphabetical order of classes, and inner nodes have ids too."""
    fields = ["ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children", "wordnet_height",
              "num_train_images"]  # fmt: skip
    ids = {wnid: len(wnids) - i for i, wnid in enumerate(wnids)}
    rows = [(ids[wnid], wnid, f"words of {wnid}", "a gloss", 0, [], 0, 3) for wnid in sorted(wnids, key=ids.get)]
    rows += [(len(wnids) + 1, "n20000001", "a node", "a gloss", 2, [1, 2], 1, 0)]
    synsets = np.zeros((len(rows), 1), dtype=[(name, object) for name in fields])
    for place, row in enumerate(rows):
        synsets[place, 0] = row
    (folder / "data").mkdir(parents=True)
    savemat(folder / "data" / "meta.mat", {"synsets": synsets})
    truth = "".join(f"{ids[wnid]}\n" for wnid in order)
    (folder / "data" / "ILSVRC2012_validation_ground_truth.txt").write_text(truth)


def hierarchy(folder):
    folder.mkdir(parents=True)
    edges = [f"{parent} {child}\n" for parent, children in TREE.items() for child in children]
    (folder / "class_hierarchy.txt").write_text("".join(edges))
    (folder / "node_names.txt").write_text("".join(f"{node}\tname of {node}, other\n" for node in TREE))
    info = [[i, wnid, f"leaf {wnid}, other"] for i, wnid in enumerate(WNIDS)]
    (folder / "dataset_class_info.json").write_text(json.dumps(info))
    return folder
