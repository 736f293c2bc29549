// The strip at the top: the control plane's organs and the cluster's totals.
import { $, glyph, h, text } from "./dom.js";
import { split } from "./store.js";

// Pods of kube-system that are the control plane, and the word under which people know them.
const ORGANS = [
  ["etcd-", "etcd"],
  ["kube-apiserver-", "kube-apiserver"],
  ["kube-scheduler-", "kube-scheduler"],
  ["kube-controller-manager-", "controller-manager"],
  ["coredns-", "coredns"],
  ["kube-proxy-", "kube-proxy"],
];
const WORST = ["fail", "lost", "wait", "pend", "run", "term", "done"];

export class Summary {
  constructor(context) {
    this.context = context;
    context.store.on(["pods", "nodes"], (dirty) => {
      if (dirty.has("nodes")) this.#totals(context.store);
      if ([...(dirty.get("pods") ?? [])].some((key) => key.startsWith("kube-system/"))) this.#update();
    });
  }

  #update() {
    const { store, drawer } = this.context;
    const system = [...store.table("pods").values()].filter((pod) => split(pod.key)[0] === "kube-system");
    const organs = ORGANS.map(([prefix, word]) => [word, system.filter((pod) => split(pod.key)[1].startsWith(prefix))]);
    const wanted = organs.filter(([, pods]) => pods.length).map(([word, pods]) => this.#organ(word, pods, drawer));
    const shown = wanted.map((element) => element.dataset.sign).join();
    const plane = $("#plane");
    if (plane.dataset.shown !== shown) {
      plane.dataset.shown = shown;
      plane.replaceChildren(plane.firstElementChild, ...wanted);
      if (!wanted.length) plane.append(h("span", { class: "muted" }, "starting"));
    }
  }

  #organ(word, pods, drawer) {
    // Those on their way out count only when nothing else is there.
    const staying = pods.filter((pod) => pod.state !== "term");
    if (staying.length) pods = staying;
    const state = WORST.find((each) => pods.some((pod) => pod.state === each)) ?? "lost";
    const good = pods.filter((pod) => pod.state === "run").length;
    const count = pods.length > 1 ? ` ${good}/${pods.length}` : "";
    const status = pods.find((pod) => pod.state === state).status;
    return h("button", {
      class: "organ", type: "button", title: `${word}: ${status}`, data: { state, sign: word + state + count + pods[0].key },
      onclick: () => drawer.open(`pods/${pods[0].key}`),
    }, glyph(state), word + count, h("span", { class: "visually-hidden" }, status));
  }

  #totals(store) {
    const nodes = [...store.table("nodes").values()];
    const sum = (column) => nodes.reduce((total, node) => total + node[column], 0);
    const cores = (milli) => Number((milli / 1000).toFixed(1)).toLocaleString("en");
    const gib = (mib) => Number((mib / 1024).toFixed(1)).toLocaleString("en");
    const totals = [
      ["CPU requested", `${cores(sum("cpu"))} of ${cores(sum("cpu_max"))} cores`],
      ["Memory", `${gib(sum("memory"))} of ${gib(sum("memory_max"))} GiB`],
    ];
    if (nodes.length) text($("#version"), nodes[0].version);
    const box = $("#totals");
    if (!box.children.length) box.append(...totals.map(([word]) => h("div", {}, h("span", {}, word), h("b"))));
    totals.forEach(([, words], at) => text(box.children[at].lastElementChild, words));
  }
}
