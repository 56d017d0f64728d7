"""What a person does on the page, and what they see: by names and states, never by time."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

RUN_MILLISECONDS = 120_000

CLICK = "node => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(node.click()))))"
"""In the frame after next, as soon as a mouse could: what was typed before is taken over by then."""

SETTLE = """() => new Promise(done => {
    let frames = 30;
    const count = () => frames-- ? requestAnimationFrame(count) : done();
    count();
})"""
"""A part that was just unfolded puts its own numbers over what is typed at once; a busy machine has longer frames."""

WATCH_FOR_THE_END = """milliseconds => {
    window.ended = new Promise((resolve, reject) => {
        new MutationObserver((_, observer) => {
            if ('restyling' in document.body.dataset) return;
            observer.disconnect();
            resolve();
        }).observe(document.body, { attributeFilter: ['data-restyling'] });
        setTimeout(() => reject(new Error('the run did not end')), milliseconds);
    });
}"""
"""A run that is refused at once is over before a page that is asked now and then could tell that it began."""


@dataclass(frozen=True)
class Person:
    """Somebody in front of an opened page."""

    page: Any

    def choose(self, name: str, group: str = "", nth: int = 0) -> None:
        """Choose a card or a segment by what is written on it, within a part of the page."""
        self._click(self.radio(name, group, nth))
        self.sees_chosen(name, group, nth)

    def sees_chosen(self, name: str, group: str = "", nth: int = 0) -> None:
        """See that a card or a segment is chosen, or is soon."""
        expect(self.radio(name, group, nth)).to_be_checked(timeout=RUN_MILLISECONDS)

    def radio(self, name: str, group: str = "", nth: int = 0):
        """A card or a segment; of several with that name the ``nth``, -1 for the last."""
        part = self.page.locator(group) if group else self.page
        return part.get_by_role("radio", name=name, exact=True).nth(nth)

    def press(self, name: str) -> None:
        """Press a button."""
        button = self.page.get_by_role("button", name=name, exact=True)
        button.wait_for()
        expect(button).to_be_enabled(timeout=RUN_MILLISECONDS)
        self._click(button)

    def _click(self, element) -> None:
        """Click an element itself: on a busy machine the page may move under a mouse that is on its way."""
        element.evaluate(CLICK)

    def unfold(self, name: str) -> None:
        """Open a part of the page that is folded away."""
        self.page.locator("button.label-wrap").filter(has_text=name).click()
        self.page.evaluate(SETTLE)

    def restyle(self, samples: int = 1) -> None:
        """Press Restyle, and wait until it has ended."""
        self.page.get_by_role("spinbutton", name="number input for Samples").fill(str(samples))
        self.page.evaluate(WATCH_FOR_THE_END, RUN_MILLISECONDS)
        self.press("Restyle")
        self.page.evaluate("window.ended")

    def wait_for_the_end(self) -> None:
        """Wait until no restyle runs."""
        self.page.wait_for_function("!('restyling' in document.body.dataset)", timeout=RUN_MILLISECONDS)

    def view(self, tracks: int = 3):
        """The 3D view with so many bodies in it."""
        return self.page.locator(f"#view .motion-viewer[data-state='ready'][data-tracks='{tracks}']")

    def facts(self) -> str:
        """What is said of the result."""
        return self.page.locator("#facts").inner_text()

    def reads(self, text: str) -> None:
        """Wait until it is said of the result, which takes a moment longer than the views."""
        expect(self.page.locator("#facts")).to_contain_text(text)

    def alert(self, text: str):
        """The sentence that says what went wrong."""
        return self.page.get_by_role("alert").filter(has_text=text)

    def pick(self, dropdown: str, option: str) -> None:
        """Choose of a dropdown by its label."""
        self.page.locator(f"input[role=combobox][aria-label='{dropdown}']").click()
        self.page.get_by_role("option", name=option).first.click()

    def download(self, folder: Path, press: str = "#download") -> Path:
        """The file that a button hands over."""
        with self.page.expect_download(timeout=RUN_MILLISECONDS) as download:
            self.page.locator(press).click()
        path = folder / download.value.suggested_filename
        download.value.save_as(path)
        return path
