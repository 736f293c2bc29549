// Nodes as a table: the twin of cards and canvas for screen readers, and for comparing numbers.
import { duration } from "./clock.js";
import { glyph, h } from "./dom.js";
import { sorted, stateOf, wordOf } from "./cards.js";

const HEAD = ["Name", "Status", "Role", "Pods", "CPU", "Memory", "Internal IP", "Version", "Age"];

export class NodeTable {
  constructor(root, context) {
    this.root = root;
    this.context = context;
    this.body = h("tbody");
    root.append(h("table", {}, h("thead", {}, h("tr", {}, HEAD.map((name) => h("th", { scope: "col" }, name)))), this.body));
  }

  show() {
    this.root.hidden = false;
    this.update(null);
  }

  hide() {
    this.root.hidden = true;
  }

  update(dirty) {
    if (dirty && !dirty.has("nodes")) return;
    this.body.replaceChildren(...sorted(this.context.store).map((node) => this.#row(node)));
  }

  restyle() {}

  tick() {}

  #row(node) {
    const open = () => this.context.drawer.open(`nodes/-/${node.key}`);
    const age = duration(this.context.clock.now() - node.created);
    return h("tr", {},
      h("td", {}, h("button", { class: "link", type: "button", onclick: open }, h("b", {}, node.key))),
      h("td", {}, h("span", { class: "state-text", data: { state: stateOf(node) } }, glyph(stateOf(node)), wordOf(node))),
      h("td", {}, node.role || "—"),
      h("td", {}, `${node.pods} / ${node.pods_max}`),
      h("td", {}, `${node.cpu}m / ${node.cpu_max}m`),
      h("td", {}, `${node.memory} / ${node.memory_max} Mi`),
      h("td", { class: "mono" }, node.ip),
      h("td", { class: "mono" }, node.version),
      h("td", { data: { moment: node.created } }, age));
  }
}
