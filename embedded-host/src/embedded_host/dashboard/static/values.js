// Stored values for display: indented JSON, truncated texts, errors with their tracebacks.
import { h, button, copyButton, truncate } from "./dom.js";

export const LONG = 4000;

// Indent a stored JSON text. unwrap: decode a JSON string once more, as the SDK encodes inputs twice.
export function formattedJson(text, unwrap) {
  if (text === null || text === undefined) return null;
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  if (unwrap && typeof value === "string") {
    try {
      value = JSON.parse(value);
    } catch {
      return JSON.stringify(value);
    }
  }
  return JSON.stringify(value, null, 2);
}

export function codeBlock(text, label) {
  const pre = h("pre", { class: "value", tabindex: "0", aria: label });
  pre.textContent = truncate(text, LONG);
  if (text.length <= LONG) return pre;
  const more = button(
    `Show all ${text.length.toLocaleString()} characters`,
    () => {
      pre.textContent = text;
      more.remove();
    },
    { class: "small" },
  );
  return h("div", null, pre, more);
}

export function valuePanel(title, text, { unwrap, empty = "None" } = {}) {
  const shown = formattedJson(text, unwrap);
  return h(
    "section",
    { class: "panel" },
    h("h2", null, title, shown !== null && copyButton(shown, `Copy ${title.toLowerCase()}`)),
    shown === null ? h("p", { class: "quiet" }, empty) : codeBlock(shown, title),
  );
}

// The first line of an error, then its traceback ("Activity function 'X' failed: ValueError: … \n Traceback …").
export function errorView(reason, details) {
  const text = reason || details || "It failed without a message.";
  const [trace] = TRACE.exec(text) || TRACE.exec(details) || [""];
  // The SDK repeats an error in each caller's text ("Message: …, StackTrace: …"): the first traceback is the error's.
  const [own, head] = [trace, text.replace(TRACE, "")].map((part) =>
    part.split(/\n\s*Message: (?=[^]*, StackTrace: )|\n?, StackTrace: /)[0].trim(),
  );
  return [
    h("p", { class: "error-text" }, truncate(head, 600)),
    own && codeBlock(own, "Traceback"),
    text.includes(", StackTrace: ") &&
      h(
        "details",
        null,
        h("summary", null, "The whole text"),
        codeBlock(text.trim(), "The whole text"),
      ),
  ];
}
const TRACE = /\s*Traceback \(most recent call last\)[^]*/;
