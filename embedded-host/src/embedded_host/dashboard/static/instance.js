/** @file One instance: its input, output, history and diagnosis, and the actions on it. */
import {
  h,
  badge,
  button,
  copyButton,
  factList,
  failure,
  instanceHref,
  instanceLink,
  link,
  notice,
  redraw,
  replace,
  unique,
  quiet,
} from "./dom.js";
import { durationText, timeElement, withTimeElements } from "./time.js";
import { ACTIONS, elapsed, getFromDashboard, getJson, instancePath, isLive } from "./api.js";
import { everySecond, keepUpToDate } from "./live.js";
import { downloadPart } from "./download.js";
import { valuePanel, errorView } from "./values.js";
import { modelOf } from "./steps.js";
import { ganttView } from "./gantt.js";
import { historyView } from "./history.js";
import { sequenceView } from "./sequence.js";
import { treeView } from "./tree.js";
import { openActionDialog, openEventDialog } from "./actions.js";

const TABS = {
  timeline: ["Timeline", ganttView],
  history: ["History", historyView],
  sequence: ["Sequence", sequenceView],
  tree: ["Tree", treeView],
  logs: ["Logs", logsView],
};

/** Return the view of the log lines. Its module is loaded when the tab is opened. */
function logsView() {
  const node = h("div");
  let panel = null;
  return {
    node,
    async update(model, events, row) {
      panel ||= import("./logs.js").then(({ logsPanel }) => logsPanel(row.id));
      try {
        const { node: shown } = await panel;
        if (node.firstChild !== shown) replace(node, shown);
      } catch (error) {
        replace(node, failure(error));
      }
    },
    async hide() {
      (await panel)?.stop();
      panel = null;
    },
  };
}

export async function show(body, { id, params, signal }) {
  let row = null,
    events = [],
    model = null,
    tab = TABS[params.tab] ? params.tab : "timeline",
    diagnosing = false;
  const head = h("header", { class: "instance-head" });
  const actions = h("div", { class: "buttons", role: "group", aria: "Actions" });
  const diagnosis = h("section", { class: "diagnosis", aria: "Diagnosis", hidden: true });
  const values = h("div", { class: "panels" });
  const content = h("div", {
    role: "tabpanel",
    id: unique("panel"),
    class: "tab-content",
    tabindex: "0",
  });
  const views = Object.fromEntries(Object.entries(TABS).map(([name, [, make]]) => [name, make()]));
  const tabs = Object.entries(TABS).map(([name, [text]]) =>
    button(text, () => choose(name), {
      role: "tab",
      id: unique("tab"),
      "data-tab": name,
      "aria-controls": content.id,
    }),
  );
  const list = h(
    "div",
    {
      role: "tablist",
      aria: "Views of the history",
      onkeydown: (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const names = Object.keys(TABS);
        choose(names[(names.indexOf(tab) + step + names.length) % names.length], true);
      },
    },
    tabs,
  );

  function choose(name, focus) {
    if (name !== tab) views[tab].hide?.();
    tab = name;
    for (const each of tabs) {
      const isSelected = each.dataset.tab === name;
      each.ariaSelected = isSelected;
      each.tabIndex = isSelected ? 0 : -1;
      if (isSelected) {
        content.setAttribute("aria-labelledby", each.id);
        if (focus) each.focus();
      }
    }
    history.replaceState(null, "", instanceHref(id) + (name === "timeline" ? "" : `?tab=${name}`));
    replace(content, views[name].node);
    draw();
  }
  const draw = () => {
    if (model) views[tab].update(model, events, row);
  };

  function drawHead() {
    redraw(head, `${row.status} ${row.updated} ${row.created}`, () => [
      h("nav", { aria: "Path" }, link("#/instances", "Instances")),
      h("div", { class: "title" }, h("h1", null, row.name), badge(row.status)),
      h(
        "p",
        { class: "id-line" },
        h("code", { class: "id" }, row.id),
        copyButton(row.id, "Copy the id"),
      ),
      factList([
        ["Created", timeElement(row.created, { fraction: true })],
        ["Updated", timeElement(row.updated, { fraction: true })],
        ["Duration", duration],
        row.parent && [
          "Parent",
          [row.parent.Name, " ", instanceLink(row.parent.OrchestrationInstance.InstanceId)],
        ],
      ]),
    ]);
    tick();
    redraw(actions, row.status, () => [
      button("Raise event…", () => openEventDialog(row, awaitedEvents(), watch.now), {
        class: isLive(row.status) && "primary",
        disabled: !isLive(row.status),
      }),
      Object.entries(ACTIONS).map(([name, { text, why, bad, when }]) => {
        const isAllowed = when(row.status);
        const open = () => openActionDialog(name, row, (response) => after(name, response));
        return button(text + "…", open, {
          class: bad ? "bad" : "",
          disabled: !isAllowed,
          title: isAllowed ? null : why,
        });
      }),
    ]);
  }
  const duration = h("span");
  const tick = () => {
    if (row) duration.textContent = durationText(elapsed(row));
  };
  const awaitedEvents = () =>
    (lastDiagnosis?.waitsFor || []).filter((w) => w.kind === "event" && w.name).map((w) => w.name);

  function after(name, response) {
    if (name === "purge") location.hash = "#/instances";
    else if (name === "restart" && response.id) location.hash = instanceHref(response.id);
    else watch.now();
  }

  function drawValues() {
    const failed = row.status === "Failed";
    const cut = (part) =>
      row.cut[part] && {
        length: row.cut[part],
        download: (label) => downloadPart(id, { part }, label),
      };
    redraw(values, JSON.stringify([row.input, row.output, row.customStatus, row.status]), () => {
      const ended = ["Suspended", "Terminated"].includes(row.status) ? "Reason" : "Output";
      return [
        failed &&
          h(
            "section",
            { class: "panel bad" },
            h("h2", null, "Error", copyButton(row.output || "", "Copy error")),
            errorView(row.output, model.cause),
          ),
        valuePanel("Input", row.input, { unwrap: true, cut: cut("input") }),
        !failed &&
          valuePanel(ended, row.output, {
            empty: isLive(row.status) ? "None yet" : "None",
            cut: cut("output"),
          }),
        valuePanel("Custom status", row.customStatus, { cut: cut("customStatus") }),
      ];
    });
  }

  // A diagnosis may replay the instance, so it is requested at most once per second.
  let lastDiagnosis = null,
    requestedAt = 0,
    timer = 0;
  async function diagnose(force) {
    if (!row || signal.aborted) return;
    if (!isLive(row.status)) {
      diagnosis.hidden = true;
      lastDiagnosis = null;
      return;
    }
    if (diagnosing || (!force && Date.now() - requestedAt < 1000)) {
      timer ||= setTimeout(() => {
        timer = 0;
        diagnose(true);
      }, 1000);
      return;
    }
    diagnosing = true;
    requestedAt = Date.now();
    try {
      const path = instancePath(id, "", { showDiagnosis: true, showInput: "false" });
      const latest = (await getJson(path, signal)).diagnosis;
      lastDiagnosis = latest;
      diagnosis.hidden = !latest || !row || !isLive(row.status);
      if (latest) redraw(diagnosis, JSON.stringify(latest), () => diagnosisView(latest));
    } catch (error) {
      diagnosis.hidden = error.offline;
      const text = `The diagnosis failed: ${error.message}`;
      redraw(diagnosis, error.message, () => h("p", null, text));
    }
    diagnosing = false;
  }

  let hasFrame = false;
  async function refresh() {
    let details;
    try {
      details = await getFromDashboard("instance", { id, known: row?.known }, signal);
    } catch (error) {
      if (error.name === "AbortError" || (error.offline && row)) throw error;
      hasFrame = false;
      row = null;
      replace(
        body,
        h("h1", { class: "hidden" }, "Instance"),
        error.status === 404
          ? notice(
              "The instance does not exist",
              `No orchestration has the id “${id}”. The id is wrong, or the instance was purged.`,
              link("#/instances", "All instances"),
            )
          : failure(error, () => watch.now()),
      );
      return 0;
    }
    const cut = details.appended ? { ...events.cut, ...details.cut.events } : details.cut.events;
    events = details.appended ? events.concat(details.events) : details.events;
    events.cut = cut;
    row = details;
    if (!hasFrame) {
      hasFrame = true;
      replace(body, head, actions, diagnosis, values, list, content);
      if (!content.firstChild) choose(tab);
    }
    events.download = (part, label) => downloadPart(id, part, label);
    model = modelOf(row, events);
    drawHead();
    drawValues();
    draw();
    diagnose();
    return 0;
  }

  signal.addEventListener("abort", () => views[tab].hide?.());
  everySecond(signal, () => {
    if (!row || !isLive(row.status)) return;
    tick();
    views[tab].tick?.(model);
    if (Date.now() - requestedAt > 5000) diagnose(true);
  });
  const watch = keepUpToDate(signal, { id }, refresh);
}

/** Functions that describe a wait of an instance, by the kind of the wait. */
const DESCRIPTIONS = {
  activity: (w) => ["Activity ", h("b", null, w.name), w.attempt && ` (attempt ${w.attempt})`],
  timer: (w) => ["Timer, due ", timeElement(w.due)],
  subOrchestration: (w) => [
    "Sub-orchestration ",
    h("b", null, w.name),
    " ",
    instanceLink(w.instanceId),
  ],
  entity: (w) => ["Entity ", h("b", null, w.instanceId), ` to respond to “${w.operation}”`],
  lock: (w) => ["Locks of ", h("b", null, (w.entityIds || [w.instanceId]).join(", "))],
  event: (w) => ["External event ", h("b", null, w.name)],
  worker: (w) => [w.text],
};

function diagnosisView({ text, waitsFor, rootCause, undeliveredEvents = [] }) {
  const cause = rootCause && h("p", null, h("b", null, "Root cause: "), causeView(rootCause));
  const undelivered = undeliveredEvents.map(({ name, receivedTime, didYouMean }) =>
    h(
      "p",
      null,
      "The event ",
      h("b", null, name),
      receivedTime && [" was received at ", timeElement(receivedTime)],
      ", but nothing waits for it.",
      didYouMean && [" Did you mean ", h("b", null, didYouMean), "?"],
    ),
  );
  if (!waitsFor.length)
    return [h("h2", null, "Diagnosis"), h("p", null, withTimeElements(text)), cause, undelivered];
  return [
    h("h2", null, "Waits for"),
    cause,
    h(
      "ul",
      null,
      waitsFor
        .slice(0, 20)
        .map((w) =>
          h(
            "li",
            null,
            (DESCRIPTIONS[w.kind] || (({ kind }) => [kind]))(w),
            quiet(
              " since ",
              timeElement(w.since),
              w.state && w.kind !== "subOrchestration"
                ? withTimeElements(", " + w.state)
                : w.runtimeStatus && ` (${w.runtimeStatus})`,
            ),
          ),
        ),
    ),
    waitsFor.length > 20 && h("p", { class: "quiet" }, `and ${waitsFor.length - 20} more`),
    undelivered,
  ];
}
/** Return the path of a root cause, with a link to each instance, and its reason. */
const causeView = ({ path, instanceIds, text }) => [
  path.map((label, n) => [
    n > 0 && " > ",
    instanceIds[n].startsWith("@") ? label : link(instanceHref(instanceIds[n]), label),
  ]),
  withTimeElements(text.slice(path.join(" > ").length)),
];
