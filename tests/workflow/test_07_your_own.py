"""docs/your-own.md, run as it stands: its code and configuration on inputs of a few images."""

import importlib.util
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file, save_file
from torchvision.models import ResNet18_Weights, resnet18
from workflow_folder import REPOSITORY, Folder

TEXT = (REPOSITORY / "docs" / "your-own.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of the document in one language."""
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def configuration() -> dict:
    """The document's parts as one configuration."""
    first, *parts = map(yaml.safe_load, blocks("yaml"))
    whole = dict(first)
    for part in parts:
        for section, entries in part.items():
            whole.setdefault(section, {}).update(entries)
    return whole


HAS_TIMM = importlib.util.find_spec("timm") is not None


def installed(whole: dict) -> dict:
    """A configuration without the models of a library that is not installed."""
    if not HAS_TIMM:
        del whole["settings"]["small_vit"], whole["settings"]["resnet"], whole["studies"]["pretrained"]
    return whole


def bring(folder: Path) -> None:
    """What the user brings: images of two classes, arrays of two classes, the document's code, weights."""
    random = np.random.default_rng(0)
    for name, level in (("round", 60), ("long", 180)):
        (folder / "my" / "cells" / name).mkdir(parents=True)
        for i in range(32):
            pixels = np.clip(random.normal(level, 40, (18, 20, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "my" / "cells" / name / f"{i:02d}.png")
    scans = random.integers(0, 256, (40, 12, 12), dtype=np.uint8)
    np.savez(folder / "my" / "scans.npz", images=scans, labels=np.arange(40) % 2)
    (folder / "my" / "nets.py").write_text(blocks("python")[0])
    bring_checkpoints(folder / "my" / "checkpoints")
    if HAS_TIMM:
        bring_weights(folder / "my" / "weights")


def bring_weights(folder: Path) -> None:
    """Random weights in place of the published ones."""
    import timm

    folder.mkdir()
    torch.save(resnet18(weights=None).state_dict(), folder / "resnet18.pth")
    save_file(timm.create_model("test_vit", pretrained=False).state_dict(), folder / "test_vit.safetensors")


def bring_checkpoints(folder: Path) -> None:
    """Weights of the document's architecture."""
    folder.mkdir()
    code: dict = {}
    exec(blocks("python")[0], code)
    for run in ("a0", "b0", "a1", "b1"):
        save_file(code["plain"](classes=2, width=8).state_dict(), folder / f"{run}.safetensors")


def bring_activations(folder: Path, labels: pd.DataFrame) -> None:
    """Three models' activations: the same 4 units twice, once shuffled with ids, and 6 other units."""
    folder.mkdir()
    random = np.random.default_rng(1)
    ids = labels["id"][labels["part"] == "test"].to_numpy()
    vectors, order = random.normal(size=(len(ids), 4)), random.permutation(len(ids))
    np.savez(folder / "one.cells_test.npz", vectors=vectors)
    np.savez(folder / "two.cells_test.npz", vectors=vectors[order], stimulus_id=ids[order])
    np.savez(folder / "three.cells_test.npz", vectors=random.normal(size=(len(ids), 6)))


def call(folder: Path, *arguments: str) -> str:
    """Snakemake in the folder, as a user would call it; what it said."""
    work = Folder(folder, config=Path("mine.yaml"))
    done = work.call(work.snakemake_command(*arguments))
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Path:
    """The results of the document's configuration."""
    folder = tmp_path_factory.mktemp("own")
    bring(folder)
    (folder / "mine.yaml").write_text(yaml.safe_dump(installed(configuration())))
    labels = "results/mine/data/cells/labels.parquet"
    call(folder, labels)
    bring_activations(folder / "my" / "activations", pd.read_parquet(folder / labels))
    call(folder, "all")
    return folder / "results" / "mine"


def test_own_images_and_arrays_are_prepared(own):
    cells = pd.read_parquet(own / "data" / "cells" / "labels.parquet")
    assert cells.groupby("class", observed=True)["part"].value_counts().unstack().to_dict("index") == {
        name: {"test": 8, "train": 24} for name in ("long", "round")
    }
    assert np.load(own / "data" / "cells" / "array.npy").shape == (64, 16, 16, 3)
    assert np.load(own / "data" / "scans" / "array.npy").shape == (40, 12, 12, 1)


def test_models_of_an_own_architecture_are_trained_and_compared(own):
    scores = pd.read_parquet(own / "similarity" / "cells" / "cells" / "cells_test.parquet")
    assert set(scores["layer_a"]) == {"pool", "max"}
    assert (scores["n"] == 16).all()
    # 2 seeds x 2 levels x 2 protocols, each with its untrained pair
    assert len(scores) == 8
    assert scores["untrained"].notna().all()
    assert (own / "figures" / "cells.svg").is_file()


def test_own_activations_are_compared_in_the_order_of_their_ids(own):
    scores = pd.read_parquet(own / "similarity" / "theirs" / "theirs" / "cells_test.parquet")
    exact = scores[scores["score_protocol"] == "exact"].set_index("condition")["value"]
    assert set(exact.index) == {"one-two", "one-three", "two-three"}
    assert exact["one-two"] == pytest.approx(1)  # the same numbers, shuffled in one file
    assert exact["one-three"] == pytest.approx(exact["two-three"])
    assert scores["data_overlap"].isna().all()
    assert scores["untrained"].isna().all()
    assert pd.read_parquet(own / "statistics" / "theirs.parquet").empty


def test_a_study_of_own_models_ends_with_its_scores_and_a_heatmap(own):
    text = (own / "findings.md").read_text(encoding="utf-8")
    section = text[text.index("## Study theirs") :].split("\n## ")[0]
    pairs = pd.read_parquet(own / "similarity" / "theirs" / "theirs" / "pairs" / "cells_test.parquet")
    exact = pairs[pairs["score_protocol"] == "exact"]
    for row in exact.itertuples():
        interval = f"[{row.ci_low:.3f}, {row.ci_high:.3f}]"
        assert f"| {row.name_a} | {row.name_b} | features | cka | {row.value:.3f} | {interval} |" in section
    shown = pd.read_csv(own / "figures" / "theirs_heatmap.csv")
    assert shown["a"].tolist() == exact["name_a"].tolist()
    assert shown["value"].tolist() == pytest.approx(exact["value"].tolist())


def test_own_checkpoints_are_compared_at_the_overlap_given(own):
    scores = pd.read_parquet(own / "similarity" / "ours" / "ours" / "cells_test.parquet")
    exact = scores[scores["score_protocol"] == "exact"]
    assert exact[["seed", "condition", "data_overlap"]].to_numpy().tolist() == [
        [0, "0.5", 0.5], [0, "1", 1.0], [1, "0.5", 0.5],
    ]  # fmt: skip
    assert exact["untrained"].notna().all()
    statistics = pd.read_parquet(own / "statistics" / "ours.parquet").query("estimator == 'gain'")
    values = exact["value"].to_numpy()
    exactly = statistics.query("score_protocol == 'exact'")
    assert exactly["value"].tolist() == pytest.approx([values[1] - values[0]])
    assert (own / "figures" / "ours.svg").is_file()


def test_a_run_from_a_file_is_stored_with_the_hash_of_its_file(own):
    manifest = pd.read_parquet(own / "models" / "ours" / "external" / "seed0.parquet")
    for row in manifest.itertuples():
        stored = load_file(own.parent / "runs" / row.run / "weights.safetensors")
        given = load_file(own.parents[1] / "my" / "checkpoints" / f"{row.name}.safetensors")
        assert all((stored[name] == given[name]).all() for name in given)
    assert manifest["accuracy"].isna().all()


def test_a_zoo_compares_layers_of_a_trained_model_with_activations(own):
    scores = pd.read_parquet(own / "similarity" / "zoo" / "ours_and_theirs" / "cells_test.parquet")
    exact = scores[scores["score_protocol"] == "exact"]
    assert exact[["layer_a", "name_b"]].to_numpy().tolist() == [
        [layer, run] for run in ("one", "three", "two") for layer in ("conv", "pool")
    ]
    models = pd.read_parquet(own / "models" / "models.parquet").set_index(["setting", "name"])
    assert models.loc[("cells_in_a_zoo", "seed0"), ["objective", "size"]].tolist() == ["supervised", 8]
    assert (own / "figures" / "zoo_heatmap.svg").is_file()


@pytest.mark.skipif(not HAS_TIMM, reason="timm is missing: make setup-zoo")
def test_layers_of_models_of_libraries_are_compared_with_each_other(own):
    scores = pd.read_parquet(own / "similarity" / "pretrained" / "all_layers" / "cells_test.parquet")
    exact = scores[scores["score_protocol"] == "exact"]
    blocks_of_vit = [f"blocks.{i}" for i in range(6)]
    assert set(exact["layer_a"]) == {"layer1", "layer4", "pooled"}
    assert len(exact) == 3 * 6
    assert set(exact["layer_b"]) == set(blocks_of_vit)
    assert exact["value"].between(0, 1).all() and exact["untrained"].notna().all()
    folder = own / "activations" / "resnet" / "external" / "seed0"
    # resnet18's average over positions is what its last linear layer gets
    vectors = {layer: pd.read_parquet(folder / f"cells_test.{layer}.parquet")
               for layer in ("layer4", "pooled")}  # fmt: skip
    np.testing.assert_allclose(*(np.stack(one["vector"]) for one in vectors.values()), atol=1e-5)
    manifest = pq.read_metadata(own / "models" / "resnet" / "external" / "seed0.parquet")
    assert b'"pooled":512' in manifest.metadata[b"whyalike"]
    runs = pd.read_parquet(own / "models" / "resnet" / "external" / "seed0.parquet")["run"]
    assert not (own.parent / "runs" / runs[0]).exists()  # weights are not copied


@pytest.mark.skipif(not HAS_TIMM, reason="timm is missing: make setup-zoo")
def test_missing_weights_are_told_before_any_job_and_a_plan_is_made(own):
    folder = own.parents[1]
    moved = folder / "my" / "elsewhere"
    shutil.move(folder / "my" / "weights", moved)
    try:
        work = Folder(folder, config=Path("mine.yaml"))
        planned = work.call(work.snakemake_command("--dry-run", "all"))
        assert planned.returncode == 0, planned.stdout
        refused = work.call(work.snakemake_command("all"))
    finally:
        shutil.move(moved, folder / "my" / "weights")
    for said in (planned.stdout, refused.stdout):
        assert "settings.resnet: my/weights/resnet18.pth is missing: torchvision resnet18, tag IMAGENET1K_V1" in said
        assert "settings.small_vit: my/weights/test_vit.safetensors is missing" in said
    assert refused.returncode != 0
    assert "nothing was run" in refused.stdout


def test_nothing_is_left_to_do(own):
    assert "Nothing to be done" in call(own.parents[1], "--dry-run", "all")


@pytest.fixture(scope="module")
def layers(tmp_path_factory) -> Path:
    """The results of the document's configuration that is whole by itself: layers of two models."""
    folder = tmp_path_factory.mktemp("layers")
    bring(folder)
    [text] = blocks("yaml whole")
    assert len(text.splitlines()) <= 15
    (folder / "mine.yaml").write_text(text)
    call(folder, "all")
    return folder / "results" / "layers"


def test_each_convolution_of_a_saved_resnet_stands_against_each_block_of_a_trained_vit(layers):
    table = pd.read_csv(layers / "figures" / "layers_heatmap.csv")
    convolutions = [name for name, module in resnet18().named_modules()
                    if isinstance(module, torch.nn.Conv2d) and "downsample" not in name]  # fmt: skip
    blocks_of_vit = [f"encoder.layers.encoder_layer_{i}" for i in range(4)]
    assert list(dict.fromkeys(table["a"])) == convolutions
    assert list(dict.fromkeys(table["b"])) == blocks_of_vit
    assert len(table) == 17 * 4 and table["value"].notna().all() and (table["n"] == 16).all()
    for suffix in ("svg", "png", "pdf"):
        assert (layers / "figures" / f"layers_heatmap.{suffix}").is_file()
    assert "Nothing to be done" in call(layers.parents[1], "--dry-run", "all")


def test_the_activations_are_those_of_both_libraries_run_by_hand(layers):
    folder = layers / "activations"
    rows = pd.read_parquet(folder / "resnet" / "external" / "seed0" / "cells_test.conv1.parquet")
    data = layers / "data" / "cells"
    labels = pd.read_parquet(data / "labels.parquet")
    images = np.load(data / "array.npy")[(labels["part"] == "test").to_numpy()]
    model = resnet18()
    model.load_state_dict(torch.load(layers.parents[1] / "my" / "weights" / "resnet18.pth", weights_only=True))
    taken = ResNet18_Weights.IMAGENET1K_V1.transforms()(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
    with torch.no_grad():
        expected = model.eval().conv1(taken).mean(dim=(2, 3)).numpy()
    run = pd.read_parquet(layers / "models" / "resnet" / "external" / "seed0.parquet")["run"][0]
    own = np.stack(rows[rows["run"] == run]["vector"])
    # torchvision rounds resized pixels to whole grey levels: half of one is .009 SD
    np.testing.assert_allclose(own, expected, atol=0.02)
