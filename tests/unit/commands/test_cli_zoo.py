"""`whyalike zoo`: what is listed, what is saved where, and what is said when nothing can be reached."""

import pytest
import torch
import yaml
from safetensors.torch import load_file
from typer.testing import CliRunner

from whyalike.commands.cli import main
from whyalike.config import pretrained_files
from whyalike.files import file_sha256
from whyalike.models.libraries.parameters import Facts
from whyalike.training.weight_files import weights_sha256

SETUP = "make setup-zoo"
RULE = {"resize": 64, "mean": [127.5] * 3, "std": [127.5] * 3}
FACTS = Facts(modules=("blocks.0",), blocks=("blocks.0",), convolutions=(), parameters=(3, 2), rule=RULE)


@pytest.fixture
def config(demo, tmp_path, monkeypatch):
    """Writes a configuration with settings of other libraries' models; returns its path."""
    monkeypatch.setattr(pretrained_files, "_told", lambda asked: [{"facts": FACTS.plain()} for _ in asked])
    demo["results"] = str(tmp_path / "results")

    def write(**settings):
        for name, keys in settings.items():
            demo["settings"][name] = {"dataset": "digits", "labelling": "digit", **keys}
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(demo))
        return str(tmp_path / "mine.yaml")

    return write


def call(*arguments):
    done = CliRunner().invoke(main, ["zoo", *arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_weights_are_saved_with_the_library_and_listed(config, tmp_path, monkeypatch):
    pytest.importorskip("timm", reason=f"timm is missing: {SETUP}")
    import timm

    asked, create = [], timm.create_model

    def create_model(name, pretrained=False, **options):
        asked.append((name, pretrained))
        return create(name, pretrained=False, **options)

    monkeypatch.setattr(timm, "create_model", create_model)
    place = tmp_path / "zoo" / "vit.safetensors"
    path = config(vit={"library": "timm", "name": "test_vit", "tag": "r160_in1k", "weights": str(place)})
    assert call("list", path) == (0, f"vit vit: timm test_vit, tag r160_in1k\n  {place} is missing\n")
    code, said = call("save", path, "vit")
    assert code == 0
    assert asked == [("test_vit.r160_in1k", True)]
    assert said == f"vit vit: {place} is there, 1.5 MB, SHA-256 {file_sha256(place)}\n"
    assert load_file(place).keys() == create("test_vit").state_dict().keys()
    assert call("save", path) == (0, said)  # it is there: nothing is asked again
    assert len(asked) == 1
    assert [one.name for one in place.parent.iterdir()] == [place.name]


def test_a_folder_of_transformers_is_saved_whole(config, tmp_path, monkeypatch):
    pytest.importorskip("transformers", reason=f"transformers is missing: {SETUP}")
    from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel

    torch.manual_seed(0)
    model = BertModel(BertConfig(vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
                                 intermediate_size=8))  # fmt: skip
    asked = []

    class Tokens:
        def save_pretrained(self, folder):
            (folder / "tokenizer.json").write_text("{}")

    monkeypatch.setattr(AutoModel, "from_pretrained", lambda name, **keys: asked.append((name, keys)) or model)
    monkeypatch.setattr(AutoTokenizer, "from_pretrained", lambda name, **keys: asked.append((name, keys)) or Tokens())
    own = {"library": "transformers", "name": "mine/bert", "tag": "step{run}", "runs": ["x1", "x2"]}
    path = config(bert=own | {"weights": str(tmp_path / "zoo" / "{run}")})
    code, said = call("save", path)
    assert code == 0, said
    keys = [{"revision": f"stepx{i}", "trust_remote_code": False} for i in (1, 1, 2, 2)]
    assert asked == [("mine/bert", one) for one in keys]
    for run in ("x1", "x2"):
        folder = tmp_path / "zoo" / run
        assert {"config.json", "model.safetensors", "tokenizer.json"} <= {one.name for one in folder.iterdir()}
        assert f"SHA-256 {weights_sha256(folder)}" in said
    assert {one.name for one in (tmp_path / "zoo").iterdir()} == {"x1", "x2"}


def test_a_network_that_is_not_reached_is_one_message(config, tmp_path, monkeypatch):
    pytest.importorskip("timm", reason=f"timm is missing: {SETUP}")
    import timm

    def create_model(*_, **__):
        raise ConnectionError("no route\nto the hub")

    monkeypatch.setattr(timm, "create_model", create_model)
    place = tmp_path / "zoo" / "vit.safetensors"
    path = config(vit={"library": "timm", "name": "test_vit", "tag": "r160_in1k", "weights": str(place)})
    code, said = call("save", path)
    assert code == 1
    assert said == (
        "timm test_vit, tag r160_in1k could not be downloaded (ConnectionError: no route). Try again on a machine that "
        "reaches the network, without HF_HUB_OFFLINE.\n"
    )
    assert list(place.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"tag": "nope"}, "has no tag nope of test_vit: "),
        ({"weights": "x.pth"}, "x.pth must end in .safetensors, which is what is written here"),
        ({"library": "import", "name": "my.nets:plain", "input": RULE}, "the weights of my.nets:plain are yours"),
    ],
)
def test_what_cannot_be_saved_is_told(config, tmp_path, monkeypatch, keys, words):
    pytest.importorskip("timm", reason=f"timm is missing: {SETUP}")
    monkeypatch.chdir(tmp_path)
    own = {"library": "timm", "name": "test_vit", "tag": "r160_in1k", "weights": "zoo/vit.safetensors"}
    code, said = call("save", config(vit=own | keys))
    assert code == 1
    assert words in said
    assert "no setting of another library's models" in call("save", str(tmp_path / "mine.yaml"), "digits")[1]
