"""`/docs` in a real browser: it lists the operations and loads nothing from elsewhere."""

import pytest


@pytest.mark.browser
def test_the_interface_is_documented_offline(browser, client):
    page = browser.new_page()
    problems, requested = [], []
    page.on("console", lambda message: message.type == "error" and problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: requested.append(request.url))

    page.goto(str(client.base_url.join("/docs/")), timeout=120_000)
    page.wait_for_selector("#operations-segment-segment_image_v1_segment_post", timeout=120_000)

    assert page.locator(".opblock").count() == 13
    assert problems == []
    assert all(url.startswith((str(client.base_url), "data:", "blob:")) for url in requested)
    page.close()
