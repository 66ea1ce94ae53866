import base64
import re
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.branding import BrandError, BrandSettings, brand_of
from meterbook.reports import page
from meterbook.reports.additions import Additions
from meterbook.reports.brand import GRAPHIC, GROUNDS, TEXT, Brand, contrast, is_readable, readable
from meterbook.reports.charts import ACCENT
from meterbook.reports.logo import BYTES, LogoError, clean_svg, data_uri
from meterbook.reports.page import PageFacts

COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)
SQUARE = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 4 4">{}</svg>'
NAMELESS = SQUARE.format('<path d="M0 0h4v4z" fill="#7a3e9d"/>')
Con = duckdb.DuckDBPyConnection


def _png(width: int = 2, *, extra: bytes = b"") -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0)
    note = chunk(b"tEXt", extra) if extra else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + note + chunk(b"IDAT", zlib.compress(b"\0" * (width + 1))) + chunk(b"IEND", b"")


def _book(folder: Path, brand: str) -> Path:
    (folder / "meterbook.yaml").write_text(f"name: Acme AI\nbrand:\n{brand}")
    return folder


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)
    assert contrast("#1f5fbf", "#1f5fbf") == 1


def test_the_grounds_are_those_of_the_style() -> None:
    style = (Path(page.__file__).parent / "templates" / "style.css.j2").read_text()
    assert re.findall(r"--ground: (#[0-9a-f]{6})", style) == [GROUNDS["light"], GROUNDS["dark"]]


@given(colour=COLOURS, ground=st.sampled_from(list(GROUNDS)))
@examples(60)
def test_every_colour_has_a_shade_that_can_be_read(colour: str, ground: str) -> None:
    shade = readable(colour, ground)
    assert contrast(shade, GROUNDS[ground]) >= TEXT
    assert shade == colour or not is_readable(colour, ground)


@given(colour=COLOURS)
@examples(60)
def test_what_is_drawn_in_a_brand_s_colour_is_seen_on_both_grounds(colour: str) -> None:
    assert min(contrast(Brand(accent=colour).drawn, ground) for ground in GROUNDS.values()) >= GRAPHIC


def test_an_accent_that_cannot_be_read_is_refused_with_a_near_one_that_can(tmp_path: Path) -> None:
    book = _book(tmp_path, "  name: Acme\n  accent: '#ffcc00'\n")
    with pytest.raises(BrandError, match=r"meterbook\.yaml:4: brand\.accent: #ffcc00 has a contrast of 1\.5 to 1") as caught:
        brand_of(book, BrandSettings(name="Acme", accent="#ffcc00"))
    near = re.findall(r"#[0-9a-f]{6} is near", str(caught.value))[0][:7]
    assert brand_of(book, BrandSettings(accent=near)) is not None
    with pytest.raises(BrandError, match=r"brand\.accent_dark: .* against the dark ground"):
        brand_of(_book(tmp_path, "  accent_dark: '#102040'\n"), BrandSettings(accent_dark="#102040"))


def test_the_accent_of_dark_ground_follows_from_the_other_where_left_out(tmp_path: Path) -> None:
    for given_, ground in ({"accent": "#7a3e9d"}, "dark"), ({"accent_dark": "#cda4e6"}, "light"):
        brand = brand_of(_book(tmp_path, ""), BrandSettings.model_validate(given_))
        assert brand
        assert is_readable(brand.accent_dark if ground == "dark" else brand.accent, ground)


@pytest.mark.parametrize(
    ("inside", "why"),
    [
        ("<script>alert(1)</script>", "<script>"),
        ("\n<g>\n<foreignObject/></g>", "3: <foreignObject>"),
        ('<g onload="alert(1)"/>', "onload="),
        ('<image href="https://evil.example/x.png"/>', "<image>"),
        ('<use xlink:href="https://evil.example/x.svg#a"/>', "leads outside"),
        ('<use href="other.svg#a"/>', "leads outside"),
        ('<path style="fill:url(https://evil.example/#a)"/>', "fetches or runs"),
        ("<path fill=\"url( '//evil.example/a')\"/>", "fetches or runs"),
        ("<style>@import 'https://evil.example/a.css';</style>", "style fetches"),
        ("<style>@imp&#111;rt 'x';</style>", "style fetches"),
        ("<style>a{background:u\\72l(x)}</style>", "style fetches"),
        ("<a href='#x'><path/></a>", "<a>"),
        ("<animate attributeName='href' to='javascript:alert(1)'/>", "<animate>"),
        ("<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>", "<script>"),
        ("<path>", "neither PNG nor SVG"),
    ],
)
def test_an_svg_that_could_run_or_fetch_something_is_refused_with_its_line(inside: str, why: str) -> None:
    with pytest.raises(LogoError, match=re.escape(why)):
        clean_svg(SQUARE.format(inside).encode())


def test_a_document_type_is_refused_before_it_can_grow() -> None:
    bomb = f'<!DOCTYPE svg [<!ENTITY a "{"x" * 50}">]>{SQUARE.format("&a;")}'
    with pytest.raises(LogoError, match="document type"):
        clean_svg(bomb.encode())
    with pytest.raises(LogoError, match="begins with <html>"):
        clean_svg(b"<html xmlns='http://www.w3.org/1999/xhtml'/>")


def test_what_editors_leave_in_an_svg_is_left_out_and_what_draws_is_kept() -> None:
    inside = (
        '<x:named xmlns:x="urn:editor" x:zoom="2"><x:inner/>secret</x:named><metadata>me</metadata>'
        '<defs><linearGradient id="g"><stop stop-color="#fff"/></linearGradient></defs>'
        '<g xmlns:x="urn:editor" x:label="layer"><rect fill="url(#g)" width="4"/><use xlink:href="#g"/><text>A &amp; B</text></g><!-- -->'
    )
    made = clean_svg(SQUARE.format(inside).encode())
    assert made == clean_svg(made.encode())
    assert not re.search("secret|metadata|me<|urn:editor|zoom|label", made)
    assert all(part in made for part in ('fill="url(#g)"', 'href="#g"', "A &amp; B", 'viewBox="0 0 4 4"', "linearGradient"))


def test_of_a_png_only_the_picture_is_kept_and_a_damaged_or_large_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "logo.png"
    path.write_bytes(_png(extra=b"Author\0somebody"))
    kept = base64.b64decode(data_uri(path).removeprefix("data:image/png;base64,"))
    assert kept == _png()
    for content, why in (
        (_png()[:-9], "damaged"),
        (_png(9000), "wider"),
        (_png().replace(b"IDAT", b"IDAX"), "damaged"),
        (b"GIF89a", "neither"),
    ):
        path.write_bytes(content)
        with pytest.raises(LogoError, match=why):
            data_uri(path)
    path.write_bytes(b"\0" * (BYTES + 1))
    with pytest.raises(LogoError, match="100,001 bytes"):
        data_uri(path)


def test_a_logo_lies_in_the_book(tmp_path: Path) -> None:
    book = tmp_path / "book"
    book.mkdir()
    (tmp_path / "secret.svg").write_text(NAMELESS)
    (book / "link.svg").symlink_to(tmp_path / "secret.svg")
    _book(book, "  logo: x\n")
    for name, why in (
        ("../secret.svg", "outside"),
        ("link.svg", "outside"),
        (str(tmp_path / "secret.svg"), "outside"),
        ("no.svg", "no file"),
    ):
        with pytest.raises(BrandError, match=why):
            brand_of(book, BrandSettings(logo=name))


def test_a_page_shows_the_brand_and_draws_in_its_colour(lake: Con, facts: PageFacts) -> None:
    uri = "data:image/svg+xml;base64," + base64.b64encode(NAMELESS.encode()).decode()
    hostile = "</header><script>alert(1)</script>"
    brand = Brand(name=hostile, logo=uri, accent="#7a3e9d", accent_dark="#cda4e6")
    made = page.make("weekly", "2026-W43", lake, facts, Additions(brand=brand)).html
    bare = page.render("weekly", "2026-W43", lake, facts)
    assert f'<img src="{uri}" alt="">' in made
    assert hostile not in made
    assert ":root { --accent: #7a3e9d; }" in made
    assert ACCENT in bare
    assert f'"color":"{ACCENT}"' not in made
    assert f'"color":"{brand.drawn}"' in made
    assert '<header class="brand">' not in bare
    named = page.make("weekly", "2026-W43", lake, facts, Additions(brand=replace(brand, name=""))).html
    assert 'alt="Acme AI"' in named


def test_a_name_that_reads_like_the_house_s_colour_keeps_it() -> None:
    figure: dict[str, Any] = {"data": [{"marker": {"color": [ACCENT, "#fff"]}, "ticktext": [ACCENT], "fillcolor": "rgba(59,125,216,0.18)"}]}
    trace = Brand(accent="#7a3e9d").recoloured(figure)["data"][0]
    assert trace["ticktext"] == [ACCENT]
    assert trace["marker"]["color"] == [Brand(accent="#7a3e9d").drawn, "#fff"]
    assert trace["fillcolor"].endswith(",0.18)")
    assert "59,125,216" not in trace["fillcolor"]
    assert Brand().recoloured(figure) == figure
