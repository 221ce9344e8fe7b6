/** @file The display of stored values: indented JSON, long strings, and errors with tracebacks. */
import { h, button, copyButton, truncate, visible } from "./dom.js";

export const LONG = 4000;

/**
 * Return a stored JSON document with indentation.
 * If unwrap is true, decode a JSON string again, because the SDK encodes inputs twice.
 */
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

/** Return a block with a text. Only the first LONG characters are shown until the user clicks. */
export function codeBlock(text, label) {
  const pre = h("pre", { class: "value", tabindex: "0", aria: label });
  pre.textContent = visible(truncate(text, LONG));
  if (text.length <= LONG) return pre;
  const more = button(
    `Show all ${text.length.toLocaleString()} characters`,
    () => {
      pre.textContent = visible(text);
      more.remove();
    },
    { class: "small" },
  );
  return h("div", null, pre, more);
}

/** Return a panel with a stored value. Without a value, the panel shows the option empty. */
export function valuePanel(title, text, { unwrap, empty = "None" } = {}) {
  const shown = formattedJson(text, unwrap);
  return h(
    "section",
    { class: "panel" },
    h("h2", null, title, shown !== null && copyButton(shown, `Copy ${title.toLowerCase()}`)),
    shown === null ? h("p", { class: "quiet" }, empty) : codeBlock(shown, title),
  );
}

/** Return the message and the traceback of an error like "Activity function 'X' failed: …". */
export function errorView(reason, details) {
  const text = reason || details || "The failure has no message.";
  const [trace] = TRACE.exec(text) || TRACE.exec(details) || [""];
  // The SDK repeats an error in the message of each caller ("Message: …, StackTrace: …").
  // The first traceback belongs to the error itself.
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
        h("summary", null, "Full message"),
        codeBlock(text.trim(), "Full message"),
      ),
  ];
}
const TRACE = /\s*Traceback \(most recent call last\)[^]*/;
