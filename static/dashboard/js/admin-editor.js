// The YAML editor inside Django's admin, in the admin's theme.
import { upgrade } from "./editor.js";

const dark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
};

for (const textarea of document.querySelectorAll("textarea.yaml")) {
  upgrade(textarea);
  const editor = textarea.closest(".editor");
  const paint = () => (editor.dataset.theme = dark() ? "dark" : "light");
  paint();
  new MutationObserver(paint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}
