"""The explorer in a real browser: what a person does, and what a hostile page fails to do."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from audit import AuditRun
from audit.labelling import read_labels
from audit.sampling import sample
from audit.what_if import what_if
from tests.audit.explorer.conftest import Canary
from tests.audit.explorer.hostile import HOSTILE_URL

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

_PATIENCE = 30.0


def _wait(what: str, until: Callable[[], Any]) -> Any:
    """Asks again until something holds; the page may change in between."""
    from selenium.common.exceptions import WebDriverException

    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            if found := until():
                return found
        except WebDriverException:
            pass
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


def _all(chrome: Chrome, selector: str) -> list[WebElement]:
    return chrome.find_elements("css selector", selector)


def _one(chrome: Chrome, selector: str) -> WebElement:
    found: WebElement = _wait(selector, lambda: _all(chrome, selector))[0]
    return found


def _quiet(chrome: Chrome) -> list[str]:
    """What the browser complained of since the last question: refused scripts, missing files."""
    return [entry["message"] for entry in chrome.get_log("browser")]


@pytest.fixture(autouse=True)
def _wide(chrome: Chrome) -> Iterator[None]:
    chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chrome.get_log("browser")
    yield
    chrome.get("about:blank")


def test_from_the_funnel_to_the_reason_of_one_page(
    chrome: Chrome, address: str, run: AuditRun
) -> None:
    chrome.get(address)
    chrome.find_element("partial link text", "below threshold").click()
    hits = _wait("the list", lambda: _all(chrome, ".hit-address"))
    expected = sample(run, dropped_by="math_score", n=1000, with_text=False)
    assert {hit.text for hit in hits} == {document.url for document in expected}
    hits[0].click()
    sentence = _one(chrome, ".sentence").text
    assert re.search(r"math score dropped it: below threshold\. Its score is 0\.\d+", sentence)
    assert _one(chrome, ".step.decisive").is_displayed()
    assert _quiet(chrome) == []


def _what_if_shown(chrome: Chrome) -> dict[str, str]:
    return {
        str(count.get_attribute("data-count")): count.text
        for count in _all(chrome, "#what-if [data-count]")
    }


def _settled(chrome: Chrome, run: AuditRun, setting: str) -> tuple[float, dict[str, str]]:
    """The value that the line stands at, once the counts are those of the query layer."""

    def agree() -> tuple[float, dict[str, str]] | None:
        value = float(_one(chrome, "#threshold-number").get_attribute("value") or "nan")
        answer = what_if(run, [f"{setting}={value!r}"])
        shown = {
            "entering": f"{round(answer.entering.value):,}",
            "leaving": f"{answer.leaving:,}",
            "kept": f"{round(answer.kept_after.value):,}",
        }
        return (value, shown) if _what_if_shown(chrome) == shown else None

    found: tuple[float, dict[str, str]] = _wait("counts that agree", agree)
    return found


def test_dragging_the_threshold_shows_what_the_query_layer_says(
    chrome: Chrome, address: str, run: AuditRun
) -> None:
    from selenium.webdriver import ActionChains, Keys

    chrome.get(f"{address}/scores/perplexity?setting=threshold")
    line = _one(chrome, '#chart[data-ready="yes"] #threshold')
    assert line.get_attribute("role") == "slider"
    first, _ = _settled(chrome, run, "perplexity.threshold")
    drawing = _one(chrome, ".drawing")
    ActionChains(chrome).click_and_hold(line).move_by_offset(
        -int(drawing.size["width"] * 0.35), 3
    ).move_by_offset(-int(drawing.size["width"] * 0.1), 0).release().perform()
    dragged, counts = _settled(chrome, run, "perplexity.threshold")
    assert dragged < first
    assert int(counts["leaving"]) > 0
    assert float(line.get_attribute("aria-valuenow") or 0) == dragged

    # By keys, as who can't drag does it.
    line.send_keys(Keys.PAGE_UP, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    keyed, _ = _settled(chrome, run, "perplexity.threshold")
    assert dragged < keyed < first
    line.send_keys(Keys.HOME)
    _settled(chrome, run, "perplexity.threshold")
    # The line stands where the axis says: at the lowest score, on the first bar's left edge.
    bar = _one(chrome, ".drawing .mark-rect path").rect["x"]
    assert abs(line.rect["x"] + line.rect["width"] / 2 - bar) < 2
    line.send_keys(Keys.END)
    ended, counts = _settled(chrome, run, "perplexity.threshold")
    assert ended >= first and counts["leaving"] == "0"

    # The address keeps the value.
    chrome.refresh()
    again, shown = _settled(chrome, run, "perplexity.threshold")
    assert (again, shown) == (ended, counts)
    _one(chrome, "#reset").click()
    assert _settled(chrome, run, "perplexity.threshold")[0] == first
    assert _quiet(chrome) == []


def test_the_line_follows_a_finger(chrome: Chrome, address: str, run: AuditRun) -> None:
    screen = {"width": 400, "height": 900, "deviceScaleFactor": 1, "mobile": True}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    chrome.get(f"{address}/scores/math_score?setting=threshold_with_math")
    line = _one(chrome, '#chart[data-ready="yes"] #threshold')
    chrome.execute_script("arguments[0].scrollIntoView({block: 'center'})", line)
    first, _ = _settled(chrome, run, "math_score.threshold_with_math")
    box = chrome.execute_script(
        "const b = arguments[0].getBoundingClientRect();"
        "return [b.left + b.width / 2, b.top + b.height / 2]",
        line,
    )
    for kind, points in (
        ("touchStart", [{"x": box[0], "y": box[1]}]),
        ("touchMove", [{"x": box[0] + 20, "y": box[1]}]),
        ("touchMove", [{"x": box[0] + 60, "y": box[1]}]),
        ("touchEnd", []),
    ):
        chrome.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    moved, _ = _settled(chrome, run, "math_score.threshold_with_math")
    assert moved > first


def test_a_hostile_page_does_nothing(
    chrome: Chrome, address: str, run: AuditRun, canary: Canary
) -> None:
    (document_id,) = run.one("SELECT document_id FROM trails WHERE url = ?", [HOSTILE_URL])
    canary.visits.clear()
    chrome.get(f"{address}/documents/{document_id}")
    frame = _one(chrome, "iframe.drawn")
    chrome.execute_script("arguments[0].scrollIntoView()", frame)
    _one(chrome, "details.written > summary").click()
    written = _wait("its source", lambda: _one(chrome, ".written-content pre.code").text)
    assert "<script>document.title='owned'" in written
    # In its frame: read it, and press on everything that a person could press on.
    chrome.switch_to.frame(frame)
    body = _wait("the page in the frame", lambda: _one(chrome, "body").text)
    assert "mean value theorem" in body and "a link of script" in body
    for element in _all(chrome, "a, button, summary, td, .image"):
        if element.is_displayed():
            element.click()
    assert not _all(chrome, "script, img, svg, form, iframe, object, embed, link, meta[http-equiv]")
    chrome.switch_to.default_content()
    assert chrome.title.endswith("Proofmill")
    # Its formulas are drawn, and those that ask for trust stay what they are: text.
    _wait("a formula", lambda: _all(chrome, ".text .katex"))
    assert not _all(chrome, ".text a, .text img, .text script")
    # By itself, outside of any frame of ours.
    chrome.get(f"{address}/documents/{document_id}/drawn")
    assert "mean value theorem" in _one(chrome, "body").text
    assert chrome.title == "Captured page"
    # Where else its words appear: the list, the labels.
    for path in ("/documents?text=mean+value", "/labels", f"/find?q={document_id}"):
        chrome.get(address + path)
        assert chrome.title.endswith("Proofmill")
    time.sleep(0.5)
    assert canary.visits == []
    # The canary does sing when somebody comes.
    chrome.get(f"{canary.address}/sings")
    assert canary.visits[0] == "/sings"


def test_labels_by_keys_are_saved_and_there_after_a_reload(
    chrome: Chrome, address: str, labels: Path
) -> None:
    from selenium.webdriver import ActionChains

    def press(key: str) -> None:
        ActionChains(chrome).send_keys(key).perform()

    def shown() -> str:
        return str(_one(chrome, "input[name=document_id]").get_attribute("value"))

    chrome.get(f"{address}/labels?which=kept")
    first = shown()
    press("k")
    _wait("the second document", lambda: shown() != first)
    assert "Saved: keep" in _one(chrome, "#label-status").text
    second = shown()
    press("d")
    _wait("the third document", lambda: shown() not in (first, second))
    assert {i: label.label for i, label in read_labels(labels).items()} == {
        first: "keep",
        second: "drop",
    }
    chrome.refresh()
    assert shown() not in (first, second)
    assert "2 labels in all" in _one(chrome, "#label-status").text
    # Back to the second: its label is shown and can be changed, with a note that isn't a command.
    press("b")
    _wait("the second again", lambda: shown() == second)
    assert _one(chrome, ".label-form .drop").get_attribute("aria-pressed") == "true"
    press("n")
    press("keep dks")
    assert shown() == second
    _one(chrome, ".label-form .keep").click()
    _wait("the change", lambda: read_labels(labels)[second].label == "keep")
    assert read_labels(labels)[second].note == "keep dks"
    assert _quiet(chrome) == []


def test_search_finds_while_one_types(chrome: Chrome, address: str) -> None:
    from selenium.webdriver import ActionChains

    chrome.get(f"{address}/documents")
    ActionChains(chrome).send_keys("/").perform()
    assert chrome.switch_to.active_element.get_attribute("id") == "q"
    _one(chrome, ".filters input[name=text]").send_keys("converges")
    _wait("hits", lambda: _all(chrome, ".hit .excerpt"))
    assert all("converges" in hit.text.lower() for hit in _all(chrome, ".hit .excerpt"))
    assert "text=converges" in chrome.current_url
    assert _quiet(chrome) == []


_FAULTS = """
const named = (e) => (e.labels && e.labels.length) || e.getAttribute("aria-label")
  || e.getAttribute("aria-labelledby") || e.textContent.trim() || e.type === "hidden";
const faults = [];
for (const e of document.querySelectorAll("input, select, button, a[href], summary, iframe"))
  if (!named(e) && !e.title) faults.push(`without a name: ${e.outerHTML.slice(0, 120)}`);
if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");
for (const l of ["header", "main", "footer", "nav"])
  if (!document.querySelector(l)) faults.push(`no ${l}`);
const wide = document.documentElement;
if (wide.scrollWidth > wide.clientWidth) faults.push(`${wide.scrollWidth} wide`);
const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push(`id ${id} twice`);
// Contrast of what is read, by WCAG 2.2, 1.4.3: 4.5 to 1.
const light = (rgb) => {
  const [r, g, b] = rgb.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const colour = (text) => text.match(/[\\d.]+/g).map(Number);
const ground = (e) => {
  for (; e; e = e.parentElement) {
    const c = colour(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c.slice(0, 3);
  }
  return [255, 255, 255];
};
for (const e of document.querySelectorAll("p, h1, h2, h3, a, button, dt, dd, th, td, span, label")) {
  if (!e.firstChild || e.firstChild.nodeType !== 3 || !e.firstChild.data.trim()) continue;
  if (e.closest(".katex, .hidden, .skip, [aria-hidden]") || !e.offsetParent) continue;
  const [a, b] = [light(colour(getComputedStyle(e).color).slice(0, 3)), light(ground(e))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) faults.push(`contrast ${ratio.toFixed(2)}: ${e.textContent.trim().slice(0, 40)}`);
}
return faults;
"""


@pytest.mark.parametrize(("width", "scheme"), [(400, "dark"), (1600, "light")])
def test_every_page_fits_names_its_parts_and_can_be_read(
    chrome: Chrome, address: str, run: AuditRun, width: int, scheme: str
) -> None:
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    (dropped,) = sample(run, dropped_by="near_duplicates", n=1, with_text=False)
    (hostile,) = run.one("SELECT document_id FROM trails WHERE url = ?", [HOSTILE_URL])
    paths = [
        "/",
        "/?by=language&unit=tokens",
        "/documents?text=theorem",
        f"/documents/{dropped.document_id}",
        f"/documents/{hostile}",
        "/scores",
        "/scores/math_score?setting=threshold_with_math&value=0.9&mark=0.5",
        "/labels?stage=math_score&which=near",
        "/compare",
        "/run",
        "/documents/none",
    ]
    for path in paths:
        chrome.get(address + path)
        assert chrome.execute_script("return document.documentElement.dataset.theme") == scheme
        assert chrome.execute_script(_FAULTS) == [], path
        complaints = [line for line in _quiet(chrome) if "404" not in line]
        assert complaints == [], path
