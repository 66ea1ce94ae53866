"""Pages in a real browser: opened once, then looked at in every width and colour scheme, on screen and printed."""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM_ARGS = [
    "--no-sandbox", "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDTHS, SCHEMES = (1280, 390), ("light", "dark")
NARROWEST = 320
"""CSS pixels at which WCAG 2.2, 1.4.10 asks for no sideways scroll, but of tables."""
PRINTED = 696
"""A4 less the margins, in CSS pixels."""
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_OVERLAPS = """() => {
  const found = [];
  document.querySelectorAll("[data-figure]").forEach(place => {
    const frame = place.getBoundingClientRect();
    const texts = place.querySelectorAll(".annotation-text, .xtick text, .ytick text");
    const boxes = [...texts].map(text => [text.textContent, text.getBoundingClientRect()]);
    boxes.forEach(([name, box], n) => {
      if (box.right > frame.right + 1 || box.left < frame.left - 1 || box.top < frame.top - 1) found.push(name + " leaves its figure");
      boxes.slice(n + 1).forEach(([other, next]) => {
        if (box.left < next.right && next.left < box.right && box.top + 1 < next.bottom && next.top + 1 < box.bottom) {
          found.push(name + " meets " + other);
        }
      });
    });
  });
  return found;
}"""
_UNDRAWN = """() => [...document.querySelectorAll("[data-figure]")]
  .filter(place => !place.querySelector(".trace path")).map(place => place.dataset.figure)"""
_WIDER = """width => [...document.querySelectorAll("main *")]
  .filter(one => !one.closest("table, svg, [data-figure]") && one.getBoundingClientRect().right > width + 1)
  .map(one => one.tagName + " " + one.textContent.slice(0, 40))"""
_SMALL = """() => [...document.querySelectorAll("summary, button, input, label, select")]
  .filter(one => one.checkVisibility() && !one.closest("label:not(:scope)") && one.getBoundingClientRect().height < 24)
  .map(one => one.tagName + " " + one.textContent.slice(0, 40))"""
_SETTLE = """async () => {
  await Promise.all([...document.fonts].map(font => font.load()));
  for (let turn = 0; turn < 2; turn++) {
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    await Promise.all([...document.querySelectorAll(".js-plotly-plot")].map(place => Plotly.Plots.resize(place)));
  }
}"""
_SHRINK = """async ([png, width]) => {
  const image = new Image();
  image.src = "data:image/png;base64," + png;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = Math.round(image.height * width / image.width);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/webp", 0.6).split(",")[1];
}"""
_DIFFERENCE = """async ([first, second, side]) => {
  const pixels = async one => {
    const image = new Image();
    image.src = "data:image/webp;base64," + one;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height);
  };
  const [one, other] = [await pixels(first), await pixels(second)];
  if (one.width !== other.width || Math.abs(one.height - other.height) > 2) return [255, one.height - other.height];
  const columns = Math.ceil(one.width / side), sums = {}, counts = {};
  for (let y = 0; y < Math.min(one.height, other.height); y++) for (let x = 0; x < one.width; x++) {
    const place = 4 * (y * one.width + x), block = Math.floor(y / side) * columns + Math.floor(x / side);
    let off = 0;
    for (let part = 0; part < 3; part++) off += Math.abs(one.data[place + part] - other.data[place + part]) / 3;
    sums[block] = (sums[block] || 0) + off;
    counts[block] = (counts[block] || 0) + 1;
  }
  return Object.keys(sums).map(block => [sums[block] / counts[block], Math.floor(block / columns) * side])
    .reduce((worst, next) => next[0] > worst[0] ? next : worst, [0, 0]);
}"""


@dataclass
class Look:
    """A page that is open.

    Args:
        page: of the browser.
        said: what it said on its console, what it asked the network for, and dialogs it opened.
        name: of what it shows.
    """

    page: "Page"
    said: list[str] = field(default_factory=list)
    name: str = ""

    def turn(self, width: int, scheme: str = "light", media: str = "screen") -> None:
        """Show it at another width, in another scheme, or as printed."""
        self.page.emulate_media(media=media, color_scheme=scheme)  # type: ignore[arg-type]
        self.page.set_viewport_size({"width": width, "height": 900})
        self.settle()

    def settle(self) -> None:
        """Wait until fonts are there and figures fill their place: they follow it a moment after it changed, printed ones when asked."""
        self.page.evaluate(_SETTLE)

    def open_all(self) -> None:
        """Open what is folded away."""
        self.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")

    def troubles(self, width: int) -> list[str]:
        """What is wrong with its layout at the width it is shown at."""
        found = [*self.said, *self.page.evaluate(_OVERLAPS), *(f"{name} is not drawn" for name in self.page.evaluate(_UNDRAWN))]
        if (wide := self.page.evaluate("document.documentElement.scrollWidth")) != width:
            found.append(f"{wide} wide at {width}: {self.page.evaluate(_WIDER, width)}")
        return found

    def wider(self, width: int) -> list[str]:
        """What but tables and figures does not fit into the width."""
        found: list[str] = self.page.evaluate(_WIDER, width)
        return found

    def small_targets(self) -> list[str]:
        """Controls less than 24 CSS pixels high (WCAG 2.2, 2.5.8)."""
        found: list[str] = self.page.evaluate(_SMALL)
        return found

    def violations(self) -> list[str]:
        """What axe-core finds against WCAG 2.2 AA and its own good practice: rule, place, and why."""
        from axe_playwright_python.base import AXE_SCRIPT  # noqa: PLC0415 -- half a megabyte that few tests need

        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE_SCRIPT)
        asked = {"resultTypes": ["violations"], "runOnly": list(RULES)}
        found = self.page.evaluate("asked => axe.run(document, asked).then(found => found.violations)", asked)
        return [f"{one['id']} at {node['target']}: {node['failureSummary']}" for one in found for node in one["nodes"]]

    def picture(self, width: int) -> bytes:
        """The whole page as a WebP of that many pixels across."""
        # The page's own policy lets a script read images that are in the script.
        png = base64.b64encode(self.page.screenshot(full_page=True)).decode()
        return base64.b64decode(self.page.evaluate(_SHRINK, [png, width]))

    def difference(self, first: bytes, second: bytes, side: int = 20) -> Sequence[float]:
        """How far two pictures are apart where they are furthest: mean difference of a square, of 255, and its top; 255 if sizes differ."""
        found: Sequence[float] = self.page.evaluate(_DIFFERENCE, [*(base64.b64encode(one).decode() for one in (first, second)), side])
        return found


@contextmanager
def looked_at(browser: "Browser", path: Path, width: int = WIDTHS[0]) -> Iterator[Look]:
    """Open a page and wait until fonts and figures are there."""
    look = Look(browser.new_page(viewport={"width": width, "height": 900}))
    page, said = look.page, look.said
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: None if request.url.startswith(("data:", path.as_uri())) else said.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_function("[...document.querySelectorAll('[data-figure]')].every(place => place.querySelector('.main-svg'))")
    look.settle()
    yield look
    page.close()


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2, definition of the term)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    """Contrast of two colours, from 1 to 21."""
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def variables(style: str) -> Sequence[Mapping[str, Any]]:
    """Colours by name of the light and of the dark page."""
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    light, dark = (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)) for block in blocks[:2])
    return light, {**light, **dark}
