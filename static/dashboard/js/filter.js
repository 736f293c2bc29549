// Which pods the person wants to see: by state, namespace, text; and what is lit for the moment
// (the pods of the service or workload under the pointer).
import { split } from "./store.js";

class Filter extends EventTarget {
  constructor() {
    super();
    this.states = new Set();
    this.namespace = "";
    this.text = "";
    this.lit = null;
  }

  set(changes) {
    Object.assign(this, changes);
    this.dispatchEvent(new Event("change"));
  }

  light(test) {
    this.lit = test;
    this.dispatchEvent(new Event("light"));
  }

  get active() {
    return this.states.size > 0 || this.namespace !== "" || this.text !== "";
  }

  shows(pod) {
    if (this.states.size && !this.states.has(pod.state)) return false;
    if (this.namespace && split(pod.key)[0] !== this.namespace) return false;
    return !this.text || pod.key.includes(this.text) || pod.status.toLowerCase().includes(this.text);
  }

  lights(pod) {
    return this.lit !== null && this.lit(pod);
  }
}

export const filter = new Filter();
