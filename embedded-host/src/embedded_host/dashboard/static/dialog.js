/** @file Modal dialogs, and two parts of them: the box with a curl command, and the JSON editor. */
import { h, add, button, copyButton, truncate, field, unique, visible } from "./dom.js";
import { LONG } from "./values.js";

/**
 * Open a dialog with the children that content(close) returns.
 * Ctrl+Enter clicks the primary button, or the last button of a dialog without a primary button.
 */
export function dialog(title, content) {
  const heading = h("h2", { id: unique("dialog") }, title);
  const node = h("dialog", {
    "aria-labelledby": heading.id,
    onclose: () => node.remove(),
    onkeydown: (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      const primary = node.querySelector(".buttons .primary:not([hidden])");
      (primary || [...node.querySelectorAll(".buttons button:not([hidden])")].pop())?.click();
    },
  });
  const close = () => node.close();
  add(node, [heading, content(close)]);
  document.body.append(node);
  node.showModal();
  return node;
}

/**
 * Return a collapsed box with the command that text() returns.
 * The box shows only the beginning of a long command. The button copies the whole command.
 */
export function curlBox(text) {
  const code = h("code");
  const update = () => {
    code.textContent = visible(truncate(text(), LONG));
  };
  const box = h(
    "details",
    { class: "curl", ontoggle: update },
    h("summary", null, "curl"),
    h("pre", { tabindex: "0", aria: "curl command" }, code),
    copyButton(text, "Copy the curl command"),
  );
  box.update = () => {
    if (box.open) update();
  };
  return box;
}

/**
 * Return a text area that reports JSON syntax errors while the user types.
 * value() returns undefined for empty text and throws for invalid JSON.
 */
export function jsonEditor(label, text, { optional = true, hint } = {}) {
  // In JSON, the visible form of a control character is its escape.
  const value = visible(text || "");
  const area = h("textarea", { rows: 6, spellcheck: "false", class: "code", value });
  const problem = h("p", { class: "problem", id: unique("problem"), role: "status" });
  const node = field(label, area, hint);
  area.setAttribute(
    "aria-describedby",
    [area.getAttribute("aria-describedby"), problem.id].filter(Boolean).join(" "),
  );
  const parse = () => {
    if (!area.value.trim()) {
      if (optional) return undefined;
      throw new Error("Enter a JSON value, for example null.");
    }
    return JSON.parse(area.value);
  };
  const check = () => {
    let message = "";
    try {
      parse();
    } catch (error) {
      message = parseErrorMessage(error, area.value);
    }
    problem.textContent = message;
    area.setAttribute("aria-invalid", message ? "true" : "false");
    return !message;
  };
  const format = button(
    "Format",
    () => {
      if (check()) area.value = visible(JSON.stringify(parse(), null, 2) ?? "");
    },
    { class: "small" },
  );
  area.addEventListener("input", check);
  node.append(h("div", { class: "under" }, problem, format));
  return { node, area, check, value: parse };
}

function parseErrorMessage(error, text) {
  if (!(error instanceof SyntaxError)) return error.message;
  const position = /position (\d+)/.exec(error.message);
  const before = position ? text.slice(0, Number(position[1])) : text;
  const line = before.split("\n").length,
    column = before.length - before.lastIndexOf("\n");
  const message = error.message.replace(
    /^JSON\.parse: |,? ?\.\.\..*$|\s*in JSON.*$| \(line.*$/gs,
    "",
  );
  return `Invalid JSON: ${message} (line ${line}, column ${column})`;
}
