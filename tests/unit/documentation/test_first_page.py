"""The first page of the report: questions, findings, claims, then the figures with their captions, all as text."""

import base64
import pickle
from pathlib import Path
from types import SimpleNamespace

from docutils.core import publish_parts
from jinja2 import Environment

from whyalike.config.reading import check
from whyalike.documentation.first_page import Reported, asked, html

WORKFLOW = Path(__file__).parents[3] / "workflow"


def test_the_page_asks_tells_and_shows_in_this_order(tmp_path):
    (tmp_path / "findings.md").write_text(
        "# Findings\n\n- **a on b**: gain +0.1\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n"
    )
    (tmp_path / "claims.md").write_text("# Claims\n")
    (tmp_path / "figures").mkdir()
    for name in ("late", "early"):
        (tmp_path / "figures" / f"{name}.svg").write_text(f"<svg>{name}</svg>")
    captions = {"late": "The first.", "early": "The second.", "no": "Not yet."}
    page = html(str(tmp_path), "mine", {"s": "Why?"}, captions)
    images = [base64.b64encode(f"<svg>{name}</svg>".encode()).decode() for name in ("late", "early")]
    order = ["<b>s</b>: Why?", "<h1>Findings</h1>", "<strong>a on b</strong>", "<td>2</td>", "<h1>Claims</h1>"]
    order += [images[0], "<b>late</b>: The first.", images[1], "<b>early</b>: The second."]
    order += ["<b>no</b>: Not yet. <i>This figure is not made"]
    places = [page.index(part) for part in order]
    assert places == sorted(places)


def test_no_line_is_too_long_for_docutils(tmp_path):
    (tmp_path / "figures").mkdir()
    for name in ("a", "b"):
        (tmp_path / "figures" / f"{name}.svg").write_bytes(b"<svg>" + bytes(29_000))
    page = html(str(tmp_path), "mine", {}, {"a": "Large.", "b": "Large too."})
    assert "Large." in publish_parts(f".. raw:: html\n\n   {page.replace(chr(10), chr(10) + '   ')}\n")["whole"]
    assert max(map(len, page.splitlines())) < 10_000


def test_what_looks_like_markup_is_text(tmp_path):
    (tmp_path / "findings.md").write_text("- class <script>alert(1)</script> $x$ {y}\n")
    page = html(str(tmp_path), "mine", {"s": "<b>?"}, {"f": "A caption of <i> & {z}."})
    assert "<script" not in page and "&lt;script&gt;alert(1)&lt;/script&gt; $x$ {y}" in page
    assert "&lt;b&gt;?" in page and "A caption of &lt;i&gt; &amp; {z}." in page


def test_a_study_says_what_it_varies_at_which_levels_over_how_many_seeds(demo):
    told = asked(check(demo))
    assert told["dataset_overlap"] == (
        "how similarity goes with the share of training images in common, at 0, 0.25, 0.5, 0.75, 1; "
        "settings digits, 5 seeds; on digits_test, colorshapedigit_test, photographs."
    )


def test_jobs_get_the_keys_of_the_configuration_alone(demo, tmp_path):
    config = Reported(demo, str(tmp_path), check(demo))
    assert "<h1>demo</h1>" in config.first_page()
    handed = pickle.loads(pickle.dumps(config))
    assert type(handed) is dict and handed == demo


def test_a_caption_of_the_report_is_text():
    text = (WORKFLOW / "report" / "figure.rst").read_text(encoding="utf-8")
    caption = "CKA of <b> and *vit_ at {x}, $y$ & `z`."
    given = SimpleNamespace(config={"figures": {"f": {"caption": caption}}}, wildcards=SimpleNamespace(figure="f"))
    body = publish_parts(Environment().from_string(text).render(snakemake=given), writer="html")["body"]
    assert "system-message" not in body
    assert "CKA of &lt;b&gt; and *vit_ at {x}, $y$ &amp; `z`." in body
