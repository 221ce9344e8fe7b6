/** @file The display of stored values: indented JSON, long strings, and errors with tracebacks. */
import { h, button, copyButton, truncate, visible } from "./dom.js";

export const LONG = 4000;
/** The maximum length of a text that the page shows. A longer text freezes the browser. */
const LONGEST = 100_000;

/**
 * Return a stored JSON document with indentation.
 * If unwrap is true, decode a JSON string again, because the SDK encodes inputs twice.
 * If it is "activity", take the value out of the array in which the history keeps it.
 */
export function formattedJson(text, unwrap) {
  if (text === null || text === undefined) return null;
  let value;
  try {
    value = JSON.parse(text);
    if (unwrap === "activity" && value?.length === 1 && Array.isArray(value)) [value] = value;
  } catch {
    return /^[[{]/.test(text) ? indented(text) : text;
  }
  if (unwrap && typeof value === "string") {
    try {
      value = JSON.parse(value);
    } catch {
      return unwrap === "activity" ? value : JSON.stringify(value);
    }
  }
  return JSON.stringify(value, null, 2);
}

/** Indent the start of a JSON document. */
function indented(text) {
  let depth = 0;
  return text.replace(/"(?:[^"\\]|\\.)*"?|[{}[\],:]|\s+/g, (token) => {
    const line = () => "\n" + "  ".repeat(Math.max(0, depth));
    if (/^\s/.test(token)) return "";
    if ("{[".includes(token)) return (depth++, token + line());
    if ("}]".includes(token)) return (depth--, line() + token);
    return token === "," ? token + line() : token === ":" ? ": " : token;
  });
}

/**
 * Return a block with a text. Only the first LONG characters are shown until the user clicks.
 * cut is {length, download()} if the page has only the start of the value: the whole length, and a
 * function that downloads the whole value.
 */
export function codeBlock(text, label, cut) {
  const pre = h("pre", { class: "value", tabindex: "0", aria: label });
  pre.textContent = visible(truncate(text, LONG));
  const length = cut?.length ?? text.length;
  if (length <= LONG) return pre;
  const shown = Math.min(text.length, LONGEST);
  const more = button(
    shown < length
      ? `Show the first ${shown.toLocaleString()} of ${length.toLocaleString()} characters`
      : `Show all ${length.toLocaleString()} characters`,
    () => {
      pre.textContent = visible(truncate(text, LONGEST));
      more.remove();
    },
    { class: "small" },
  );
  const download = () => (cut ? cut.download(label) : save(new Blob([text]), label));
  return h("div", null, pre, more, " ", button("Download", download, { class: "small" }));
}

/** Save a blob as a file. */
export function save(blob, label) {
  const href = URL.createObjectURL(blob);
  h("a", { href, download: `${label.toLowerCase().replaceAll(" ", "-")}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

/** Return a panel with a stored value. Without a value, the panel shows the option empty. */
export function valuePanel(title, text, { unwrap, empty = "None", cut } = {}) {
  const shown = formattedJson(text, unwrap);
  return h(
    "section",
    { class: shown === null ? "panel none" : "panel" },
    h(
      "h2",
      null,
      title,
      shown !== null && !cut && copyButton(shown, `Copy ${title.toLowerCase()}`),
    ),
    shown === null ? h("p", { class: "quiet" }, empty) : codeBlock(shown, title, cut),
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
