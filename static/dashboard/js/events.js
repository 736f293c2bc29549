// The newest Events, as the API has them.
import { clockText } from "./clock.js";
import { $, h, order, pathOf } from "./dom.js";
import { filter } from "./filter.js";
import { split } from "./store.js";

export class Events {
  constructor(context) {
    this.context = context;
    this.rows = new Map();
    this.warnings = false;
    context.store.on(["events"], (dirty) => this.#update(dirty));
    filter.addEventListener("change", () => this.#update(null));
    $("#only-warnings").addEventListener("click", (event) => {
      this.warnings = !this.warnings;
      event.currentTarget.setAttribute("aria-pressed", String(this.warnings));
      this.#update(null);
    });
  }

  #update(dirty) {
    const table = this.context.store.table("events");
    for (const key of dirty?.get("events") ?? []) this.rows.delete(key);
    const wanted = [...table.values()]
      .filter((event) => !this.warnings || event.type === "Warning")
      .filter((event) => !filter.namespace || split(event.key)[0] === filter.namespace)
      .sort((a, b) => b.revision - a.revision);
    const list = $("#events");
    if (!wanted.length) {
      list.replaceChildren(h("li", { class: "empty" }, h("strong", {}, this.warnings ? "No warnings." : "No events yet."),
        h("span", {}, "What the components do is told here, as kubectl get events does.")));
      this.rows.clear();
      return;
    }
    order(list, wanted.map((event) => this.#row(event)));
  }

  #row(event) {
    let row = this.rows.get(event.key);
    if (!row) this.rows.set(event.key, (row = this.#make(event)));
    return row;
  }

  #make(event) {
    const [namespace] = split(event.key);
    const path = pathOf(event.kind, event.kind === "Node" ? "" : namespace, event.name);
    const about = `${event.kind.toLowerCase()}/${event.name}`;
    const row = h("li", { data: { type: event.type } },
      h("div", { class: "head" },
        h("span", { class: "reason" }, event.reason),
        path
          ? h("button", { class: "link about", type: "button", onclick: () => this.context.drawer.open(path) }, about)
          : h("span", { class: "about" }, about),
        event.count > 1 ? h("span", { class: "times" }, `×${event.count}`) : null,
        h("time", {}, clockText(event.at))),
      h("p", { class: "message", title: event.message }, event.message));
    if (!this.context.store.fresh) row.classList.add("new");
    return row;
  }
}
