// Wires the page: one store, one socket, one clock; every room subscribes to what it shows.
import { Bar } from "./bar.js";
import { Clock, duration } from "./clock.js";
import { Coming } from "./coming.js";
import { toast, wireDialogs } from "./dialogs.js";
import { $, $$, text } from "./dom.js";
import { Drawer } from "./drawer.js";
import { upgrade } from "./editor.js";
import { Events } from "./events.js";
import { Services, Workloads } from "./lists.js";
import { ClusterMap } from "./map.js";
import { Socket } from "./socket.js";
import { Store } from "./store.js";
import { Summary } from "./summary.js";

const store = new Store();
const clock = new Clock();
const context = { store, clock };
context.drawer = new Drawer($("#drawer"), context);
const bar = new Bar(context);
const map = new ClusterMap(context);
const coming = new Coming(context);
new Summary(context);
new Workloads(context);
new Services(context);
new Events(context);
wireDialogs();
context.drawer.start();
const socket = new Socket(store, clock, (state, seconds) => bar.status(state, seconds));

// Numbers that only time changes. Four times a second is enough at any speed.
function tick() {
  if (document.hidden) return;
  const now = clock.now();
  bar.tick(now);
  map.tick(now);
  coming.tick(now);
  context.drawer.tick(now);
  if (now) for (const element of $$("[data-moment]")) text(element, age(now, Number(element.dataset.moment)));
}
setInterval(tick, 250);

function age(now, moment) {
  return moment > now + 1 ? `in ${duration(moment - now)}` : duration(now - moment);
}

document.body.addEventListener("htmx:afterSwap", (event) => {
  for (const each of $$("textarea.yaml", event.detail.target)) upgrade(each);
  tick();
});
document.body.addEventListener("edited", () => context.drawer.start());
document.body.addEventListener("click", (event) => {
  if (event.target.closest("[data-closes=drawer]")) context.drawer.close();
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, dialog");
  if (event.key === "Escape" && !typing) context.drawer.close();
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    event.preventDefault();
    $("#filter").focus();
  } else if (event.key === "c") $("[data-opens=create]")?.click();
  else if (event.key === " " && !event.target.closest("button, a, summary")) {
    event.preventDefault();
    bar.togglePause();
  }
});

addEventListener("error", (event) => toast(`This page has a fault: ${event.message}`, "bad"));
// For tests and the curious: the page's own view of the cluster.
window.orrery = { store, clock, socket };
