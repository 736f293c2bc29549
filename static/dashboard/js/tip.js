// One tooltip for all tiles: DOM ones and those on canvas.
import { duration } from "./clock.js";
import { glyph, h } from "./dom.js";
import { split } from "./store.js";

const tip = document.getElementById("tip");

export function showTip(pod, rect, now) {
  const [namespace, name] = split(pod.key);
  const facts = [namespace, pod.owner];
  const numbers = `${pod.ready}/${pod.containers} ready · ${pod.restarts} restart${pod.restarts === 1 ? "" : "s"} · ${duration(now - pod.created)}`;
  tip.dataset.state = pod.state;
  tip.replaceChildren(
    h("b", {}, name),
    h("span", { class: "status" }, glyph(pod.state), pod.status),
    h("span", { class: "muted" }, facts.filter(Boolean).join(" · ")),
    h("span", { class: "muted" }, pod.ip ? `${numbers} · ${pod.ip}` : numbers),
    pod.services.length ? h("span", { class: "muted" }, `behind ${pod.services.join(", ")}`) : null,
    pod.why && pod.state !== "run" ? h("span", {}, pod.why) : null,
  );
  tip.hidden = false;
  const { offsetWidth: width, offsetHeight: height } = tip;
  const left = Math.min(Math.max(8, rect.left), innerWidth - width - 8);
  const below = rect.bottom + 8 + height < innerHeight;
  tip.style.left = `${left}px`;
  tip.style.top = `${below ? rect.bottom + 8 : rect.top - height - 8}px`;
}

export function hideTip() {
  tip.hidden = true;
}
