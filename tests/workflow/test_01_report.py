"""`snakemake --report` on the finished tiny study."""

import base64
import json
import re

from workflow_folder import Folder


def test_report_holds_every_figure_with_caption_and_category(finished, tmp_path):
    report = tmp_path / "report.html"
    folder = Folder(finished.path)
    made = folder.call(folder.snakemake_command("--report", str(report)))
    assert made.returncode == 0, made.stdout
    text = report.read_text(encoding="utf-8")
    for caption in ("Dataset overlap.", "Label overlap.", "Accuracy of every run.", "One image of each class."):
        assert caption in text
    first = json.loads(re.search(r"var workflow_desc = (.*);\n", text)[1])
    order = [
        "Questions and designs",
        "Findings",
        "Claims",
        "Dataset overlap.",
        "Label overlap.",
        "Accuracy of every run.",
    ]
    places = [first.index(words) for words in order]
    assert places == sorted(places)
    for category in ("Similarity against overlap", "Models", "Data"):
        assert category in text
    # the figures themselves (as base64 text), not links to files that a reader of the report does not have
    for path in (finished.results / "figures").glob("*.svg"):
        assert base64.b64encode(path.read_bytes())[:2000].decode() in text
