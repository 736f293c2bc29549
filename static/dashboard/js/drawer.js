// The drawer: one object, drawn by the server, fetched again when the object's row changes.
// What is open is in the page's address: #pods/default/web-1 or #nodes/-/minikube:yaml.
import { $, $$, glyph, h, RESOURCES } from "./dom.js";
import { countdown } from "./clock.js";
import { split } from "./store.js";

const KINDS = Object.fromEntries(Object.entries(RESOURCES).map(([kind, resource]) => [resource, kind]));
const EVERY = 1000; // ms between fetches of an object that keeps changing

export class Drawer extends EventTarget {
  constructor(root, context) {
    super();
    this.root = root;
    this.context = context;
    this.path = "";
    this.tab = "overview";
    this.container = "";
    this.fetched = 0;
    context.store.on(["pods", "nodes", "workloads", "services"], (dirty) => this.#changed(dirty));
    root.addEventListener("click", (event) => this.#click(event));
    document.body.addEventListener("htmx:afterSwap", (event) => event.detail.target === root && this.#filled());
    addEventListener("hashchange", () => this.#fromAddress());
  }

  start() {
    this.#fromAddress();
  }

  is(path) {
    return this.path === path;
  }

  open(path, tab = "overview") {
    const hash = `#${path}${tab === "overview" ? "" : `:${tab}`}`;
    if (location.hash === hash) this.#show(path, tab);
    else location.hash = hash;
  }

  close() {
    if (!this.path) return;
    history.replaceState(null, "", location.pathname);
    this.#show("", "overview");
  }

  #fromAddress() {
    const found = /^#([a-z0-9.]+\/[^/:]+\/[^/:]+)(?::(\w+))?$/.exec(decodeURIComponent(location.hash));
    this.#show(found?.[1] ?? "", found?.[2] ?? "overview");
  }

  #show(path, tab) {
    const opened = path && !this.path;
    if (path !== this.path) this.container = "";
    if (opened) this.opener = document.activeElement;
    const closed = this.path && !path;
    this.path = path;
    this.tab = tab;
    this.root.classList.toggle("open", Boolean(path));
    this.dispatchEvent(new Event("change"));
    if (path) this.#fetch();
    if (opened) this.root.focus({ preventScroll: true });
    if (closed) {
      this.root.replaceChildren();
      this.opener?.focus?.({ preventScroll: true });
    }
  }

  #fetch() {
    this.fetched = performance.now();
    const query = new URLSearchParams({ tab: this.tab });
    if (this.container) query.set("container", this.container);
    const body = $(".drawer-body", this.root);
    this.scroll = body && this.#shown() === `${this.path}:${this.tab}` ? body.scrollTop : 0;
    this.focus = this.root.contains(document.activeElement) ? labelOf(document.activeElement) : "";
    const path = this.path.split("/").map(encodeURIComponent).join("/");
    window.htmx.ajax("GET", `/objects/${path}/?${query}`, { target: this.root, swap: "innerHTML" });
  }

  #shown() {
    const head = $(".drawer-head", this.root);
    return head ? `${head.dataset.path}:${head.dataset.tab}` : "";
  }

  #filled() {
    const body = $(".drawer-body", this.root);
    if (body && this.scroll) body.scrollTop = this.scroll;
    const logs = $(".logs", this.root);
    if (logs && body) body.scrollTop = body.scrollHeight;
    if (this.focus) $$("button, input", this.root).find((each) => labelOf(each) === this.focus)?.focus({ preventScroll: true });
    this.#pods();
    this.tick(this.context.clock.now());
  }

  #click(event) {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.tab) {
      if (button.dataset.tab === this.tab) this.#fetch();
      else this.open(this.path, button.dataset.tab);
    } else if (button.dataset.open) this.open(button.dataset.open);
    else if (button.dataset.container) {
      this.container = button.dataset.container;
      this.#fetch();
    }
  }

  #changed(dirty) {
    if (!this.path) return;
    if (dirty.has("pods")) this.#pods();
    const [table, key] = this.#row();
    if (!table || !dirty.get(table)?.has(key)) return;
    // Never under the person's hands: an editor or a field in use stays as it is.
    const active = document.activeElement;
    const busy = this.root.contains(active) && active.matches("input, textarea");
    if (busy || this.tab === "yaml" || this.timer) return;
    const wait = Math.max(0, this.fetched + EVERY - performance.now());
    this.timer = setTimeout(() => {
      this.timer = null;
      if (this.path) this.#fetch();
    }, wait);
  }

  // The row behind the open object: [table, key].
  #row() {
    const [resource, namespace, name] = this.path.split("/");
    if (resource === "nodes") return ["nodes", name];
    if (resource === "pods" || resource === "services") return [resource, `${namespace}/${name}`];
    const kind = KINDS[resource];
    return kind ? ["workloads", `${kind}/${namespace}/${name}`] : ["", ""];
  }

  #pods() {
    const list = $("[data-pods]", this.root);
    if (!list) return;
    const [what, value] = list.dataset.pods.split(/=(.*)/s);
    const { store } = this.context;
    const [namespace, ...owner] = value.split("/");
    const pods = what === "node"
      ? [...(store.podsByNode.get(value)?.values() ?? [])]
      : [...store.table("pods").values()].filter((pod) => pod.owner === owner.join("/") && split(pod.key)[0] === namespace);
    pods.sort((a, b) => (a.key < b.key ? -1 : 1));
    const rows = pods.map((pod) => h("button", { type: "button", data: { open: `pods/${pod.key}`, state: pod.state } },
      glyph(pod.state), h("span", { class: "name" }, split(pod.key)[1]),
      h("span", { class: "note" }, what === "node" ? split(pod.key)[0] : pod.node || "no node"), h("span", { class: "state-text" }, pod.status)));
    list.replaceChildren(...(rows.length ? rows : [h("p", { class: "muted" }, "None.")]));
  }

  tick(now) {
    const box = $("#drawer-coming", this.root);
    if (!box) return;
    const [table, key] = this.#row();
    const row = table ? this.context.store.table(table).get(key) : null;
    const words = [];
    if (row?.not_ready_at) words.push(`NotReady in ${countdown(row.not_ready_at - now)}`);
    if (row?.evict_at) words.push(`evicts in ${countdown(row.evict_at - now)}`);
    if (row?.gone_at) words.push(`grace ends in ${countdown(row.gone_at - now)}`);
    if (row?.restart_at) words.push(`restarts in ${countdown(row.restart_at - now)}`);
    box.textContent = words.join(", ");
  }
}

const labelOf = (element) => element.getAttribute("aria-label") || element.textContent.trim();
