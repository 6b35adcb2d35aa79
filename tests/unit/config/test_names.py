"""Names that a rule, a target or the run store has already."""

import re
from pathlib import Path

import pytest

from whyalike.config.names import RULES
from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError

REPOSITORY = Path(__file__).parents[3]


def test_no_rule_is_forgotten(demo):
    texts = [path.read_text() for path in (REPOSITORY / "workflow").rglob("*") if path.suffix in (".smk", "")
             and path.is_file()]  # fmt: skip
    named = {name for text in texts for name in re.findall(r"^(?:use rule \w+ as|rule) (\w+)", text, re.MULTILINE)}
    assert named == RULES


@pytest.mark.parametrize("table", ["figures", "sample_texts"])
@pytest.mark.parametrize("name", ["all", "train_models", "download_mine", "extract_avgpool"])
def test_a_target_has_no_rules_name(demo, table, name):
    demo["datasets"]["mine"] = {"source": "cifar10"}
    one = {"kind": "accuracy", "caption": "a"} if table == "figures" else {"study": "dataset_overlap"}
    demo.setdefault(table, {})[name] = one
    with pytest.raises(ConfigError, match=f"{table}.{name}: '{name}' is taken: a rule .* Choose another name"):
        check(demo)


def test_results_do_not_lie_in_the_run_store(demo):
    for values, key in (({"name": "runs"}, "name"), ({"closeness": {"name": "runs"}}, "closeness.name")):
        with pytest.raises(ConfigError, match=f"- {key}: 'runs' is taken: the run store lies in {{results}}/runs"):
            check(demo | values)


def test_a_layer_stands_once_and_its_name_is_part_of_a_file(demo):
    for layers, words in ((["avgpool", "avgpool"], "repeated: .'avgpool'"), (["a/b"], "a layer's name holds letters"),
                          (["a" * 81], "at most 80 characters"), ([], "too few")):  # fmt: skip
        demo["settings"]["digits"]["layers"] = layers
        with pytest.raises(ConfigError, match=f"settings.digits.layers.*{words}"):
            check(demo)


def test_a_name_that_no_file_could_have_is_told_with_its_key(demo):
    demo["datasets"]["d" * 61] = {"source": "digits"}
    with pytest.raises(ConfigError, match=f"datasets.{'d' * 61}: this must have at most 60 characters"):
        check(demo)
