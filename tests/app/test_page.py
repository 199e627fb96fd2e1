import base64

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from visitor import (
    assert_untouched,
    predicted,
    shown_name,
)


@pytest.fixture
def tab(browser, page):
    """The page in a browser, which has asked nothing of anybody else at the end."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab, asked, faults = context.new_page(), [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: faults.append(error))
    tab.on("console", lambda message: faults.append(message.text))
    tab.goto(page.url)
    tab.get_by_text("The answer appears here.").wait_for()
    yield tab
    context.close()
    assert [u for u in asked if not u.startswith((page.url, "data:", "blob:"))] == []
    assert [f for f in faults if "the server responded with" not in str(f)] == []


def upload(tab, path):
    """Upload a file as a person would, and return the text of the answer."""
    tab.locator("#file").set_input_files(path)
    return new_answer(tab)


def new_answer(tab):
    """Return the text of the answer, once it is there."""
    tab.locator("#progress").wait_for(state="hidden", timeout=60_000)
    return tab.inner_text("#answer").replace("\N{NO-BREAK SPACE}", " ")


def test_an_upload_shows_what_predict_says(tab, page, files, capsys):
    text = upload(tab, files / "disco.wav")
    answer = predicted(files / "disco.wav", capsys)
    assert answer["genre"] is not None
    expected = answer["percentages"]
    shown = {
        line.inner_text().split()[0]: float(line.locator("data").get_attribute("value"))
        for line in tab.locator("#answer .bars li").all()
    }
    assert shown == pytest.approx(expected, abs=5e-3)
    assert list(shown) == sorted(expected, key=expected.get, reverse=True)
    assert text.startswith(f"{answer['answer'].capitalize()}\n")
    assert answer["worth"] in text
    assert "disco.wav, 0:30 min, WAV, 22,050 Hz, 1 channel" in text
    assert len(tab.locator("#answer .similar li").all()) == 5
    assert "Genre over time" not in text
    duration = "document.querySelector('#player audio').duration"
    tab.wait_for_function(f"{duration} > 0")
    assert tab.evaluate(duration) == pytest.approx(30)
    assert_untouched(page)


def test_what_sounds_like_no_genre_has_no_bars(tab, files, capsys):
    text = upload(tab, files / "metal.ogg")
    answer = predicted(files / "metal.ogg", capsys)
    assert answer["genre"] is answer["worth"] is None
    assert text.startswith("This does not sound like any of the ten genres\n")
    assert "%" not in text
    assert tab.locator("#answer .bars").count() == 0


def test_a_long_track_is_shown_over_time(tab, files):
    text = upload(tab, files / "long.mp3")
    assert "Genre over time" in text
    assert "in 3 windows of 30 s" in text
    assert len(tab.locator("#answer .time rect").all()) == 30


def test_after_a_bad_file_the_page_goes_on(tab, files):
    text = upload(tab, files / "notes.mp3")
    alert = tab.get_by_role("alert").inner_text()
    assert alert.startswith("The file notes.mp3 cannot be decoded")
    assert text.strip() == alert
    assert "%" in upload(tab, files / "classical.flac")


def test_a_recording_is_answered(tab):
    tab.get_by_role("button", name="Record").click()
    tab.wait_for_timeout(2000)
    tab.get_by_role("button", name="Stop").click()
    tab.locator("#answer h2").wait_for(timeout=30_000)
    assert "recording.wav, 0:02 min, WAV, 44,100 Hz, 1 channel" in new_answer(tab)


def test_an_example_is_said_to_be_synthetic(tab):
    tab.get_by_role("link", name="metal").click()
    assert "A synthetic clip made by this project's code" in new_answer(tab)
    assert tab.locator("#answer audio").get_attribute("src").startswith("data:audio")


def test_a_dropped_file_is_answered(tab, files):
    content = base64.b64encode((files / "metal.ogg").read_bytes()).decode()
    drop = """content => {
        const bytes = Uint8Array.from(atob(content), c => c.charCodeAt());
        const given = new DataTransfer();
        given.items.add(new File([bytes], "dropped.ogg"));
        const options = { dataTransfer: given, bubbles: true, cancelable: true };
        document.querySelector(".drop").dispatchEvent(new DragEvent("drop", options));
    }"""
    tab.evaluate(drop, content)
    assert "dropped.ogg, 0:30 min, OGG" in new_answer(tab)


def test_the_keyboard_is_enough(tab, files):
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.id") == "file"
    for patience in (5_000, 30_000):  # a busy browser may miss the first press
        try:
            with tab.expect_file_chooser(timeout=patience) as chooser:
                tab.keyboard.press("Space")
            break
        except PlaywrightTimeout:
            if patience > 5_000:
                raise
    chooser.value.set_files(files / "disco.wav")
    new_answer(tab)
    assert tab.evaluate("document.activeElement.tagName") == "H2"


@pytest.mark.parametrize("width", [400, 1200])
def test_everything_fits_the_screen(tab, files, width):
    tab.set_viewport_size({"width": width, "height": 844})
    upload(tab, files / "long.mp3")
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    for part in (".bars", "div.time", "img", "#player audio", "h2"):
        box = tab.locator(f"#answer {part}").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    assert "What it is not good for" in tab.inner_text("#model")


def test_two_visitors_at_once_get_their_own_answers(browser, page, files):
    tracks = ("disco.wav", "metal.ogg")
    tabs = [browser.new_context().new_page() for _ in tracks]
    for tab, track in zip(tabs, tracks, strict=True):
        tab.goto(page.url)
        tab.locator("#file").set_input_files(files / track)
    for tab, track in zip(tabs, tracks, strict=True):
        tab.locator("#answer h2").wait_for(timeout=30_000)
        assert shown_name(tab.content()) == track
        tab.context.close()


def test_a_plain_form_does_without_script(browser, page, files):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(page.url)
    tab.locator("#file").set_input_files(files / "disco.wav")
    tab.get_by_role("button", name="Name its genre").click()
    tab.locator("#answer h2").wait_for(timeout=30_000)
    assert "disco.wav, 0:30 min" in tab.inner_text("#answer")
    tab.get_by_role("link", name="reggae").click()
    tab.get_by_text("It is not music.").wait_for(timeout=30_000)
    tab.locator("#file").set_input_files(files / "notes.mp3")
    tab.get_by_role("button", name="Name its genre").click()
    tab.get_by_role("alert").wait_for(timeout=30_000)
    context.close()


def test_nothing_on_the_page_keeps_people_out(tab, files, barriers):
    assert barriers(tab) == []
    upload(tab, files / "long.mp3")
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        assert barriers(tab) == []
