// Values as people read them: JSON in lines, long ones cut, errors with their tracebacks.
import { h, button, copyButton, cut } from "./dom.js";

export const LONG = 4000;

// The value of a stored text. The SDK sends inputs as JSON text in a JSON string: that is read once more.
export function readable(text, unwrap) {
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

export function code(text, label) {
  const pre = h("pre", { class: "value", tabindex: "0", aria: label });
  pre.textContent = cut(text, LONG);
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

export function panel(title, text, { unwrap, empty = "None" } = {}) {
  const shown = readable(text, unwrap);
  return h(
    "section",
    { class: "panel" },
    h("h2", null, title, shown !== null && copyButton(shown, `Copy ${title.toLowerCase()}`)),
    shown === null ? h("p", { class: "quiet" }, empty) : code(shown, title),
  );
}

// An error's text: its first line, then the traceback. ("Activity function 'X' failed: ValueError: … \n Traceback …")
export function errorView(reason, details) {
  const text = reason || details || "It failed without a message.";
  const [trace] = TRACE.exec(text) || TRACE.exec(details) || [""];
  // The SDK repeats an error in each caller's text ("Message: …, StackTrace: …"): the first traceback is the error's own.
  const [own, head] = [trace, text.replace(TRACE, "")].map((part) =>
    part.split(/\n\s*Message: (?=[^]*, StackTrace: )|\n?, StackTrace: /)[0].trim(),
  );
  return [
    h("p", { class: "error-text" }, cut(head, 600)),
    own && code(own, "Traceback"),
    text.includes(", StackTrace: ") &&
      h("details", null, h("summary", null, "The whole text"), code(text.trim(), "The whole text")),
  ];
}
const TRACE = /\s*Traceback \(most recent call last\)[^]*/;
