/** @file Functions that create elements. Text becomes text nodes and is never parsed as HTML. */

const INVISIBLE = /[\p{Bidi_Control}\u200b\u2060\ufeff]/gu;
/**
 * Return a text with an escape like "\u202e" in place of each invisible control character.
 * Such a character can reverse the text after it: "a\u202e123" would read as "a321".
 * Children and titles of elements are converted here. Code that sets textContent calls visible().
 */
export const visible = (text) =>
  text.replace(INVISIBLE, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));

/** Create an HTML element. */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** Create an SVG element. */
export function svg(tag, props, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props || {})) {
    if (isNothing(value)) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style")
      for (const [key, text] of Object.entries(value)) node.style.setProperty(key, text);
    else if (["value", "checked", "disabled", "indeterminate", "open"].includes(name))
      node[name] = value;
    else if (name === "aria" || name === "title")
      node.setAttribute(name === "aria" ? "aria-label" : name, visible(String(value)));
    else node.setAttribute(name, value === true ? "" : value);
  }
  return add(node, children);
}

const isNothing = (value) => value === undefined || value === null || value === false;

export function add(node, children) {
  const shown = children.flat(Infinity).filter((child) => !isNothing(child));
  node.append(...shown.map((child) => (child instanceof Node ? child : visible(String(child)))));
  return node;
}

export function replace(node, ...children) {
  node.replaceChildren();
  return add(node, children);
}

/**
 * If mark has changed, replace the children of node with the result of make().
 * If a button had the focus, the new button with the same label or text gets the focus.
 */
export function redraw(node, mark, make) {
  if (node.dataset.mark === mark) return;
  node.dataset.mark = mark;
  const nameOf = (b) => b.ariaLabel || b.textContent;
  const focused = node.contains(document.activeElement) && nameOf(document.activeElement);
  replace(node, make());
  if (focused)
    [...node.querySelectorAll("button:enabled")].find((b) => nameOf(b) === focused)?.focus();
}

/** Fill node with buttons to the other pages. go(n) shows page n. */
export function pager(node, page, last, go) {
  node.hidden = last === 1;
  const to = (text, n, key) =>
    button(text, () => go(n), { disabled: n < 1 || n > last || n === page, "data-key": key });
  const jump = h("input", {
    type: "number",
    min: 1,
    max: last,
    value: page,
    aria: "Page",
    onchange: () => go(Math.min(last, Math.max(1, Number(jump.value) || 1))),
  });
  redraw(node, `${page}/${last}`, () => [
    to("First", 1),
    to("Previous", page - 1, "p"),
    h("span", null, "Page ", jump, ` of ${last.toLocaleString()}`),
    to("Next", page + 1, "n"),
    to("Last", last),
  ]);
}

let count = 0;
export const unique = (prefix) => `${prefix}-${++count}`;

export const button = (text, onclick, props) =>
  h("button", { type: "button", onclick, ...props }, text);

/** Return a search field. onSearch(text) is called 200 ms after the last input. */
export function searchInput(label, onSearch, props) {
  let timer;
  const input = h("input", {
    type: "search",
    placeholder: label + "…",
    aria: label,
    "data-key": "/",
    autocomplete: "off",
    ...props,
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(() => onSearch(input.value.trim()), 200);
    },
  });
  return input;
}

export const textInput = (props) => h("input", { type: "text", autocomplete: "off", ...props });

/**
 * Set the options of a select element: [value, text] pairs and groups {label: [[value, text]]}.
 * Then select value. If value is not among the options, it is added.
 */
export function setOptions(select, value, first, options) {
  const option = ([key, label = key]) => h("option", { value: key }, label);
  replace(
    select,
    option(["", first]),
    options.map((entry) =>
      Array.isArray(entry)
        ? option(entry)
        : Object.entries(entry).map(
            ([label, list]) => list.length > 0 && h("optgroup", { label }, list.map(option)),
          ),
    ),
  );
  if (value && ![...select.options].some((o) => o.value === value)) select.append(option([value]));
  select.value = value || "";
}

export const tableHead = (...titles) =>
  h(
    "thead",
    null,
    h(
      "tr",
      null,
      titles.map((title) => h("th", { scope: "col" }, title)),
    ),
  );

export const plural = (n, singular = "instance", pluralForm = singular + "s") =>
  `${n.toLocaleString()} ${n === 1 ? singular : pluralForm}`;

export const link = (href, text, props) => h("a", { href, ...props }, text);

export function field(label, input, hint) {
  input.id ||= unique("field");
  const note = hint && h("small", { id: unique("hint"), class: "quiet" }, hint);
  if (note) input.setAttribute("aria-describedby", note.id);
  return h("div", { class: "field" }, h("label", { for: input.id }, label), input, note);
}

export const truncate = (text, length) =>
  text.length > length ? text.slice(0, length) + "…" : text;
export const splitFirstWord = (text) => [
  text.slice(0, text.indexOf(" ")),
  text.slice(text.indexOf(" ") + 1),
];
export const quiet = (...children) => h("span", { class: "quiet" }, children);

export const instanceHref = (id) => `#/instance/${encodeURIComponent(id)}`;
export const instanceLink = (id) => link(instanceHref(id), id, { class: "id" });

/** Return a link to an entity with an id like "@name@key". */
export function entityLink(id) {
  const [, name, ...key] = id.split("@");
  const params = new URLSearchParams({ name, prefix: key.join("@") });
  return link(`#/entities?${params}`, id, { class: "id" });
}

export const factList = (list) =>
  h(
    "dl",
    { class: "facts" },
    list
      .filter(Boolean)
      .map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))),
  );

export const badge = (status) => h("span", { class: "badge", "data-status": status }, status);

/** Return a notice that replaces an empty list. */
export function notice(title, text, ...more) {
  return h(
    "div",
    { class: "notice" },
    h("p", { class: "notice-title" }, title),
    text && h("p", null, text),
    more,
  );
}

/** Return a notice about data that could not be read. retry() reads the data again. */
export function failure(error, retry) {
  const title = error.offline ? "The host does not respond" : "The data could not be read";
  const text = error.offline
    ? "Check that the host is running. This page reconnects automatically."
    : error.message;
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    h("p", { class: "notice-title" }, title),
    h("p", null, text),
    retry && button("Try again", retry),
  );
}

/** Show a message for 6 seconds. An error remains until the user closes it. */
export function toast(text, bad) {
  const box = document.getElementById("toasts");
  const node = h(
    "div",
    { class: bad ? "toast bad" : "toast" },
    text,
    button("×", () => node.remove(), { class: "icon", aria: "Close" }),
  );
  box.append(node);
  if (!bad) setTimeout(() => node.remove(), 6000);
}

/** Return a button that copies text. text is a string, or a function that returns a string. */
export function copyButton(text, label) {
  const node = button(
    "Copy",
    async () => {
      try {
        await navigator.clipboard.writeText(typeof text === "function" ? text() : text);
        node.textContent = "Copied";
      } catch {
        node.textContent = "Copying failed";
      }
      setTimeout(() => {
        node.textContent = "Copy";
      }, 1500);
    },
    { class: "small", aria: label },
  );
  return node;
}
