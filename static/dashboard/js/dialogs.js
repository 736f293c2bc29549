// Dialogs, confirmations and toasts.
import { $, glyph, h } from "./dom.js";

export function toast(words, tone = "good") {
  const close = () => element.remove();
  const element = h("div", { class: "toast", data: { tone } }, glyph(tone === "bad" ? "fail" : "done"),
    h("span", {}, words), h("button", { type: "button", "aria-label": "Dismiss", onclick: close }, "✕"));
  const box = $("#toasts");
  box.append(element);
  // Shown anew, it lies above a dialog that was opened meanwhile.
  if (box.matches(":popover-open")) box.hidePopover();
  box.showPopover();
  setTimeout(close, tone === "bad" ? 12_000 : 5_000);
  while (box.children.length > 4) box.firstElementChild.remove();
}

export function wireDialogs() {
  const body = document.body;
  const create = $("#create");
  body.addEventListener("toast", (event) => toast(event.detail.text, event.detail.tone));
  for (const name of ["created", "drained"]) body.addEventListener(name, () => create.close());
  body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target === create && !create.open) create.showModal();
    if (event.detail.target === create) focusFirst(create);
  });
  body.addEventListener("htmx:responseError", (event) => toast(problem(event.detail.xhr.status), "bad"));
  body.addEventListener("htmx:sendError", () => toast("The dashboard cannot be reached. Is Orrery still running?", "bad"));
  body.addEventListener("click", (event) => {
    const closes = event.target.closest("[data-closes]")?.dataset.closes;
    if (closes === "create") create.close();
    if (event.target === create) create.close();
  });
  create.addEventListener("close", () => create.replaceChildren());
  wireConfirm();
}

function focusFirst(dialog) {
  const wrong = $("[aria-invalid=true]", dialog);
  (wrong ?? $(".fields input:not([type=hidden], [type=checkbox]), .fields textarea", dialog))?.focus();
}

function problem(status) {
  if (status === 403) return "Your role does not allow this.";
  if (status === 404) return "There is nothing at this address any more.";
  if (status === 503) return "The cluster is not reachable from here.";
  return `The server answered ${status}. Its log says why.`;
}

// hx-confirm asks in our own dialog.
function wireConfirm() {
  const dialog = $("#confirm");
  let go = null;
  document.body.addEventListener("htmx:confirm", (event) => {
    if (!event.detail.question) return;
    event.preventDefault();
    go = () => event.detail.issueRequest(true);
    $("#confirm-text").textContent = event.detail.question;
    dialog.showModal();
  });
  dialog.addEventListener("click", (event) => {
    const answer = event.target.closest("button")?.value;
    if (!answer && event.target !== dialog) return;
    dialog.close();
    if (answer === "yes") go?.();
    go = null;
  });
}
