/** @file The filter above the list of instances. */
import { h, button, setOptions, searchInput, quiet, replace, truncate } from "./dom.js";
import { isoFromInput, inputFromIso } from "./time.js";
import { getFromDashboard } from "./api.js";
import { FINISHED, UNFINISHED } from "./statuses.js";

// Instances of the embedded host never have the excluded statuses.
const STATUSES = [...UNFINISHED, ...FINISHED].filter(
  (status) => !["ContinuedAsNew", "Canceled"].includes(status),
);
export const ALL = {
  status: "",
  search: "",
  name: "",
  waiting: "",
  from: "",
  to: "",
  parent: "",
  cause: "",
  prefix: "",
  failedWith: "",
};
/** Filters without a field. Each is shown as a button that removes it. */
const REMOVABLE = {
  parent: "Children of ",
  cause: "Cause: ",
  prefix: "Id begins with ",
  failedWith: "Error contains ",
};
const RANGES = [
  ["15 min", 15],
  ["1 h", 60],
  ["24 h", 1440],
  ["7 d", 10080],
];

/**
 * Return the bar with the filter. change(changes) applies changes to the filter.
 * If ofFailures is true, the bar filters causes of failures, so it has no statuses and no waits.
 */
export function filterBar(state, change, ofFailures, signal) {
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
  const search = searchInput("Search", (text) => change({ search: text }), {
    placeholder: "Search id, error, input, output…",
    title: "Finds a part of the id, error, input, output or custom status",
  });
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

  const removable = h("span", { class: "ranges" });
  let cause = "";
  if (state.cause)
    getFromDashboard("causes", { cause: state.cause }, signal).then(
      ([found]) => {
        if (found) cause = [found.errorType, found.message].filter(Boolean).join(": ");
        update(state);
      },
      () => {},
    );
  const more = button("Filter", () => more.setAttribute("aria-expanded", toggle()), {
    class: "more",
    "aria-expanded": "false",
  });
  const toggle = () => node.classList.toggle("open");

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
    !ofFailures &&
      h(
        "div",
        { class: "chips", role: "group", aria: "Status" },
        chips.map((c) => c.chip),
      ),
    h(
      "div",
      { class: "fields" },
      search,
      more,
      name,
      !ofFailures && waiting,
      h("span", { class: "ranges" }, ranges),
      h("span", { class: "range" }, from, quiet("to"), to),
      removable,
      clear,
    ),
  );

  function update(now, counts) {
    const selected = (now.status || "").split(",");
    for (const { name: status, chip, count } of chips) {
      chip.ariaPressed = selected.includes(status);
      if (counts) chip.toggleAttribute("data-none", !counts[status]);
      if (counts) count.textContent = (counts[status] || 0).toLocaleString();
    }
    const put = (input, value) => {
      if (document.activeElement !== input && input.value !== value) input.value = value;
    };
    put(search, now.search || "");
    if ((now.name || "") !== name.value || (now.waiting || "") !== waiting.value) updateOptions();
    put(from, inputFromIso(now.from));
    put(to, inputFromIso(now.to));
    clear.hidden = !Object.keys(ALL).some((key) => now[key]);
    replace(
      removable,
      Object.keys(REMOVABLE)
        .filter((key) => now[key])
        .map((key) => {
          const text = key === "cause" ? cause || "one" : now[key];
          return button(
            [REMOVABLE[key], h("b", null, truncate(text, 60)), " ×"],
            () => change({ [key]: "" }),
            { class: "chip", title: `Remove the filter: ${REMOVABLE[key]}${text}` },
          );
        }),
    );
  }
  return { node, update, addAwaitedEvents };
}
