// A textarea with line numbers and colours: the text lies, transparent, over its own echo.

const TOKEN = /^(\s*(?:- )*)([^\s#:'"][^:#'"\n]*?|"[^"]*"|'[^']*')(:)(?=\s|$)|(#.*$)|("(?:[^"\\]|\\.)*"|'[^']*')|(\b(?:true|false|null)\b|(?<![\w./-])-?\d+(?:\.\d+)?(?![\w./-]))|^(---|\.\.\.)$/gm;

export function upgrade(textarea) {
  if (textarea.closest(".editor")) return;
  const editor = document.createElement("div");
  editor.className = "editor";
  const gutter = document.createElement("div");
  gutter.className = "gutter";
  gutter.setAttribute("aria-hidden", "true");
  const sheet = document.createElement("div");
  sheet.className = "sheet";
  const echo = document.createElement("pre");
  echo.setAttribute("aria-hidden", "true");
  textarea.replaceWith(editor);
  sheet.append(echo, textarea);
  editor.append(gutter, sheet);
  const form = textarea.form;
  const draw = () => {
    echo.replaceChildren(...colour(textarea.value), "\n");
    number(gutter, textarea.value, badLines(form));
    follow();
  };
  const follow = () => {
    echo.scrollTop = textarea.scrollTop;
    echo.scrollLeft = textarea.scrollLeft;
    gutter.scrollTop = textarea.scrollTop;
  };
  textarea.addEventListener("input", draw);
  textarea.addEventListener("scroll", follow);
  textarea.addEventListener("keydown", (event) => indent(event, textarea, draw));
  document.body.addEventListener("htmx:afterSwap", () => textarea.isConnected && draw());
  draw();
}

// Lines that an error message near the editor names.
function badLines(form) {
  const words = form?.querySelector(".errors")?.textContent ?? "";
  return new Set([...words.matchAll(/\bline (\d+)/g)].map((found) => Number(found[1])));
}

function number(gutter, value, bad) {
  const lines = value.split("\n").length;
  const parts = [];
  for (let at = 1; at <= lines; at += 1) {
    if (bad.has(at)) {
      const mark = document.createElement("b");
      mark.textContent = String(at);
      parts.push(mark, "\n");
    } else parts.push(`${at}\n`);
  }
  gutter.replaceChildren(...parts);
}

function colour(value) {
  const out = [];
  let at = 0;
  for (const found of value.matchAll(TOKEN)) {
    const [whole, lead, key, colon, comment, string, scalar, rule] = found;
    out.push(value.slice(at, found.index));
    if (key !== undefined) out.push(lead, span("k", key), span("p", colon));
    else if (comment !== undefined) out.push(span("c", comment));
    else if (string !== undefined) out.push(span("s", string));
    else if (scalar !== undefined) out.push(span("n", scalar));
    else out.push(span("p", rule));
    at = found.index + whole.length;
  }
  out.push(value.slice(at));
  return out;
}

function span(name, words) {
  const element = document.createElement("span");
  element.className = name;
  element.textContent = words;
  return element;
}

// Tab indents by two; Escape first, then Tab leaves the field, so that the keyboard is no trap.
function indent(event, textarea, draw) {
  if (event.key === "Escape") {
    textarea.dataset.leaving = "1";
    event.stopPropagation();
    return;
  }
  if (event.key === "Tab" && !textarea.dataset.leaving && !event.shiftKey) {
    event.preventDefault();
    textarea.setRangeText("  ", textarea.selectionStart, textarea.selectionEnd, "end");
    draw();
  } else if (event.key === "Enter" && !event.metaKey && !event.ctrlKey) {
    const before = textarea.value.slice(0, textarea.selectionStart);
    const lead = /(?:^|\n)([ ]*)[^\n]*$/.exec(before)?.[1] ?? "";
    event.preventDefault();
    textarea.setRangeText(`\n${lead}`, textarea.selectionStart, textarea.selectionEnd, "end");
    draw();
  }
  delete textarea.dataset.leaving;
}
