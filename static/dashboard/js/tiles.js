// Pod tiles in the DOM: one button each, patched in place. Used by cards and by the waiting lane.
import { filter } from "./filter.js";
import { h, order, reglyph, use } from "./dom.js";
import { split } from "./store.js";
import { hideTip, showTip } from "./tip.js";
import { WORDS } from "./states.js";

export class Tiles {
  constructor(context) {
    this.context = context; // {store, clock, drawer}
    this.elements = new Map();
    filter.addEventListener("change", () => this.restyle());
    filter.addEventListener("light", () => this.restyle());
  }

  // Fill `parent` with the tiles of `pods`, in the order of their keys.
  fill(parent, pods) {
    const sorted = [...pods].sort(byPlace);
    order(parent, sorted.map((pod) => this.tile(pod)));
  }

  tile(pod) {
    let element = this.elements.get(pod.key);
    if (!element) {
      element = this.#make(pod);
      this.elements.set(pod.key, element);
    }
    if (element.pod !== pod) this.#patch(element, pod);
    return element;
  }

  // A pod's row changed (or, without one, went): patch its tile if it has one.
  refresh(key, pod) {
    const element = this.elements.get(key);
    if (!pod) this.forget(key);
    else if (element) this.#patch(element, pod);
  }

  forget(key) {
    this.elements.get(key)?.remove();
    this.elements.delete(key);
  }

  clear() {
    for (const key of [...this.elements.keys()]) this.forget(key);
  }

  #make(pod) {
    const element = h("button", { class: "tile", type: "button" }, use(`s-${pod.state}`, ""));
    if (!this.context.store.fresh) {
      element.classList.add("born");
      setTimeout(() => element.classList.remove("born"), 500);
    }
    element.classList.toggle("system", split(pod.key)[0].startsWith("kube-"));
    return element;
  }

  #patch(element, pod) {
    const before = element.pod;
    element.pod = pod;
    if (before?.state !== pod.state) {
      element.dataset.state = pod.state;
      reglyph(element.firstElementChild, pod.state);
      if (before) {
        element.classList.add("changed");
        setTimeout(() => element.classList.remove("changed"), 650);
      }
    }
    if (before?.status !== pod.status || before?.ready !== pod.ready) {
      const [, name] = split(pod.key);
      element.setAttribute("aria-label", `${name}: ${pod.status}, ${WORDS[pod.state]}`);
    }
    this.#style(element);
  }

  #style(element) {
    const pod = element.pod;
    element.classList.toggle("dim", filter.active && !filter.shows(pod));
    element.classList.toggle("lit", filter.lights(pod));
    element.classList.toggle("selected", this.context.drawer.is(`pods/${pod.key}`));
  }

  restyle() {
    for (const element of this.elements.values()) this.#style(element);
  }
}

// Own pods first, then the system's; each by name.
function byPlace(a, b) {
  const systemA = a.key.startsWith("kube-");
  const systemB = b.key.startsWith("kube-");
  if (systemA !== systemB) return systemA ? 1 : -1;
  return a.key < b.key ? -1 : 1;
}

// Pointer and keyboard for all tiles under `root`.
export function wireTiles(root, context) {
  const over = (event) => {
    const tile = event.target.closest(".tile");
    if (tile?.pod) showTip(tile.pod, tile.getBoundingClientRect(), context.clock.now());
  };
  root.addEventListener("pointerover", over);
  root.addEventListener("focusin", over);
  root.addEventListener("pointerout", hideTip);
  root.addEventListener("focusout", hideTip);
  root.addEventListener("click", (event) => {
    const tile = event.target.closest(".tile");
    if (tile?.pod) context.drawer.open(`pods/${tile.pod.key}`);
  });
  root.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 10, ArrowUp: -10 }[event.key];
    const tile = event.target.closest(".tile");
    if (!step || !tile) return;
    const all = [...root.querySelectorAll(".tile")];
    const next = all[Math.min(all.length - 1, Math.max(0, all.indexOf(tile) + step))];
    next?.focus();
    event.preventDefault();
  });
}
