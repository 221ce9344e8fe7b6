/** @file The log lines of an instance, with filters. New lines appear each second. */
import {
  h,
  add,
  copyButton,
  failure,
  notice,
  plural,
  replace,
  searchInput,
  setOptions,
} from "./dom.js";
import { timeElement, utcText } from "./time.js";
import { getFromDashboard } from "./api.js";

document.head.append(h("link", { rel: "stylesheet", href: "/dashboard/logs.css" }));

/**
 * Maximum number of lines in a response, and in the page. The oldest lines are removed. Each page
 * of older lines that the user loads adds its number to the maximum.
 */
const PAGE = 1000,
  MOST = 5000;
const LEVELS = ["Information", "Warning", "Error", "Critical"];
const INVOCATION = /^(Executing|Executed) 'Functions\./;

const lineText = ({ time, level, function: name, message }) =>
  `${utcText(time)} ${level} ${name} ${message}`;

/** Return {node, stop}: the element with the lines, and a function that ends the updates. */
export function logsPanel(instanceId) {
  const control = new AbortController();
  let lines = [],
    most = MOST,
    hasOlder = false,
    last = 0,
    timer = 0;
  const draw = () => {
    replace(list);
    show(lines);
  };
  const words = searchInput("Filter lines", draw);
  const level = h("select", { aria: "Lowest level", onchange: draw });
  setOptions(
    level,
    "",
    "Every level",
    LEVELS.map((name) => [name, `${name} and above`]),
  );
  const runs = h("input", { type: "checkbox", checked: true, onchange: draw });
  const count = h("span", { class: "quiet", role: "status" });
  const list = h("ol", { class: "log", tabindex: "0", aria: "Log lines" });
  const message = h("div");
  const older = h(
    "div",
    { class: "row", hidden: true },
    h("span", { class: "quiet" }, "The filter searches only the lines on this page."),
    h("button", { onclick: readOlder }, "Older lines"),
  );
  const node = h(
    "div",
    null,
    h(
      "div",
      { class: "row" },
      h("div", { class: "fields" }, words, level, h("label", null, runs, " Starts and ends")),
      h(
        "span",
        { class: "buttons" },
        count,
        copyButton(() => lines.filter(isShown).map(lineText).join("\n"), "Copy the lines"),
      ),
    ),
    older,
    list,
    message,
  );

  const isShown = (line) =>
    (!level.value || LEVELS.indexOf(line.level) >= LEVELS.indexOf(level.value)) &&
    (runs.checked || !INVOCATION.test(line.message)) &&
    lineText(line).toLowerCase().includes(words.value.trim().toLowerCase());

  function show(more) {
    list.hidden = false;
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 30;
    add(list, more.filter(isShown).map(row));
    while (list.children.length > most) list.firstChild.remove();
    if (isAtEnd) list.scrollTop = list.scrollHeight;
    list.hidden = !list.children.length;
    older.hidden = !hasOlder;
    const shown = plural(list.children.length, "line");
    const all = lines.length.toLocaleString("en");
    count.textContent = hasOlder ? `${shown} of the newest ${all}` : shown;
    replace(message, !lines.length && nothing());
  }

  async function read() {
    let pause = 1000;
    try {
      const query = { instanceId, limit: PAGE, after: last };
      const response = await getFromDashboard("logs", query, control.signal);
      if (last && response.lines.length === PAGE) pause = 0;
      last = response.last;
      hasOlder ||= response.older || lines.length + response.lines.length > most;
      lines = lines.concat(response.lines).slice(-most);
      show(response.lines);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!lines.length) replace(message, failure(error));
    }
    if (!control.signal.aborted) timer = setTimeout(read, pause);
  }

  async function readOlder({ currentTarget: button }) {
    button.disabled = true;
    try {
      const query = { instanceId, limit: PAGE, before: lines[0].id };
      const response = await getFromDashboard("logs", query, control.signal);
      most += response.lines.length;
      hasOlder = response.older;
      lines = response.lines.concat(lines);
      const fromEnd = list.scrollHeight - list.scrollTop;
      draw();
      list.scrollTop = list.scrollHeight - fromEnd;
    } catch (error) {
      if (error.name !== "AbortError") replace(message, failure(error));
    }
    button.disabled = false;
  }

  read();
  return {
    node,
    stop() {
      control.abort();
      clearTimeout(timer);
    },
  };
}

const row = (line) =>
  h(
    "li",
    { "data-level": line.level, title: line.invocationId && `Invocation ${line.invocationId}` },
    timeElement(line.time, { fraction: true, short: true }),
    " ",
    h("b", null, line.level),
    " ",
    h("span", { class: "quiet" }, line.function),
    " ",
    line.message,
  );

const nothing = () =>
  notice(
    "No log lines",
    "The functions of this instance have written no lines, or the host has deleted them. It " +
      "stores lines for 7 days, up to the size of --log-limit.",
  );
