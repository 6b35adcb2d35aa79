"""The settings of docs/contrastive.md are valid beside the demo's."""

import re
from pathlib import Path

import yaml

from whyalike.config.reading import check

PAGE = Path(__file__).parents[3] / "docs" / "contrastive.md"


def test_the_pages_settings_stand_beside_those_of_the_demo(demo):
    texts = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(texts) == 2
    for section, values in (item for text in texts for item in yaml.safe_load(text).items()):
        demo[section] |= values
    demo["studies"]["dataset_overlap"]["settings"] += ["simclr", "moco", "reconstruction"]
    demo["studies"]["label_overlap"] |= {"settings": ["captions"], "min_accuracy": 0.5}
    assert set(check(demo).recipes) >= {"simclr", "moco", "captions", "reconstruction"}
