// Nodes as cells on one canvas, a shape for every pod: a thousand nodes and none hidden.
// Only the rows in view are drawn, and only when something changed.
import { countdown } from "./clock.js";
import { sorted, stateOf } from "./cards.js";
import { filter } from "./filter.js";
import { drawShape } from "./states.js";
import { hideTip, showTip } from "./tip.js";

const PAD = 16;
const GAP = 8;
const CAPTION = 16;
const DOT = 10;

export class Field {
  constructor(root, context) {
    this.root = root;
    this.context = context;
    this.canvas = root.querySelector("canvas");
    this.spacer = root.querySelector(".spacer");
    this.pen = this.canvas.getContext("2d");
    this.nodes = [];
    this.stale = false;
    this.visible = false;
    root.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.visible && this.show()).observe(root);
    root.addEventListener("pointermove", (event) => this.#hover(event));
    root.addEventListener("pointerleave", hideTip);
    root.addEventListener("click", (event) => this.#click(event));
    filter.addEventListener("change", () => this.draw());
    filter.addEventListener("light", () => this.draw());
    new MutationObserver(() => this.draw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  show() {
    this.visible = true;
    this.root.hidden = false;
    this.#layout();
    this.draw();
  }

  hide() {
    this.visible = false;
    this.root.hidden = true;
  }

  update(dirty) {
    if (dirty === null || dirty.has("nodes") || dirty.has("placement")) this.#layout();
    this.draw();
  }

  restyle() {
    this.draw();
  }

  tick(now) {
    if (this.nodes.some((node) => node.not_ready_at || node.evict_at)) this.draw(now);
  }

  #layout() {
    const { store } = this.context;
    this.nodes = sorted(store);
    let most = 1;
    for (const node of this.nodes) most = Math.max(most, store.podsByNode.get(node.key)?.size ?? 0);
    const width = Math.max(200, this.root.clientWidth - 2 * PAD);
    // Cells as narrow as the name allows; pods wrap inside.
    this.across = Math.max(8, Math.ceil(Math.sqrt(most * 2.2)));
    const wanted = this.across * DOT + 14;
    this.columns = Math.max(1, Math.floor((width + GAP) / (wanted + GAP)));
    this.cell = (width + GAP) / this.columns - GAP;
    this.across = Math.max(1, Math.floor((this.cell - 14) / DOT));
    this.height = CAPTION + 12 + Math.ceil(most / this.across) * DOT;
    const rows = Math.ceil(this.nodes.length / this.columns);
    this.spacer.style.height = `${2 * PAD + rows * (this.height + GAP) - GAP}px`;
    this.#resize();
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.root;
    const scale = devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * scale) || this.canvas.height !== Math.round(height * scale)) {
      this.canvas.width = Math.round(width * scale);
      this.canvas.height = Math.round(height * scale);
      this.canvas.style.width = `${width}px`;
      this.canvas.style.height = `${height}px`;
    }
  }

  draw() {
    if (!this.visible || this.stale) return;
    this.stale = true;
    requestAnimationFrame(() => {
      this.stale = false;
      if (this.visible) this.#paint();
    });
  }

  #paint() {
    const pen = this.pen;
    const scale = devicePixelRatio || 1;
    const style = getComputedStyle(document.documentElement);
    this.colours = Object.fromEntries(
      ["run", "wait", "pend", "done", "fail", "term", "lost", "line", "raised", "sunk", "ink", "ink-2", "ink-3", "brass"]
        .map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    this.font = getComputedStyle(document.body).fontFamily;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, this.root.clientWidth, this.root.clientHeight);
    const step = this.height + GAP;
    const first = Math.max(0, Math.floor((this.root.scrollTop - PAD) / step));
    const last = Math.ceil((this.root.scrollTop + this.root.clientHeight - PAD) / step);
    for (let row = first; row < last; row += 1) {
      for (let column = 0; column < this.columns; column += 1) {
        const node = this.nodes[row * this.columns + column];
        if (node) this.#cell(node, PAD + column * (this.cell + GAP), PAD + row * step - this.root.scrollTop);
      }
    }
  }

  #cell(node, x, y) {
    const { pen, colours } = this;
    const state = stateOf(node);
    const selected = this.context.drawer.is(`nodes/-/${node.key}`);
    pen.beginPath();
    pen.roundRect(x + 0.5, y + 0.5, this.cell - 1, this.height - 1, 5);
    pen.fillStyle = state === "lost" ? colours.sunk : colours.raised;
    pen.fill();
    pen.strokeStyle = selected ? colours.brass : state === "run" ? colours.line : colours[state];
    pen.lineWidth = selected ? 2 : 1;
    if (state === "lost") pen.setLineDash([4, 3]);
    pen.stroke();
    pen.setLineDash([]);
    drawShape(pen, state, x + 6, y + 5, 9, colours[state]);
    pen.font = `550 11px ${this.font}`;
    pen.fillStyle = state === "run" ? colours.ink : colours[state];
    pen.textBaseline = "middle";
    const note = this.#note(node);
    pen.fillText(fit(pen, node.key, this.cell - 24 - (note ? pen.measureText(note).width + 6 : 0)), x + 19, y + 10);
    if (note) {
      pen.textAlign = "right";
      pen.fillText(note, x + this.cell - 6, y + 10);
      pen.textAlign = "left";
    }
    this.#pods(node, x + 7, y + CAPTION + 5);
  }

  #note(node) {
    const now = this.context.clock.now();
    if (node.not_ready_at) return countdown(node.not_ready_at - now);
    if (node.evict_at) return countdown(node.evict_at - now);
    return node.cordoned ? "cordoned" : "";
  }

  #pods(node, x, y) {
    const pods = this.context.store.podsByNode.get(node.key);
    if (!pods) return;
    let at = 0;
    for (const pod of pods.values()) {
      const px = x + (at % this.across) * DOT;
      const py = y + Math.floor(at / this.across) * DOT;
      const lit = filter.lights(pod);
      this.pen.globalAlpha = !lit && filter.active && !filter.shows(pod) ? 0.14 : 1;
      drawShape(this.pen, pod.state, px, py, DOT - 1, this.colours[pod.state]);
      this.pen.globalAlpha = 1;
      if (lit || this.context.drawer.is(`pods/${pod.key}`)) {
        this.pen.strokeStyle = this.colours.brass;
        this.pen.lineWidth = 1.5;
        this.pen.strokeRect(px - 0.5, py - 0.5, DOT, DOT);
      }
      at += 1;
    }
  }

  // What lies under a pointer: [node, pod or null, rectangle on the screen].
  #under(event) {
    const box = this.root.getBoundingClientRect();
    const x = event.clientX - box.left - PAD;
    const y = event.clientY - box.top + this.root.scrollTop - PAD;
    const column = Math.floor(x / (this.cell + GAP));
    const row = Math.floor(y / (this.height + GAP));
    if (column < 0 || column >= this.columns || row < 0) return null;
    const node = this.nodes[row * this.columns + column];
    if (!node) return null;
    const across = Math.floor((x - column * (this.cell + GAP) - 7) / DOT);
    const down = Math.floor((y - row * (this.height + GAP) - CAPTION - 5) / DOT);
    const inside = across >= 0 && across < this.across && down >= 0;
    const pods = this.context.store.podsByNode.get(node.key);
    const pod = inside && pods ? [...pods.values()][down * this.across + across] : undefined;
    return [node, pod ?? null, new DOMRect(event.clientX, event.clientY, 1, 12)];
  }

  #hover(event) {
    const found = this.#under(event);
    this.root.style.cursor = found ? "pointer" : "";
    if (found?.[1]) showTip(found[1], found[2], this.context.clock.now());
    else hideTip();
  }

  #click(event) {
    const found = this.#under(event);
    if (!found) return;
    const [node, pod] = found;
    this.context.drawer.open(pod ? `pods/${pod.key}` : `nodes/-/${node.key}`);
  }
}

function fit(pen, words, width) {
  if (pen.measureText(words).width <= width) return words;
  // Names differ at their end.
  let start = 1;
  while (start < words.length - 1 && pen.measureText(`…${words.slice(start)}`).width > width) start += 1;
  return `…${words.slice(start)}`;
}
