// The page's copy of the server's state: tables of rows, kept equal to it by frames.
// Views subscribe to tables and hear, at most once a frame of the screen, which keys changed;
// "placement" lists nodes on which pods came or went.

export class Store {
  constructor() {
    this.epoch = 0;
    this.revision = 0;
    this.columns = {};
    this.tables = new Map();
    // Indexes kept along, so that no view walks thousands of pods because one changed.
    this.podsByNode = new Map();
    this.counts = {}; // pods by state
    this.ticking = new Map(); // pods with a moment ahead of them
    this.nodeOrder = 0; // changes when nodes come, go or change their role
    this.listeners = [];
    this.dirty = new Map();
    this.scheduled = false;
    this.fresh = true; // true while the first snapshot is being shown: nothing "just happened"
  }

  table(name) {
    let found = this.tables.get(name);
    if (!found) this.tables.set(name, (found = new Map()));
    return found;
  }

  on(names, listener) {
    this.listeners.push({ names: new Set(names), listener });
  }

  // Take over a frame. False when it does not continue from here (then ask for a snapshot).
  apply(frame) {
    if (frame.type === "snapshot") this.#replace(frame);
    else if (frame.from !== this.revision) return false;
    for (const [name, rows] of Object.entries(frame.rows)) {
      for (const row of rows) this.#set(name, row);
    }
    for (const [name, keys] of Object.entries(frame.gone ?? {})) {
      for (const key of keys) this.#remove(name, key);
    }
    this.revision = frame.revision;
    this.#schedule();
    return true;
  }

  #replace(frame) {
    this.epoch = frame.epoch;
    this.columns = frame.columns;
    this.fresh = this.revision === 0;
    for (const [name, rows] of this.tables) {
      const kept = new Set((frame.rows[name] ?? []).map((row) => row[0]));
      for (const key of [...rows.keys()]) if (!kept.has(key)) this.#remove(name, key);
    }
    for (const name of Object.keys(frame.columns)) this.#mark(name, null);
  }

  #set(name, row) {
    const columns = this.columns[name];
    const object = { key: row[0] };
    for (let at = 0; at < columns.length; at += 1) object[columns[at]] = row[at + 1];
    const table = this.table(name);
    const before = table.get(row[0]);
    if (name === "pods") this.#index(before, object);
    if (name === "nodes" && before?.role !== object.role) this.nodeOrder += 1;
    table.set(row[0], object);
    this.#mark(name, row[0]);
  }

  #remove(name, key) {
    const table = this.table(name);
    const before = table.get(key);
    if (!before) return;
    if (name === "pods") this.#index(before, null);
    if (name === "nodes") this.nodeOrder += 1;
    table.delete(key);
    this.#mark(name, key);
  }

  #index(before, after) {
    const key = (after ?? before).key;
    if (before) this.counts[before.state] -= 1;
    if (after) this.counts[after.state] = (this.counts[after.state] ?? 0) + 1;
    if (after && (after.evict_at || after.gone_at || after.restart_at)) this.ticking.set(key, after);
    else this.ticking.delete(key);
    if (before && before.node !== after?.node) {
      this.podsByNode.get(before.node)?.delete(key);
      this.#mark("placement", before.node);
    }
    if (!after) return;
    let home = this.podsByNode.get(after.node);
    if (!home) this.podsByNode.set(after.node, (home = new Map()));
    if (!home.has(key)) this.#mark("placement", after.node);
    home.set(key, after);
  }

  #mark(name, key) {
    let keys = this.dirty.get(name);
    if (!keys) this.dirty.set(name, (keys = new Set()));
    if (key !== null) keys.add(key);
  }

  #schedule() {
    if (this.scheduled) return;
    this.scheduled = true;
    // A hidden page gets no animation frames; it still has to keep up.
    if (document.hidden) setTimeout(() => this.#flush(), 250);
    else requestAnimationFrame(() => this.#flush());
  }

  #flush() {
    this.scheduled = false;
    const dirty = this.dirty;
    this.dirty = new Map();
    for (const { names, listener } of this.listeners) {
      if ([...names].some((name) => dirty.has(name))) listener(dirty);
    }
    this.fresh = false;
  }
}

export const split = (key) => {
  const at = key.indexOf("/");
  return at < 0 ? ["", key] : [key.slice(0, at), key.slice(at + 1)];
};
