"""The page in Chromium, on a simulated cluster that runs in real time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from cluster.client import kinds
from dashboard.login import make_login_url
from tests.dashboard.live import RunningSimulation, Server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        CHROMIUM is None and not os.environ.get("CI"), reason="needs Debian's chromium"
    ),
]
SOON = 10_000  # ms
COUNT_SNAPSHOTS = """() => {
  const apply = orrery.store.apply.bind(orrery.store);
  orrery.snapshots = 0;
  orrery.store.apply = (frame) => {
    orrery.snapshots += frame.type === "snapshot";
    return apply(frame);
  };
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    # Playwright's own event loop runs in this thread; Django must not take it for one of ours.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def cluster() -> Iterator[RunningSimulation]:
    running = RunningSimulation(nodes=3)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def page(chromium: Browser, cluster: RunningSimulation, transactional_db: None) -> Iterator[Page]:
    """Logged in by a one-time link; at the end, nothing was said on the console."""
    server = Server()
    server.start()
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if _is_fault(m) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(make_login_url(server.url))
    expect(page.locator("#link .word")).to_have_text("LIVE", timeout=SOON)
    yield page
    context.close()
    server.stop()
    assert complaints == []


def _is_fault(message: ConsoleMessage) -> bool:
    """Chromium also logs every 4xx answer; a refused form is none of our faults."""
    return message.type == "error" and "(Unprocessable Entity)" not in message.text


def create(page: Page, kind: str, **fields: str) -> None:
    page.click(".top [data-opens=create]")
    page.click(f"#create .tabs button:has-text('{kind}')")
    expect(page.locator("#create footer .primary")).to_contain_text("Create", timeout=SOON)
    expect(page.locator(f"#create .tabs button:has-text('{kind}')")).to_have_attribute(
        "aria-selected", "true"
    )
    for name, value in fields.items():
        page.fill(f"#id_{name}", value)
    page.click("#create button[type=submit]")


def state_of(page: Page) -> Any:
    """Everything the page knows, whatever it is drawn as."""
    return page.evaluate(
        "Object.fromEntries([...orrery.store.tables].map(([n, t]) => "
        "[n, Object.fromEntries([...t].sort())]))"
    )


def test_the_first_screen_shows_the_cluster(page: Page) -> None:
    for name in ("minikube", "minikube-m02", "minikube-m03"):
        expect(page.get_by_role("article", name=f"Node {name}", exact=True)).to_be_visible()
    expect(page.locator("#plane")).to_contain_text("kube-scheduler")
    expect(page.locator("#plane .organ").first).to_have_attribute("data-state", "run")
    assert page.locator("#cards .tile").count() == page.evaluate("orrery.store.table('pods').size")


def test_a_deployment_from_the_form_comes_alive(page: Page) -> None:
    create(page, "Deployment", name="web", replicas="4")
    row = page.locator("#workloads tr", has_text="web")
    expect(row).to_contain_text("4 / 4", timeout=SOON)
    expect(row).to_contain_text("Available")
    expect(page.locator("#services tr", has_text="web")).to_contain_text("4 ready", timeout=SOON)
    row.hover()
    expect(page.locator("#cards .tile.lit")).to_have_count(4)
    row.get_by_label("One web more").click()
    expect(row).to_contain_text("5 / 5", timeout=SOON)


def test_a_wrong_field_is_marked_and_can_be_corrected(page: Page) -> None:
    create(page, "Pod", name="Not Valid")
    expect(page.locator("#id_name_error")).to_contain_text("RFC 1123", timeout=SOON)
    expect(page.locator("#id_name")).to_have_attribute("aria-invalid", "true")
    page.fill("#id_name", "valid")
    page.click("#create button[type=submit]")
    expect(page.locator("#create")).to_be_hidden(timeout=SOON)
    expect(page.locator(".toast")).to_contain_text("pod/valid created")


def test_a_node_dies_and_its_pods_come_back_elsewhere(
    page: Page, cluster: RunningSimulation
) -> None:
    create(page, "Deployment", name="web", replicas="6")
    expect(page.locator("#workloads tr", has_text="web")).to_contain_text("6 / 6", timeout=SOON)
    card = page.get_by_role("article", name="Node minikube-m02")
    card.get_by_label("Power minikube-m02 off").click()
    expect(card).to_contain_text("power off", timeout=SOON)
    expect(card).to_contain_text("NotReady in")
    expect(page.locator("#coming")).to_contain_text("Evicted from minikube-m02")
    page.click("[data-speed='100']")
    expect(card).to_contain_text("unreachable", timeout=SOON)
    expect(card.locator(".tile[data-state=lost]").first).to_be_visible(timeout=SOON)
    others = "#cards article:not([aria-label='Node minikube-m02'])"
    elsewhere = page.locator(f"{others} .tile[aria-label^='web-'][data-state=run]")
    expect(elsewhere).to_have_count(6, timeout=2 * SOON)
    card.get_by_label("Bring minikube-m02 back").click()
    expect(card).to_have_attribute("data-ready", "True", timeout=SOON)
    assert cluster.simulation.client.list(kinds.FAULTS) == []


def test_the_clock_can_be_stopped_and_wound(page: Page) -> None:
    page.click("#clock-pause")
    expect(page.locator("#clock")).to_have_attribute("data-paused", "true", timeout=SOON)
    page.wait_for_timeout(1200)
    stopped = page.inner_text("#clock-time")
    page.wait_for_timeout(1200)
    assert page.inner_text("#clock-time") == stopped
    page.click("[data-speed='10']")
    expect(page.locator("[data-speed='10']")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#clock-time")).not_to_have_text(stopped, timeout=SOON)


def test_the_drawer_has_an_address_and_closes_with_escape(page: Page) -> None:
    page.locator(".tile[aria-label^='etcd-minikube']").click()
    drawer = page.locator("#drawer")
    expect(drawer.locator("h2")).to_have_text("etcd-minikube", timeout=SOON)
    assert page.url.endswith("#pods/kube-system/etcd-minikube")
    drawer.get_by_role("tab", name="YAML").click()
    expect(drawer.locator(".editor .gutter")).to_contain_text("1", timeout=SOON)
    page.reload()
    expect(page.locator("#drawer h2")).to_have_text("etcd-minikube", timeout=SOON)
    page.locator("#drawer [data-closes]").click()
    expect(page.locator("#drawer")).not_to_have_class("drawer open")
    assert "#" not in page.url


def test_an_object_is_edited_in_the_drawer(page: Page, cluster: RunningSimulation) -> None:
    create(page, "Deployment", name="web", replicas="1")
    page.locator("#workloads").get_by_role("button", name="web", exact=True).click()
    page.get_by_role("tab", name="YAML").click()
    editor = page.locator("#drawer textarea.yaml")
    expect(editor).to_be_visible(timeout=SOON)
    editor.fill(editor.input_value().replace("  replicas: 1\n", "  replicas: -2\n"))
    page.click("#drawer .editor-form button[type=submit]")
    expect(page.locator("#drawer .errors")).to_contain_text("spec.replicas", timeout=SOON)
    page.get_by_role("button", name="Reload").click()
    page.wait_for_timeout(500)
    editor.fill(editor.input_value().replace("  replicas: 1\n", "  replicas: 3\n"))
    page.click("#drawer .editor-form button[type=submit]")
    expect(page.locator(".toast").last).to_contain_text("edited", timeout=SOON)
    found = cluster.simulation.client.get(kinds.DEPLOYMENTS, "default", "web")
    assert found["spec"]["replicas"] == 3


def test_a_drain_shows_its_plan_first(page: Page) -> None:
    create(page, "Pod", name="bare")
    tile = page.locator(".tile[aria-label^='bare']")
    expect(tile).to_have_attribute("data-state", "run", timeout=SOON)
    name = tile.locator("xpath=ancestor::article").locator(".name").inner_text()
    page.get_by_role("article", name=f"Node {name}", exact=True).locator(".name").click()
    page.get_by_role("button", name="Drain…").click()
    expect(page.locator("#create")).to_contain_text("default/bare", timeout=SOON)
    page.check("#drain-force")
    page.click("#create button[type=submit]")
    expect(page.locator(".toast").last).to_contain_text(f"node/{name} drained", timeout=SOON)


def test_after_a_lost_connection_the_page_catches_up_by_revision(
    page: Page, cluster: RunningSimulation
) -> None:
    page.evaluate(COUNT_SNAPSHOTS)
    page.evaluate("orrery.socket.socket.close()")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "meanwhile", "namespace": "default"},
        "spec": {"containers": [{"name": "c", "image": "nginx:1.27"}]},
    }
    cluster.client("kubectl", ()).do_create(pod)
    expect(page.locator(".tile[aria-label^='meanwhile']")).to_be_visible(timeout=SOON)
    expect(page.locator("#link .word")).to_have_text("LIVE", timeout=SOON)
    assert page.evaluate("orrery.snapshots") == 0


def test_a_page_that_lived_through_it_equals_a_fresh_one(page: Page) -> None:
    create(page, "Deployment", name="web", replicas="5")
    create(page, "Job", name="sum")
    page.click("[data-speed='100']")
    page.wait_for_timeout(2000)
    page.locator("#workloads tr", has_text="web").get_by_label("One web less").click()
    page.wait_for_timeout(2000)
    page.click("#clock-pause")
    page.wait_for_timeout(1500)
    lived = state_of(page)
    page.reload()
    expect(page.locator("#link .word")).to_have_text("LIVE", timeout=SOON)
    assert lived == state_of(page)


def test_all_three_views_of_the_nodes(page: Page) -> None:
    page.click("#views [data-view=table]")
    expect(page.locator("#node-table tbody tr")).to_have_count(3)
    page.click("#views [data-view=field]")
    expect(page.locator("#field canvas")).to_be_visible()
    box = page.locator("#field").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 60, box["y"] + 26)  # the first node's name
    expect(page.locator("#drawer h2")).to_have_text("minikube", timeout=SOON)


def test_light_and_dark(page: Page) -> None:
    root = page.locator("html")
    before = root.get_attribute("data-theme")
    page.click("#theme")
    expect(root).to_have_attribute("data-theme", "dark" if before == "light" else "light")
    page.reload()
    expect(root).to_have_attribute("data-theme", "dark" if before == "light" else "light")
