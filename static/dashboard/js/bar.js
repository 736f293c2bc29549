// The top bar: cluster time and its speed, the connection badge, the theme.
import { clockText, dayText } from "./clock.js";
import { $, $$, mayOperate, post, reglyph, text, use } from "./dom.js";

const LINK = {
  live: ["run", "LIVE"],
  catching: ["pend", "CATCHING UP"],
  stale: ["fail", "STALE"],
};

export class Bar {
  constructor(context) {
    this.context = context;
    this.orbits = $$(".brand .orbit");
    this.turning = [];
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!still) this.turning = this.orbits.map((orbit) => orbit.animate(
      [{ transform: "rotate(0)" }, { transform: "rotate(360deg)" }],
      { duration: Number(orbit.dataset.period) * 1000, iterations: Infinity }));
    context.store.on(["clock"], () => this.#clock());
    $("#clock").addEventListener("click", (event) => this.#press(event));
    $("#theme").addEventListener("click", toggleTheme);
  }

  tick(now) {
    if (!now) return;
    text($("#clock-time"), clockText(now));
    text($("#clock-date"), dayText(now));
  }

  status(state, seconds) {
    const [tone, word] = LINK[state];
    const badge = $("#link");
    badge.dataset.state = tone;
    reglyph($(".glyph", badge), tone);
    const since = state === "stale" && seconds >= 1 ? ` ${Math.round(seconds)} s` : "";
    text($(".word", badge), seconds === 0 && state === "stale" ? "CONNECTING" : word + since);
    text($(".revision", badge), this.context.store.revision ? `r${this.context.store.revision}` : "");
    document.body.classList.toggle("stale", since !== "");
  }

  #clock() {
    const row = this.context.store.table("clock").get("cluster");
    if (!row) return;
    this.context.clock.rate(row.speed, row.paused);
    $("#clock").dataset.paused = String(row.paused);
    const pause = $("#clock-pause");
    pause.setAttribute("aria-pressed", String(row.paused));
    pause.setAttribute("aria-label", row.paused ? "Resume" : "Pause");
    $("use", pause).setAttribute("href", row.paused ? "#i-play" : "#i-pause");
    for (const button of $$("[data-speed]")) {
      button.setAttribute("aria-pressed", String(!row.paused && Number(button.dataset.speed) === row.speed));
    }
    for (const turn of this.turning) {
      if (row.paused) turn.pause();
      else {
        turn.updatePlaybackRate(Math.sqrt(row.speed));
        turn.play();
      }
    }
  }

  #press(event) {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.speed) post("/clock/", { speed: button.dataset.speed });
    else this.togglePause();
  }

  togglePause() {
    if (mayOperate()) post("/clock/", { do: this.context.clock.paused ? "resume" : "pause" });
  }
}

function toggleTheme() {
  const root = document.documentElement;
  const wanted = root.dataset.theme === "dark" ? "light" : "dark";
  root.dataset.theme = wanted;
  localStorage.setItem("orrery.theme", wanted);
}
