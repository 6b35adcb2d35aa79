"""Sentences of unequal length are stimuli for models of other libraries alone: told when the configuration is read."""

from pathlib import Path

import pytest
import yaml

from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.data.registry import SOURCES
from whyalike.planning import costs
from whyalike.planning.workload import Workload
from whyalike.studies.study import rule_studies

CONFIG = Path(__file__).parents[3] / "config"
SENTENCES = {"source": "sentences", "corpora": {"mine": {"path": "my/sts-*.csv"}}}


@pytest.fixture
def values(tmp_path):
    """A study of a language model that is trained here on windows, and sentences that no setting has yet."""
    values = yaml.safe_load((CONFIG / "demo_convergence.yaml").read_text(encoding="utf-8"))
    values["results"] = str(tmp_path)
    values["datasets"]["sts"], values["stimuli"]["sts"] = SENTENCES, {"dataset": "sts"}
    return values


def test_a_model_that_is_trained_here_is_not_given_sentences(values):
    values["settings"]["gpt"]["dataset"] = "sts"
    with pytest.raises(ConfigError) as error:
        check(values)
    assert (
        "settings.gpt.dataset: 'sts' holds sentences of unequal length and none to train on, the family gpt needs "
        "windows of one length: take data of source text or bundled_text." in str(error.value)
    )


def test_nor_are_sentences_its_stimuli_in_a_study(values):
    values["studies"]["overlap"] = {
        "factor": "dataset",
        "settings": ["gpt"],
        "seeds": [0],
        "levels": ["0", "1"],
        "stimuli": ["sts"],
    }
    with pytest.raises(
        ConfigError, match=r"studies\.overlap\.stimuli: 'sts' holds sentences of unequal length, the mo"
    ):
        check(values)


def test_nor_its_stimuli_in_the_study_of_convergence(values):
    values["convergence"]["stimuli"]["gpt"] = "sts"
    with pytest.raises(ConfigError, match=r"'sts' holds sentences of unequal length, and the models of 'gpt' take win"):
        rule_studies(check(values), CONFIG)["convergence"].jobs()


def test_nor_its_stimuli_in_the_study_of_consistency(values):
    sets = {"text": {"source": "ours"}, "sts": {"source": "ours"}}
    values["consistency"] = {"name": "sets", "zoos": ["language"], "stimuli": sets}
    with pytest.raises(
        ConfigError, match=r"consistency\.stimuli: 'sts' holds sentences of unequal length, the models of"
    ):
        rule_studies(check(values), CONFIG)["consistency"].jobs()


def test_a_plan_counts_no_training_rows(values):
    config = check(values)
    parts, known = Workload(config, costs.read(CONFIG / "costs.yaml", "none.yaml")).images("sts")
    assert (parts.train, known) == (0, False)
    assert parts.test > 0


def test_only_sentences_are_of_unequal_length():
    assert [name for name, entry in SOURCES.items() if not entry.facts.trainable] == ["sentences"]
