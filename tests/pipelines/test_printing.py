"""A page as PDF: what is said where it cannot be made, and what it holds where it can."""

import re
import shutil
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from running import typed

from meterbook.pipelines.printing import PLACES, VARIABLE, PrintError, chromium_of, print_pdf

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Week</title>
<style>@media print {{ @page {{ size: A4; margin: 14mm; }} }} h2 {{ break-before: page; }}</style></head>
<body><h1>Cost rose</h1><p>It did.</p>{sections}<div id="wide"></div><script>
document.getElementById("wide").textContent = "drawn for " + window.innerWidth;
</script></body></html>"""
Fake = Callable[[str], str]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page #1.html"
    path.write_text(PAGE.format(sections="<h2>By team</h2><p>a</p><h2>Decisions</h2><p>b</p>"), "utf-8")
    return path


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    """A program that takes the options of a browser and runs a line of Python; `made` is where the PDF belongs."""

    def written(line: str) -> str:
        path = tmp_path / "browser"
        begin = "import sys, time; made = next(word.split('=', 1)[1] for word in sys.argv if word.startswith('--print-to-pdf='))"
        path.write_text(f"#!{sys.executable}\n{begin}\n{line}\n")
        path.chmod(0o755)
        return str(path)

    return written


def left(page: Path) -> set[str]:
    return {path.name for path in page.parent.iterdir()} - {"browser", page.name}


def test_the_browser_is_the_one_that_was_named(fake: Fake) -> None:
    assert chromium_of({VARIABLE: fake("pass")}) == fake("pass")


def test_a_named_browser_that_is_not_there_is_told() -> None:
    with pytest.raises(PrintError, match="METERBOOK_CHROMIUM is /no/chromium, which is no program"):
        chromium_of({VARIABLE: "/no/chromium"})


def test_without_a_browser_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if any(map(shutil.which, PLACES)):
        pytest.skip("a browser lies where it always does on this system")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(VARIABLE, raising=False)
    told = typed(tmp_path, "report", "--pdf", "week.pdf")
    assert told.code == 2
    assert "a PDF takes Chromium, Chrome or Edge: install one, or give its path in METERBOOK_CHROMIUM" in told.err


def test_what_a_browser_made_replaces_what_was_there(page: Path, fake: Fake) -> None:
    target = page.with_name("week.pdf")
    target.write_bytes(b"old")
    print_pdf(page, target, fake("open(made, 'wb').write(b'%PDF-1.4 new')"))
    assert target.read_bytes() == b"%PDF-1.4 new"
    assert left(page) == {"week.pdf"}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("sys.exit('no display')", "ended with code 1: no display"),
        ("pass", "made no PDF of"),
        ("open(made, 'wb').write(b'<html>')", "made no PDF of"),
        ("time.sleep(30)", "did not end within 0.5 seconds"),
    ],
)
def test_a_browser_that_fails_leaves_the_old_file_and_says_why(line: str, why: str, page: Path, fake: Fake) -> None:
    target = page.with_name("week.pdf")
    target.write_bytes(b"old")
    with pytest.raises(PrintError, match=re.escape(why)):
        print_pdf(page, target, fake(line), patience=0.5 if "sleep" in line else 20)
    assert target.read_bytes() == b"old"
    assert left(page) == {"week.pdf"}


@pytest.mark.parametrize(
    ("words", "why"), [(["--pdf", "week.txt"], "week.txt does not end in .pdf"), (["--to", "a@b"], "--email FILE.eml")]
)
def test_what_cannot_be_meant_is_told_before_anything_is_made(words: list[str], why: str, tmp_path: Path) -> None:
    told = typed(tmp_path, "report", *words)
    assert told.code == 2
    assert why in told.err


def objects_of(pdf: bytes) -> bytes:
    """A PDF with its compressed parts unpacked."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    found = [pdf]
    for stream in streams:
        try:
            found.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return b"\n".join(found)


@pytest.mark.browser
def test_a_pdf_has_its_pages_tags_outline_and_language(page: Path) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("no chromium on this machine")
    target = page.with_name("week.pdf")
    print_pdf(page, target, chromium_of())
    inside = objects_of(target.read_bytes())
    assert len(re.findall(rb"/Type\s*/Page\b", inside)) == 3
    for part in (rb"/StructTreeRoot", rb"/MarkInfo", rb"/Marked true", rb"/Outlines", rb"/Lang"):
        assert part in inside
    for title in (rb"\(Cost rose\)", rb"\(By team\)", rb"\(Decisions\)"):
        assert re.search(rb"/Title\s*" + title, inside)
    # A4, in points.
    assert re.search(rb"/MediaBox\s*\[0 0 59[45](\.\d+)? 84[12](\.\d+)?\]", inside)
    assert left(page) == {"week.pdf"}
