"""Debian's Chromium, driven by Playwright, without a byte to anybody outside this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

# Software WebGL2 and no background traffic; --no-sandbox because tests may run as root.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--force-color-profile=srgb",
]
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


def chromium_path() -> str:
    """Where Chromium is. In continuous integration its absence is a failure, elsewhere a skip with the reason."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        message = "Chromium is missing: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; every context made from it starts empty."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def page_of(browser: Browser, base_url: str, *, viewport: dict[str, int] = DESKTOP, locale: str = "zh-CN",
            **more: Any) -> Iterator[Page]:
    """A fresh person at a fresh machine. A script error or a refused content policy fails the test."""
    context = browser.new_context(base_url=base_url, viewport=viewport, locale=locale, **more)  # type: ignore[arg-type]
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text)
            if message.type == "error" and "Content Security Policy" in message.text else None)
    try:
        yield page
        assert not errors, errors
    except BaseException:
        shots = Path("var/failures")
        shots.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=shots / f"{os.getpid()}-{id(page)}.png")
        raise
    finally:
        context.close()
