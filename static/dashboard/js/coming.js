// What is coming, soonest first: moments that the server derived from leases, taints, back-offs.
import { countdown } from "./clock.js";
import { $, glyph, h, text } from "./dom.js";
import { split } from "./store.js";

const SHOWN = 30;

export class Coming {
  constructor(context) {
    this.context = context;
    this.entries = [];
    context.store.on(["nodes", "pods"], () => this.#collect());
  }

  #collect() {
    const { store } = this.context;
    const groups = new Map();
    const add = (at, state, what, about, path) => {
      const key = `${what} ${about}`;
      const found = groups.get(key);
      if (found) {
        found.count += 1;
        found.at = Math.min(found.at, at);
      } else groups.set(key, { key, at, state, what, about, path, count: 1 });
    };
    for (const node of store.table("nodes").values()) {
      if (node.not_ready_at) add(node.not_ready_at, "wait", "NotReady", node.key, `nodes/-/${node.key}`);
    }
    for (const pod of store.ticking.values()) {
      if (pod.evict_at) add(pod.evict_at, "fail", "Evicted from", pod.node, `nodes/-/${pod.node}`);
      if (pod.gone_at && pod.state === "term") add(pod.gone_at, "term", "Grace ends on", pod.node || "no node", `nodes/-/${pod.node}`);
      if (pod.restart_at) add(pod.restart_at, "wait", "Restarts", split(pod.key)[1], `pods/${pod.key}`);
    }
    this.entries = [...groups.values()].sort((a, b) => a.at - b.at).slice(0, SHOWN);
    this.#draw();
  }

  #draw() {
    const list = $("#coming");
    const shown = this.entries.map((entry) => `${entry.key} ${entry.at} ${entry.count}`).join("|");
    if (list.dataset.shown === shown && list.children.length) return;
    list.dataset.shown = shown;
    if (!this.entries.length) {
      list.replaceChildren(h("li", { class: "empty" }, h("strong", {}, "Nothing is ticking."),
        h("span", {}, "Fail a node with its power button and see what follows, and when.")));
      return;
    }
    list.replaceChildren(...this.entries.map((entry) => this.#row(entry)));
    this.tick(this.context.clock.now());
  }

  #row(entry) {
    const open = () => this.context.drawer.open(entry.path);
    const pods = entry.what === "NotReady" || entry.what === "Restarts" ? "" : `${entry.count} pod${entry.count === 1 ? "" : "s"}`;
    const note = entry.what === "NotReady" ? "lease not renewed" : pods;
    const row = h("li", { data: { state: entry.state } }, glyph(entry.state),
      h("div", { class: "what" }, h("button", { class: "link", type: "button", onclick: open }, `${entry.what} ${entry.about}`), h("small", {}, note)),
      h("span", { class: "left" }));
    row.at = entry.at;
    return row;
  }

  tick(now) {
    for (const row of $("#coming").children) {
      if (row.at) text(row.lastElementChild, countdown(row.at - now));
    }
  }
}
