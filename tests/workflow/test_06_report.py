"""The report as a person sees it: opened in a real browser, by its menu, figure by figure."""

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# no window, no service of the browser's maker, nothing kept; --no-sandbox: Chromium refuses to start as root with one
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
WAIT_MS = 10_000  # of virtual time: the page's own, so no real waiting

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt-get install chromium")

# clicks through the menu as a person would, and leaves what is then on the page as JSON in an element of its own
WALK = """
<script>
const pause = () => new Promise(done => setTimeout(done, 500));
const link = (test) => [...document.querySelectorAll("a")].find(test);
(async () => {
  const seen = {};
  await pause();
  seen.menu = document.body.innerText;
  link(a => a.textContent.trim() === CATEGORY).click();
  await pause();
  seen.list = [...document.querySelectorAll("tr")].map(row => row.innerText.trim());
  seen.figures = {};
  for (const row of [...document.querySelectorAll("tr")].filter(row => row.querySelector("[iconname=eye]"))) {
    const name = row.innerText.trim();
    row.querySelector("[iconname=eye]").click();
    await pause();
    const shown = [...document.querySelectorAll("img")].filter(image => !image.src.includes("logo.svg"));
    seen.figures[name] = shown.map(image => image.naturalWidth);
  }
  link(a => a.getAttribute("iconname") === "information-circle").click();
  await pause();
  seen.information = document.body.innerText;
  const element = document.createElement("pre");
  element.id = "seen";
  element.textContent = btoa(unescape(encodeURIComponent(JSON.stringify(seen))));
  document.body.append(element);
})();
</script>
"""


@pytest.fixture(scope="module")
def report(finished, tmp_path_factory) -> str:
    """The HTML of the finished tiny study's report."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    made = finished.call(finished.snakemake_command("--report", str(path)))
    assert made.returncode == 0, made.stdout
    return path.read_text(encoding="utf-8")


def opened(report: str, category: str, folder: Path) -> dict:
    """What a person sees who opens the report, chooses a category, each of its figures, and the first one's facts."""
    page = folder / "report.html"
    before, end, after = report.rpartition("</body>")
    page.write_text(before + WALK.replace("CATEGORY", json.dumps(category)) + end + after, encoding="utf-8")
    options = [f"--user-data-dir={folder / 'profile'}", f"--virtual-time-budget={WAIT_MS}", "--dump-dom"]
    command = [CHROMIUM, *FLAGS, *options, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'<pre id="seen">([^<]+)</pre>', done.stdout)
    assert found, "the walk through the report did not reach its end"
    return json.loads(base64.b64decode(found[1]))


@pytest.mark.parametrize(
    ("category", "figures", "caption"),
    [
        ("Similarity against overlap", ["dataset_overlap", "label_overlap"], "Dataset overlap."),
        ("Models", ["accuracy"], "Accuracy of every run."),
        ("Data", ["classes"], "One image of each class."),
    ],
)
def test_a_browser_shows_the_figures_of_a_category_with_their_captions(report, tmp_path, category, figures, caption):
    seen = opened(report, category, tmp_path)
    for words in ("Workflow", "Statistics", "Similarity against overlap", "Models", "Data"):
        assert words in seen["menu"]
    names = [f"results/tiny/figures/{figure}.svg" for figure in figures]
    assert [row for row in seen["list"] if row.endswith(".svg")] == names
    # each is one picture that the browser could decode
    assert list(seen["figures"]) == names
    assert all(len(widths) == 1 and widths[0] > 100 for widths in seen["figures"].values())
    assert caption in seen["information"]
