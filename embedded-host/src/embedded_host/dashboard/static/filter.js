/** @file The filter above the list of instances. */
import { h, button, setOptions, searchInput, quiet } from "./dom.js";
import { isoFromInput, inputFromIso } from "./time.js";
import { getFromDashboard } from "./api.js";
import { FINISHED, UNFINISHED } from "./statuses.js";

// Instances of the embedded host never have the excluded statuses.
const STATUSES = [...UNFINISHED, ...FINISHED].filter(
  (status) => !["ContinuedAsNew", "Canceled"].includes(status),
);
export const ALL = { status: "", name: "", prefix: "", from: "", to: "", waiting: "" };
const RANGES = [
  ["15 min", 15],
  ["1 h", 60],
  ["24 h", 1440],
  ["7 d", 10080],
];

/** Return the bar with the filter. change(changes) applies changes to the filter. */
export function filterBar(state, change, signal) {
  const chips = STATUSES.map((name) => {
    const count = h("span", { class: "n" });
    const chip = button(
      [h("span", { class: "dot", "data-status": name }), name, " ", count],
      () => {
        const selected = new Set((state.status || "").split(",").filter(Boolean));
        if (!selected.delete(name)) selected.add(name);
        change({ status: [...selected].join(",") });
      },
      { class: "chip", "aria-pressed": "false" },
    );
    return { name, chip, count };
  });
  const prefix = searchInput("Id begins with", (text) => change({ prefix: text }));
  const selectFor = (key, label) =>
    h("select", { aria: label, onchange: (event) => change({ [key]: event.target.value }) });
  const timeInput = (key, label) =>
    h("input", {
      type: "datetime-local",
      step: 1,
      aria: label,
      onchange: (event) => change({ [key]: isoFromInput(event.target.value) }),
    });
  const name = selectFor("name", "Function"),
    waiting = selectFor("waiting", "Waits for");
  const from = timeInput("from", "Created from"),
    to = timeInput("to", "Created to");
  const ranges = RANGES.map(([text, minutes]) =>
    button(
      text,
      () => change({ from: new Date(Date.now() - minutes * 60000).toISOString(), to: "" }),
      {
        class: "small",
        aria: `Created in the last ${text}`,
      },
    ),
  );
  const clear = button("Clear", () => change(ALL), { class: "small", aria: "Clear the filter" });

  const events = new Set();
  let functions = [],
    ran = [];
  function updateOptions() {
    const namesOf = (type) => functions.filter((f) => f.type === type).map((f) => f.durableName);
    const optionsOf = (kind, names) => names.map((n) => [`${kind}:${n}`, n]);
    const orchestrators = namesOf("orchestrationTrigger");
    setOptions(waiting, state.waiting, "Waits for…", [
      ["activity", "Any activity"],
      ["timer", "A timer"],
      ["child", "Any sub-orchestration"],
      ["event", "Any external event"],
      ["entity", "An entity response"],
      {
        Activity: optionsOf("activity", namesOf("activityTrigger")),
        "Sub-orchestration": optionsOf("child", orchestrators),
        "External event": optionsOf("event", [...events]),
      },
    ]);
    setOptions(
      name,
      state.name,
      "Function…",
      [...new Set([...orchestrators, ...ran])].sort().map((n) => [n]),
    );
  }
  updateOptions();
  getFromDashboard("functions", {}, signal).then(
    (loaded) => {
      functions = loaded.functions;
      ran = loaded.ran;
      updateOptions();
      addAwaitedEvents(loaded.awaited);
    },
    () => {},
  );
  function addAwaitedEvents(waits) {
    const before = events.size;
    for (const text of waits) if (text.startsWith("event ")) events.add(text.slice(6));
    if (events.size > before && document.activeElement !== waiting) updateOptions();
  }

  const node = h(
    "section",
    { class: "filter", aria: "Filter" },
    h(
      "div",
      { class: "chips", role: "group", aria: "Status" },
      chips.map((c) => c.chip),
    ),
    h(
      "div",
      { class: "fields" },
      prefix,
      name,
      waiting,
      h("span", { class: "ranges" }, ranges),
      h("span", { class: "range" }, from, quiet("to"), to),
      clear,
    ),
  );

  function update(now, counts) {
    const selected = (now.status || "").split(",");
    for (const { name: status, chip, count } of chips) {
      chip.ariaPressed = selected.includes(status);
      if (counts) count.textContent = (counts[status] || 0).toLocaleString();
    }
    const put = (input, value) => {
      if (document.activeElement !== input && input.value !== value) input.value = value;
    };
    put(prefix, now.prefix || "");
    if ((now.name || "") !== name.value || (now.waiting || "") !== waiting.value) updateOptions();
    put(from, inputFromIso(now.from));
    put(to, inputFromIso(now.to));
    clear.hidden = !Object.keys(ALL).some((key) => now[key]);
  }
  return { node, update, addAwaitedEvents };
}
