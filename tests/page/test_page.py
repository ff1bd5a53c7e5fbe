"""The report as a browser shows it: names do no harm, nothing is asked of a network, all fits."""

import base64
import io
import json
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect
from support.browser_pages import open_page, shoot

from annolooop.domain.versions import ClassFigures, Estimate, Evaluation
from annolooop.page.colours import DARK
from annolooop.page.content import (
    AcceptanceRow,
    AnnotatorRow,
    CalibrationBin,
    Content,
    CurvePlace,
    Map,
    Missing,
    Picture,
    Point,
    Pool,
    PoolRow,
    Reliability,
    Since,
    Verdict,
    VersionPoint,
)
from annolooop.page.write import GENERATED, write

EVIL = "</script><script>window.hit = 1</script>"
NAMES = (EVIL, '<img src=x onerror="window.hit=2">', "\"a' & <b>b</b>", "--accent")
SURE = Estimate(0.9, 0.8, 0.95)


def thumb() -> str:
    out = io.BytesIO()
    Image.new("RGB", (96, 64), (200, 30, 30)).save(out, "WEBP")
    return base64.b64encode(out.getvalue()).decode()


def evil_content() -> Content:
    """Everything that people can name is hostile."""
    k = len(NAMES)
    seen = thumb()
    points = tuple(
        Point(
            i % 7 - 3.0,
            i % 5 - 2.0,
            f"images/{NAMES[i % k]}",
            NAMES[i % k] if i % 2 else "",
            NAMES[(i + 1) % k],
            0.1 * (i % 10),
            "javascript:window.hit=3" if i % 3 else "http://ls.example/projects/1/data?task=7",
            seen,
        )
        for i in range(35)
    )
    pictures = (
        Picture(f"images/{EVIL}", NAMES[1], NAMES[2], 0.97, "javascript:window.hit=4", seen),
        Picture("images/gone.jpg", NAMES[0], NAMES[1], 0.5, "http://ls.example/?task=1&x='\"><b>"),
    )
    return Content(
        dataset=EVIL,
        created_at="2026-11-28T10:00:00+00:00",
        based_on="annotations of now",
        version="v3-abcdef",
        labels=NAMES,
        multiple=False,
        verdict=Verdict("close", EVIL, EVIL, 0.95, SURE, 40, "holdout"),
        next=EVIL,
        since=Since("2026-11-01", (EVIL,)),
        pool=Pool(tuple(PoolRow(name, 12, 34) for name in NAMES), 200, 3),
        command=f"annoloop dataset launch '{EVIL}'",
        versions=tuple(
            VersionPoint(n, f"v{n}-abcdef", "2026-11-28T10:00:00", 40 * n, 30, SURE, n == 3)
            for n in (1, 2, 3)
        ),
        curve=(CurvePlace(40, SURE), CurvePlace(120, SURE)),
        forecast=CurvePlace(240, SURE),
        outlook=EVIL,
        evaluation=Evaluation(
            40,
            SURE,
            SURE,
            ece=Estimate(0.05, 0.01, 0.09),
            classes={name: ClassFigures(10, 10, SURE, SURE) for name in NAMES},
            confusion=tuple(tuple(8 if i == j else 1 for j in range(k)) for i in range(k)),
        ),
        reliability=Reliability(
            (CalibrationBin(20, 0.7, SURE), CalibrationBin(20, 0.95, SURE)), ()
        ),
        map=Map(points, 50, "t-SNE"),
        errors=pictures,
        suspects=pictures,
        annotators=(AnnotatorRow(NAMES[1], 12, 2.5, SURE, 4),),
        acceptance=(AcceptanceRow("v3-abcdef", "shown", 20, SURE),),
        missing={"rounds": Missing("No round yet.", EVIL, f"annoloop infer '{EVIL}'")},
    )


def width_of(page: Page) -> tuple[int, int]:
    found = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    return int(found[0]), int(found[1])


def test_page_holds_hostile_names_and_asks_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(write(evil_content()), encoding="utf-8")
    with open_page() as page:
        asked: list[str] = []
        messages: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-ready=yes]", timeout=60_000)

        assert page.evaluate("window.hit") is None
        assert page.locator("h1").inner_text() == EVIL
        assert page.locator("main .plot .main-svg").count() >= 4
        shown = page.locator("#plot-confusion .ytick text").all_text_contents()
        assert shown == [name if len(name) <= 14 else f"{name[:13]}…" for name in NAMES]
        links = page.eval_on_selector_all("a.card", "all => all.map(a => a.href)")
        assert links
        assert all(link.startswith("http://ls.example/") for link in links)
        assert page.get_by_text("the image is gone").count() == 2
        shoot(page, "report")
        look_at_the_map(page)
        explain_a_word(page)
        look_in_other_ways(page)
        assert page.evaluate("window.hit") is None
        assert messages == []
        assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [file.as_uri()]


def look_at_the_map(page: Page) -> None:
    """The picture of a point, and the other colours."""
    point = page.locator("#plot-map .point").nth(3)
    point.scroll_into_view_if_needed()
    picture = page.locator("#peek img")
    for nudge in range(50):  # scrolling hides it, and may still go on
        box = point.bounding_box()
        assert box
        page.mouse.move(box["x"] + 3 + nudge % 2, box["y"] + 3)
        page.wait_for_timeout(200)
        if picture.is_visible():
            break
    assert page.eval_on_selector("#peek img", "i => i.decode().then(() => i.naturalWidth)") == 96
    assert "model: " in page.locator("#peek").inner_text()
    page.locator(".switch button", has_text="by uncertainty").click()
    page.wait_for_selector("#plot-map .colorbar")
    shoot(page, "report-uncertainty")


def explain_a_word(page: Page) -> None:
    """By keyboard; and it goes away again."""
    page.locator("#quality .term").first.focus()
    page.keyboard.press("Enter")
    word = page.locator("#about-holdout")
    expect(word).to_be_visible()
    expect(word).to_contain_text("set aside")
    page.keyboard.press("Escape")
    expect(word).to_be_hidden()


def fits_the_screen(page: Page) -> None:
    """Nothing is wider than the screen, nothing is cut, and no figure lies on what follows it."""
    scrolled, there = width_of(page)
    assert scrolled <= there
    cut = """[...document.querySelectorAll("body *")].filter(e => e.clientWidth
        && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== "visible")"""
    assert page.evaluate(f"{cut}.length") == 0
    short = """[...document.querySelectorAll(".plot")].filter(plot => plot.clientHeight
        < plot.querySelector(".main-svg").getBoundingClientRect().height)"""
    assert page.evaluate(f"{short}.length") == 0
    wide = """[...document.querySelectorAll("body *")]
        .filter(e => e.getBoundingClientRect().right > innerWidth + 1)"""
    assert page.evaluate(f"{wide}.length") == 0


def look_in_other_ways(page: Page) -> None:
    """In the dark, on a phone, and on paper."""
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(300)
    paper = "document.querySelector('#plot-curve').layout.paper_bgcolor"
    assert page.evaluate(paper) == DARK["bg"]
    for width in (1024, 768, 620, 320, 390):
        page.set_viewport_size({"width": width, "height": 844})
        page.wait_for_timeout(500)
        fits_the_screen(page)
    shoot(page, "report-phone")
    page.emulate_media(media="print", color_scheme="light")
    pictures = page.eval_on_selector_all(
        "img.still", "all => all.map(i => [i.naturalWidth > 0, getComputedStyle(i).display])"
    )
    assert pictures == [[True, "block"]] * 4
    assert len(page.pdf(format="A4")) > 20_000


def test_page_with_nothing_says_what_brings_it() -> None:
    why = Missing("Nothing is annotated.", "to do so", "annoloop dataset launch 'my set'")
    text = write(Content("my set", "", "no annotations yet", "", (), False, missing={"map": why}))
    assert text.startswith(GENERATED)
    assert '<p class="empty">Nothing is annotated.</p>' in text
    assert "to do so</dt><dd><code>annoloop dataset launch &#39;my set&#39;</code>" in text


def test_json_cannot_end_its_element() -> None:
    label = "</script><!--\u2028&"
    point = Point(0, 0, "images/a.jpg", label, label, 0.5)
    drawn = Map((point,), 1, "t-SNE")
    text = write(Content("set", "", "", "v1", (label,), False, map=drawn))
    _, _, after = text.partition('<script type="application/json" id="data">')
    data, end, rest = after.partition("</script>")
    assert end
    assert rest.lstrip().startswith("<script>")
    assert not set("<>&") & set(data)
    assert json.loads(data)["points"]["labels"] == [label]
