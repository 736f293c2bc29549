// Small helpers for building and patching elements. Texts are set as text, never as HTML.

const SVG = "http://www.w3.org/2000/svg";

export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "class") element.className = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "data") Object.assign(element.dataset, value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

export function use(id, className = "glyph") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  const inner = document.createElementNS(SVG, "use");
  inner.setAttribute("href", `#${id}`);
  svg.append(inner);
  return svg;
}

export const glyph = (state) => use(`s-${state}`);

export function reglyph(svg, state) {
  svg.firstElementChild.setAttribute("href", `#s-${state}`);
}

export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
export const mayOperate = () => document.body.dataset.operate === "1";

// Bring an element's children into the order of `wanted`, moving as few as possible.
export function order(parent, wanted) {
  let at = parent.firstElementChild;
  for (const element of wanted) {
    if (element === at) at = at.nextElementSibling;
    else parent.insertBefore(element, at);
  }
  while (at) {
    const next = at.nextElementSibling;
    at.remove();
    at = next;
  }
}

export function post(url, values = {}) {
  return window.htmx.ajax("POST", url, { swap: "none", values, source: document.body });
}

// Resource names in paths of the drawer.
export const RESOURCES = {
  Pod: "pods", Node: "nodes", Service: "services", Deployment: "deployments.apps",
  ReplicaSet: "replicasets.apps", DaemonSet: "daemonsets.apps", Job: "jobs.batch",
  Namespace: "namespaces", Endpoints: "endpoints", ConfigMap: "configmaps", Secret: "secrets",
  ServiceAccount: "serviceaccounts", Fault: "faults.orrery.sim", Machine: "machines.orrery.sim",
  Clock: "clocks.orrery.sim", Lease: "leases.coordination.k8s.io",
  EndpointSlice: "endpointslices.discovery.k8s.io",
};

export function pathOf(kind, namespace, name) {
  const resource = RESOURCES[kind];
  return resource ? `${resource}/${namespace || "-"}/${name}` : "";
}
