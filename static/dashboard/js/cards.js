// Nodes as cards with one tile a pod: for clusters that fit a screen or a few.
import { countdown } from "./clock.js";
import { $, h, mayOperate, order, post, glyph, text, use } from "./dom.js";
import { Tiles, wireTiles } from "./tiles.js";

const cores = (milli) => (milli / 1000).toFixed(milli % 1000 ? 1 : 0);
const gib = (mib) => (mib / 1024).toFixed(mib < 10240 && mib % 1024 ? 1 : 0);

export class Cards {
  constructor(root, context) {
    this.root = root;
    this.context = context;
    this.tiles = new Tiles(context);
    this.cards = new Map();
    wireTiles(root, context);
  }

  // Everything, e.g. after another view was shown.
  show() {
    this.root.hidden = false;
    this.update(null);
  }

  hide() {
    this.root.hidden = true;
    this.tiles.clear();
    this.cards.clear();
    this.root.replaceChildren();
  }

  // `dirty`: the store's changed keys by table, or null for everything.
  update(dirty) {
    const { store } = this.context;
    const nodes = store.table("nodes");
    const names = dirty ? (dirty.get("nodes") ?? []) : nodes.keys();
    for (const name of names) this.#card(name, nodes.get(name));
    for (const key of dirty?.get("pods") ?? []) this.tiles.refresh(key, store.table("pods").get(key));
    const homes = new Set(dirty ? (dirty.get("placement") ?? []) : nodes.keys());
    for (const name of homes) this.#fill(name);
    if (this.shape === store.nodeOrder && dirty) return;
    this.shape = store.nodeOrder;
    order(this.root, sorted(store).map((node) => this.cards.get(node.key)));
  }

  restyle() {
    this.tiles.restyle();
    for (const [name, card] of this.cards) {
      card.classList.toggle("selected", this.context.drawer.is(`nodes/-/${name}`));
    }
  }

  tick(now) {
    for (const card of this.cards.values()) alarms(card, now);
  }

  #card(name, node) {
    if (!node) {
      this.cards.get(name)?.remove();
      this.cards.delete(name);
      return;
    }
    let card = this.cards.get(name);
    if (!card) this.cards.set(name, (card = this.#make(name)));
    card.node = node;
    this.#patch(card, node);
  }

  #make(name) {
    const open = () => this.context.drawer.open(`nodes/-/${name}`);
    const power = h("button", { class: "quiet square power", type: "button", onclick: () => toggle(card.node) }, use("i-power", "icon"));
    const card = h("article", { class: "node", "aria-label": `Node ${name}` },
      h("header", {},
        glyph("run"),
        h("button", { class: "link name", type: "button", onclick: open }, name),
        h("span", { class: "role chip", hidden: true }),
        h("span", { class: "grow" }),
        mayOperate() ? power : null),
      h("div", { class: "alarm", hidden: true }),
      h("div", { class: "tiles" }),
      h("div", { class: "meters" }, ["cpu", "memory", "pods"].map(meter)),
      h("div", { class: "facts" }, h("span", { class: "ip mono" }), h("span", { class: "zone" })),
    );
    return card;
  }

  #patch(card, node) {
    const state = stateOf(node);
    card.dataset.ready = node.ready;
    card.dataset.power = node.power ? "on" : "off";
    const mark = $("header > .glyph", card);
    mark.dataset.state = state;
    mark.firstElementChild.setAttribute("href", `#s-${state}`);
    const role = $(".role", card);
    role.hidden = !node.role;
    text(role, node.role);
    const power = $(".power", card);
    if (power) {
      const label = node.power ? `Power ${node.key} off` : `Bring ${node.key} back`;
      power.setAttribute("aria-label", label);
      power.title = label;
    }
    fillMeter(card, "cpu", node.cpu, node.cpu_max, `${cores(node.cpu)} / ${cores(node.cpu_max)}`);
    fillMeter(card, "memory", node.memory, node.memory_max, `${gib(node.memory)} / ${gib(node.memory_max)} Gi`);
    fillMeter(card, "pods", node.pods, node.pods_max, `${node.pods} / ${node.pods_max}`);
    text($(".ip", card), node.ip);
    text($(".zone", card), node.zone);
    alarms(card, this.context.clock.now());
    card.classList.toggle("selected", this.context.drawer.is(`nodes/-/${node.key}`));
  }

  #fill(name) {
    const card = this.cards.get(name);
    if (!card) return;
    const pods = this.context.store.podsByNode.get(name)?.values() ?? [];
    this.tiles.fill($(".tiles", card), pods);
  }
}

const METERS = { cpu: ["CPU", "CPU requested, cores"], memory: ["Mem", "Memory requested"], pods: ["Pods", "Pods of the node's maximum"] };

function meter(name) {
  const [label, title] = METERS[name];
  return h("div", { class: "meter", data: { meter: name }, title }, h("span", {}, label, h("b")), h("i"));
}

function fillMeter(card, name, used, limit, words) {
  const element = $(`[data-meter="${name}"]`, card);
  text($("b", element), words);
  const share = limit ? Math.min(1, used / limit) : 0;
  element.style.setProperty("--share", share.toFixed(3));
  element.style.setProperty("--least", used ? "2px" : "0");
  element.toggleAttribute("data-full", share > 0.9);
}

export function stateOf(node) {
  if (node.ready === "Unknown") return "lost";
  if (node.ready !== "True" || !node.power) return "wait";
  return "run";
}

export function wordOf(node) {
  const word = { True: "Ready", False: "NotReady" }[node.ready] ?? "NotReady";
  return node.cordoned ? `${word}, cordoned` : word;
}

function alarms(card, now) {
  const node = card.node;
  const chips = [];
  if (node.ready === "Unknown") chips.push(["lost", "NotReady: unreachable"]);
  else if (node.ready === "False") chips.push(["wait", `NotReady: ${node.reason}`]);
  if (!node.power) chips.push(["wait", "power off"]);
  if (node.not_ready_at) chips.push(["wait", `NotReady in ${countdown(node.not_ready_at - now)}`]);
  if (node.evict_at) chips.push(["fail", `evicts in ${countdown(node.evict_at - now)}`]);
  if (node.cordoned) chips.push(["done", "cordoned"]);
  const box = $(".alarm", card);
  const wanted = chips.map((chip) => chip.join(" ")).join("|");
  if (box.dataset.shown === wanted) return;
  box.dataset.shown = wanted;
  box.hidden = chips.length === 0;
  box.replaceChildren(...chips.map(([state, words]) => h("span", { class: "chip", data: { state } }, words)));
}

// Control planes first, then by name with its numbers as numbers.
const collator = new Intl.Collator("en", { numeric: true });
let known = { shape: -1, names: [] };
export function sorted(store) {
  const nodes = store.table("nodes");
  if (known.shape !== store.nodeOrder) {
    const all = [...nodes.values()].sort((a, b) => (b.role !== "") - (a.role !== "") || collator.compare(a.key, b.key));
    known = { shape: store.nodeOrder, names: all.map((node) => node.key) };
  }
  return known.names.map((name) => nodes.get(name));
}

function toggle(node) {
  post(`/nodes/${encodeURIComponent(node.key)}/${node.power ? "fail" : "restore"}/`);
}
