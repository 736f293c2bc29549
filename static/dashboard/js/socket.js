// The websocket: resume where we were, acknowledge frames, come back after a loss.
// Calls `onStatus("live" | "catching" | "stale", seconds since the last word)`.

const SILENCE = 12_000; // the server says something every 5 s

export class Socket {
  constructor(store, clock, onStatus) {
    this.store = store;
    this.clock = clock;
    this.onStatus = onStatus;
    this.attempt = 0;
    this.heard = 0;
    this.head = 0;
    this.applied = false;
    setInterval(() => this.#report(), 1000);
    addEventListener("online", () => this.#again());
    document.addEventListener("visibilitychange", () => document.hidden || this.#again());
    this.#open();
  }

  #open() {
    clearTimeout(this.timer);
    this.timer = null;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws/state`);
    this.socket = socket;
    this.applied = false;
    socket.onopen = () => {
      this.attempt = 0;
      this.#resume();
    };
    socket.onmessage = (event) => this.#receive(JSON.parse(event.data));
    socket.onclose = (event) => this.#closed(event.code);
  }

  #resume() {
    const { epoch, revision } = this.store;
    this.#send({ type: "resume", epoch, revision });
  }

  #send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  #receive(message) {
    this.heard = performance.now();
    if (message.type === "tick") {
      this.head = message.revision;
      this.clock.set(message.now);
    } else if (this.store.apply(message)) {
      this.applied = true;
      this.head = Math.max(this.head, message.revision);
      this.#send({ type: "ack", revision: message.revision });
    } else {
      // A gap: forget the position and ask anew.
      this.store.revision = 0;
      this.socket.close();
    }
    this.#report();
  }

  #closed(code) {
    this.#report();
    if (code === 4401) {
      location.assign("/login/");
      return;
    }
    const wait = Math.min(8000, 250 * 2 ** this.attempt) * (0.7 + Math.random() * 0.6);
    this.attempt += 1;
    this.timer = setTimeout(() => this.#open(), wait);
  }

  // Something suggests that the network is back: do not wait for the timer.
  #again() {
    if (this.timer && this.socket.readyState === WebSocket.CLOSED) this.#open();
  }

  #report() {
    const open = this.socket?.readyState === WebSocket.OPEN;
    const silent = performance.now() - this.heard;
    if (!open || silent > SILENCE) this.onStatus("stale", this.heard ? silent / 1000 : 0);
    else if (!this.applied || this.store.revision < this.head) this.onStatus("catching", 0);
    else this.onStatus("live", 0);
  }
}
