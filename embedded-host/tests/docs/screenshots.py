"""Take the screenshots of the README: ``python -m tests.docs.screenshots`` writes docs/images.

It starts a host with a demo app, runs some orders and controls Chromium. It is a tool and not a
test, because the pictures contain times and therefore differ in each run.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import chromium
from tests.docs.markdown import PROJECT
from tests.support.app_folder import AppFolder
from tests.support.running_host import RunningHost

IMAGES = PROJECT / "docs" / "images"
ORDERS = range(1001, 1031)


def demo_app(root: Path) -> AppFolder:
    """Write an app for orders, with a fan-out, retries, an approval, a child and an entity."""
    app = AppFolder(root, hub="Shop")
    app.starter()
    app.orchestrator(
        "FulfilOrder",
        """
        order = context.get_input()
        lines = [context.call_activity("ReserveStock", line) for line in order["lines"]]
        yield context.task_all(lines)
        retry = df.RetryOptions(1500, 3)
        yield context.call_activity_with_retry("ChargeCard", retry, order["id"])
        if order["total"] > 500:
            context.set_custom_status({"step": "waiting for approval"})
            timer = context.create_timer(context.current_utc_datetime + timedelta(days=3))
            approval = context.wait_for_external_event("Approval")
            yield context.task_any([approval, timer])
            timer.cancel()
        context.set_custom_status({"step": "shipping"})
        child = context.instance_id + "-ship"
        parcel = yield context.call_sub_orchestrator("ShipOrder", order["id"], child)
        yield context.call_entity(df.EntityId("Revenue", "2026"), "add", order["total"])
        context.set_custom_status({"step": "done"})
        return {"order": order["id"], "parcel": parcel}
        """,
    )
    app.orchestrator(
        "ShipOrder",
        """
        yield context.call_activity("PrintLabel", context.get_input())
        return (yield context.call_activity("BookCourier", context.get_input()))
        """,
    )
    wait = "import time; time.sleep({0} + hash(str(value)) % 100 / 80)\n"
    app.activity("ReserveStock", wait.format(0.4) + "return value['sku']")
    app.activity(
        "ChargeCard",
        wait.format(0.3)
        + """
from pathlib import Path
attempts = Path(__file__).with_name(f"{value}.attempts")
count = len(attempts.read_text()) if attempts.exists() else 0
attempts.write_text("x" * (count + 1))
if value.endswith("7") or (count < 2 and value.endswith("1")):
    raise ConnectionError("the payment service is not available")
return "charged"
""",
    )
    app.activity("PrintLabel", wait.format(0.2) + "return f'label-{value}'")
    app.activity("BookCourier", wait.format(0.8) + "return f'DHL-{value}'")
    app.counter("Revenue")
    return app


def order(number: int) -> dict[str, object]:
    """Return an order with one to three lines. Every fifth order requires an approval."""
    skus = ["A-17", "C-03", "K-88"][: 1 + number % 3]
    lines = [{"sku": sku, "quantity": index + 1} for index, sku in enumerate(skus)]
    return {"id": str(number), "total": 870 if number % 5 == 0 else 49, "lines": lines}


def run_orders(host: RunningHost) -> None:
    for number in ORDERS:
        host.start("FulfilOrder", order(number), f"order-{number}")
        time.sleep(0.1 + number * 7 % 10 / 10)


def take(page: Page, base: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{base}/dashboard#/instances")
    page.locator("table.list tbody tr").nth(20).wait_for()
    page.screenshot(path=IMAGES / "instances.png")
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.goto(f"{base}/dashboard#/instance/order-1001")
    page.locator(".g-row").nth(4).wait_for()
    page.screenshot(path=IMAGES / "instance.png")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        app = demo_app(Path(folder) / "app")
        host = RunningHost(app.root, Path(folder) / "state")
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            run_orders(host)
            time.sleep(16)  # until the last orders finish
            take(browser.new_page(), host.base)
        finally:
            browser.close()
            host.kill()


if __name__ == "__main__":
    main()
