// The nodes' panel: chooses between cards, field and table; legend, filters, waiting lane.
import { Cards } from "./cards.js";
import { $, $$, glyph, h, text } from "./dom.js";
import { Field } from "./field.js";
import { filter } from "./filter.js";
import { NodeTable } from "./nodetable.js";
import { STATES } from "./states.js";
import { Tiles, wireTiles } from "./tiles.js";

const MANY = 60; // nodes; above this the field is the better first view
const LANE = 400; // tiles in the lane; more are counted in words and shown by the filter

export class ClusterMap {
  constructor(context) {
    this.context = context;
    this.views = {
      cards: new Cards($("#cards"), context),
      field: new Field($("#field"), context),
      table: new NodeTable($("#node-table"), context),
    };
    this.chosen = localStorage.getItem("orrery.view");
    this.current = null;
    this.laneTiles = new Tiles(context);
    wireTiles($("#lane-tiles"), context);
    this.#legend();
    this.#filters();
    context.store.on(["nodes", "pods", "placement", "namespaces"], (dirty) => this.update(dirty));
    context.drawer.addEventListener("change", () => this.restyle());
  }

  update(dirty) {
    const wanted = this.#wanted();
    if (wanted !== this.current) this.#switch(wanted);
    else this.views[wanted].update(dirty);
    this.#lane(dirty);
    this.#counts();
    if (dirty.has("namespaces")) this.#namespaces();
  }

  restyle() {
    if (this.current) this.views[this.current].restyle();
    this.laneTiles.restyle();
  }

  tick(now) {
    if (this.current) this.views[this.current].tick(now);
  }

  #wanted() {
    const many = this.context.store.table("nodes").size > MANY;
    return this.views[this.chosen] ? this.chosen : many ? "field" : "cards";
  }

  #switch(wanted) {
    if (this.current) this.views[this.current].hide();
    this.current = wanted;
    this.views[wanted].show();
    for (const button of $$("#views button")) button.setAttribute("aria-pressed", String(button.dataset.view === wanted));
  }

  #legend() {
    for (const [state, word] of STATES) {
      const button = h("button", { type: "button", "aria-pressed": "false", data: { state }, title: `Show only pods that are ${word}` },
        glyph(state), h("span", {}, word), h("b"));
      button.addEventListener("click", () => {
        filter.states.has(state) ? filter.states.delete(state) : filter.states.add(state);
        button.setAttribute("aria-pressed", String(filter.states.has(state)));
        filter.set({});
      });
      $("#legend").append(button);
    }
  }

  #filters() {
    $("#filter").addEventListener("input", (event) => filter.set({ text: event.target.value.trim().toLowerCase() }));
    $("#namespace").addEventListener("change", (event) => filter.set({ namespace: event.target.value }));
    $("#views").addEventListener("click", (event) => {
      const view = event.target.closest("button")?.dataset.view;
      if (!view) return;
      this.chosen = view;
      localStorage.setItem("orrery.view", view);
      this.#switch(view);
    });
  }

  #namespaces() {
    const names = [...this.context.store.table("namespaces").keys()].sort();
    const options = names.map((name) => h("option", { value: name, selected: name === filter.namespace }, name));
    $("#namespace").replaceChildren(h("option", { value: "" }, "All namespaces"), ...options);
  }

  #counts() {
    const { store } = this.context;
    for (const button of $$("#legend button")) {
      const { state } = button.dataset;
      const count = store.counts[state] ?? 0;
      text(button.lastElementChild, String(count));
      button.hidden = count === 0 && state !== "run" && !filter.states.has(state);
    }
    const nodes = [...store.table("nodes").values()];
    text($("#nodes-count"), nodes.length ? `${nodes.filter((n) => n.ready === "True").length} of ${nodes.length} ready` : "");
  }

  #lane(dirty) {
    const { store } = this.context;
    for (const key of dirty.get("pods") ?? []) {
      const pod = store.table("pods").get(key);
      this.laneTiles.refresh(key, pod?.node === "" ? pod : undefined);
    }
    const waiting = [...(store.podsByNode.get("")?.values() ?? [])];
    $("#lane").hidden = waiting.length === 0;
    if (waiting.length === 0) return;
    this.laneTiles.fill($("#lane-tiles"), waiting.slice(0, LANE));
    const reason = commonest(waiting.map((pod) => pod.why).filter(Boolean));
    const more = waiting.length > LANE ? `and ${waiting.length - LANE} more. ` : "";
    text($("#lane-why"), more + (reason || "Waiting for the scheduler."));
  }
}

function commonest(texts) {
  const counts = new Map();
  for (const each of texts) counts.set(each, (counts.get(each) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "";
}
