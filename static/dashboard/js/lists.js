// Tables of workloads and services: keyed rows, patched in place.
import { $, $$, glyph, h, mayOperate, order, pathOf, post, text, use } from "./dom.js";
import { duration } from "./clock.js";
import { filter } from "./filter.js";
import { split } from "./store.js";

class List {
  constructor(context, table, root, head) {
    this.context = context;
    this.table = table;
    this.root = root;
    this.rows = new Map();
    this.body = h("tbody");
    this.element = h("table", {}, h("thead", {}, h("tr", {}, head.map((name) =>
      h("th", { scope: "col" }, name || h("span", { class: "visually-hidden" }, "Actions"))))), this.body);
    context.store.on([table], (dirty) => this.update(dirty));
    filter.addEventListener("change", () => this.update(null));
    context.drawer.addEventListener("change", () => this.#select());
    this.body.addEventListener("pointerover", (event) => this.#light(event));
    this.body.addEventListener("pointerleave", () => filter.light(null));
  }

  update(dirty) {
    const all = this.context.store.table(this.table);
    for (const key of dirty?.get(this.table) ?? []) this.rows.delete(key);
    const shown = [...all.values()].filter((row) => !filter.namespace || this.namespace(row) === filter.namespace);
    shown.sort((a, b) => this.rank(a) - this.rank(b) || (a.key < b.key ? -1 : 1));
    text($(`#${this.table}-count`), all.size ? String(shown.length) : "");
    if (!shown.length) {
      this.root.replaceChildren(this.empty());
      window.htmx?.process(this.root);
      return;
    }
    const invited = this.invites(shown);
    if (this.element.parentElement !== this.root || this.invited !== invited) {
      this.root.replaceChildren(...(invited ? [this.empty()] : []), this.element);
      window.htmx?.process(this.root);
      this.invited = invited;
    }
    // A row somebody is working in keeps its focus: it is replaced under the same label.
    const focused = document.activeElement?.closest?.("tr")?.dataset.key;
    const label = focused && document.activeElement.getAttribute("aria-label");
    order(this.body, shown.map((row) => this.#row(row)));
    if (label && this.rows.has(focused)) $$("button", this.rows.get(focused)).find((b) => b.getAttribute("aria-label") === label)?.focus();
    this.#select();
  }

  // Whether to show the next step above the rows, e.g. while only the system's own are there.
  invites() {
    return false;
  }

  #row(row) {
    let element = this.rows.get(row.key);
    if (!element) {
      element = this.draw(row);
      element.dataset.key = row.key;
      element.dataset.path = this.path(row);
      element.row = row;
      this.rows.set(row.key, element);
    }
    return element;
  }

  #select() {
    for (const element of this.rows.values()) element.classList.toggle("selected", this.context.drawer.is(element.dataset.path));
  }

  #light(event) {
    const row = event.target.closest("tr")?.row;
    filter.light(row ? this.pods(row) : null);
  }

  title(row, name, under) {
    const open = () => this.context.drawer.open(this.path(row));
    return h("td", {}, h("div", { class: "title" }, h("button", { class: "link", type: "button", onclick: open }, h("b", {}, name)), h("small", {}, under)));
  }

  age(row) {
    return h("td", { class: "fit muted", data: { moment: row.created } }, duration(this.context.clock.now() - row.created));
  }
}

const ORDER = { Deployment: 0, DaemonSet: 1, ReplicaSet: 2, Job: 3 };

export class Workloads extends List {
  constructor(context) {
    super(context, "workloads", $("#workloads"), ["Name", "Status", "Ready", "Age", ""]);
  }

  parts(row) {
    return row.key.split("/");
  }

  namespace(row) {
    return this.parts(row)[1];
  }

  rank(row) {
    const [kind, namespace] = this.parts(row);
    return (namespace.startsWith("kube-") ? 10 : 0) + (ORDER[kind] ?? 5);
  }

  path(row) {
    return pathOf(...this.parts(row));
  }

  invites(shown) {
    return !filter.namespace && shown.every((row) => this.namespace(row).startsWith("kube-"));
  }

  pods(row) {
    const [kind, namespace, name] = this.parts(row);
    const owner = `${kind}/${name}`;
    return (pod) => pod.owner === owner && split(pod.key)[0] === namespace;
  }

  draw(row) {
    const [kind, namespace, name] = this.parts(row);
    const under = [kind, namespace === "default" ? "" : namespace, row.images.join(", ")].filter(Boolean).join(" · ");
    const track = h("span", { class: "track" });
    track.style.setProperty("--share", row.desired ? Math.min(1, row.ready / row.desired).toFixed(3) : "0");
    return h("tr", { data: { state: row.tone } },
      this.title(row, name, under),
      h("td", { class: "fit" }, h("span", { class: "state-text" }, glyph(row.tone), row.status)),
      h("td", { class: "fit" }, h("div", { class: "progress" }, track, h("b", {}, `${row.ready} / ${row.desired}`))),
      this.age(row),
      h("td", { class: "tools" }, mayOperate() ? this.#tools(kind, namespace, name, row) : null));
  }

  #tools(kind, namespace, name, row) {
    const base = `/workloads/${kind}/${namespace}/${name}`;
    const scale = (replicas) => post(`${base}/scale/`, { replicas: Math.max(0, replicas) });
    const tools = [];
    if (kind === "Deployment" || kind === "ReplicaSet") {
      tools.push(h("span", { class: "stepper" },
        h("button", { type: "button", "aria-label": `One ${name} less`, title: "Scale down by one", onclick: () => scale(row.desired - 1) }, "−"),
        h("button", { type: "button", "aria-label": `One ${name} more`, title: "Scale up by one", onclick: () => scale(row.desired + 1) }, "+")));
    }
    if (kind === "Deployment" || kind === "DaemonSet") {
      tools.push(h("button", { class: "quiet tiny", type: "button", "aria-label": `Restart ${name}`, title: "Rolling restart", onclick: () => post(`${base}/restart/`) }, use("i-restart", "icon")));
    }
    return tools;
  }

  empty() {
    const create = mayOperate()
      ? h("button", { type: "button", "hx-get": "/create/deployment/", "hx-target": "#create", "data-opens": "create" }, "Create a deployment")
      : null;
    return h("div", { class: "empty" }, h("strong", {}, "Nothing of yours is running yet."),
      h("span", {}, "A Deployment keeps pods alive: ", h("code", {}, "kubectl create deployment web --image=nginx --replicas=3")), create);
  }
}

export class Services extends List {
  constructor(context) {
    super(context, "services", $("#services"), ["Name", "Cluster IP", "Ports", "Endpoints"]);
  }

  namespace(row) {
    return split(row.key)[0];
  }

  rank(row) {
    return this.namespace(row).startsWith("kube-") ? 1 : 0;
  }

  path(row) {
    return pathOf("Service", ...split(row.key));
  }

  pods(row) {
    const [namespace, name] = split(row.key);
    return (pod) => split(pod.key)[0] === namespace && pod.services.includes(name);
  }

  draw(row) {
    const [namespace, name] = split(row.key);
    const state = row.total === 0 ? "wait" : row.ready === row.total ? "run" : row.ready ? "pend" : "fail";
    const under = [row.type, namespace === "default" ? "" : namespace, row.selector].filter(Boolean).join(" · ");
    const words = row.total === 0 ? "none" : row.ready === row.total ? `${row.total} ready` : `${row.ready} of ${row.total} ready`;
    return h("tr", { data: { state } },
      this.title(row, name, under),
      h("td", { class: "fit mono" }, row.ip || "None"),
      h("td", { class: "mono small" }, row.ports.join(", ")),
      h("td", { class: "fit" }, h("span", { class: "state-text" }, glyph(state), words)));
  }

  empty() {
    return h("div", { class: "empty" }, h("strong", {}, "No services here."), h("span", {}, "A Service gives pods one address: ", h("code", {}, "kubectl expose deployment web --port=80")));
  }
}
