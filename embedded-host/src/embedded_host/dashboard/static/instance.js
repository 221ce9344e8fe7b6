// One instance: its input, output, history and diagnosis, and the actions on it.
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
import { durationText, timeElement } from "./time.js";
import { ACTIONS, getFromDashboard, getJson, instancePath, isLive } from "./api.js";
import { everySecond, keepUpToDate } from "./live.js";
import { valuePanel, errorView } from "./values.js";
import { modelOf } from "./steps.js";
import { ganttView } from "./gantt.js";
import { historyView } from "./history.js";
import { sequenceView } from "./sequence.js";
import { actionFor, raiseEvent } from "./actions.js";

const TABS = {
  timeline: ["Timeline", ganttView],
  history: ["History", historyView],
  sequence: ["Sequence", sequenceView],
};

export async function show(body, { id, params, signal }) {
  let row = null,
    events = [],
    model = null,
    tab = TABS[params.tab] ? params.tab : "timeline",
    asking = false;
  const head = h("header", { class: "instance-head" });
  const actions = h("div", { class: "buttons", role: "group", aria: "Actions" });
  const diagnosis = h("section", { class: "diagnosis", aria: "Diagnosis", hidden: true });
  const values = h("div", { class: "panels" });
  const relatives = h("section", { class: "related" });
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
      aria: "How it went",
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
    tab = name;
    for (const one of tabs) {
      const here = one.dataset.tab === name;
      one.ariaSelected = here;
      one.tabIndex = here ? 0 : -1;
      if (here) {
        content.setAttribute("aria-labelledby", one.id);
        if (focus) one.focus();
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
        [isLive(row.status) ? "Running for" : "Took", lasted],
        row.parent && [
          "Parent",
          [row.parent.Name, " ", instanceLink(row.parent.OrchestrationInstance.InstanceId)],
        ],
      ]),
    ]);
    tick();
    redraw(actions, row.status, () => [
      button("Raise event…", () => raiseEvent(row, waited(), watch.now), {
        class: isLive(row.status) && "primary",
        disabled: !isLive(row.status),
      }),
      Object.entries(ACTIONS).map(([name, { text, why, bad, when: fits }]) => {
        const can = fits(row.status);
        return button(text + "…", () => actionFor(name, row, (answer) => after(name, answer)), {
          class: bad ? "bad" : "",
          disabled: !can,
          title: can ? null : why,
        });
      }),
    ]);
  }
  const lasted = h("span");
  const tick = () => {
    if (row)
      lasted.textContent = durationText(
        (isLive(row.status) ? Date.now() : row.updated) - row.created,
      );
  };
  const waited = () =>
    (lastDiagnosis?.waitsFor || []).filter((w) => w.kind === "event").map((w) => w.name);

  function after(name, answer) {
    if (name === "purge") location.hash = "#/instances";
    else if (name === "restart" && answer.id) location.hash = instanceHref(answer.id);
    else watch.now();
  }

  function drawValues() {
    const failed = row.status === "Failed";
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
        valuePanel("Input", row.input, { unwrap: true }),
        !failed &&
          valuePanel(ended, row.output, { empty: isLive(row.status) ? "Not yet" : "None" }),
        valuePanel("Custom status", row.customStatus),
      ];
    });
    const children = model.steps.filter((s) => s.kind === "child");
    relatives.hidden = !children.length;
    redraw(relatives, JSON.stringify(children.map((c) => [c.instanceId, c.state])), () => [
      h("h2", null, `Sub-orchestrations (${children.length})`),
      h(
        "ul",
        { class: "children" },
        children
          .slice(0, 200)
          .map((c) =>
            h(
              "li",
              null,
              badge(
                { open: "Running", completed: "Completed", failed: "Failed", abandoned: "Running" }[
                  c.state
                ],
              ),
              " ",
              c.name,
              " ",
              instanceLink(c.instanceId),
            ),
          ),
      ),
      children.length > 200 &&
        h("p", { class: "quiet" }, `and ${children.length - 200} more in the history`),
    ]);
  }

  // A diagnosis may replay the instance: request it at most once a second, and only while the instance is live.
  let lastDiagnosis = null,
    asked = 0,
    soon = 0;
  async function diagnose(force) {
    if (!row || signal.aborted) return;
    if (!isLive(row.status)) {
      diagnosis.hidden = true;
      lastDiagnosis = null;
      return;
    }
    if (asking || (!force && Date.now() - asked < 1000)) {
      soon ||= setTimeout(() => {
        soon = 0;
        diagnose(true);
      }, 1000);
      return;
    }
    asking = true;
    asked = Date.now();
    try {
      const found = (lastDiagnosis = (
        await getJson(instancePath(id, "", { showDiagnosis: true, showInput: "false" }), signal)
      ).diagnosis);
      diagnosis.hidden = !found || !row || !isLive(row.status);
      if (found) redraw(diagnosis, JSON.stringify(found), () => diagnosisView(found));
    } catch (error) {
      diagnosis.hidden = error.offline;
      redraw(diagnosis, error.message, () => h("p", null, `No diagnosis: ${error.message}`));
    }
    asking = false;
  }

  let frame = false;
  async function refresh() {
    let found;
    try {
      found = await getFromDashboard("instance", { id, known: row?.known }, signal);
    } catch (error) {
      if (error.name === "AbortError" || (error.offline && row)) throw error;
      frame = false;
      row = null;
      replace(
        body,
        h("h1", { class: "hidden" }, "Instance"),
        error.status === 404
          ? notice(
              "There is no such instance",
              `No orchestration has the id “${id}”. It may have been purged, or the id may be misspelt.`,
              link("#/instances", "All instances"),
            )
          : failure(error, () => watch.now()),
      );
      return 0;
    }
    events = found.appended ? events.concat(found.events) : found.events;
    row = found;
    if (!frame) {
      frame = true;
      replace(body, head, actions, diagnosis, values, relatives, list, content);
      if (!content.firstChild) choose(tab);
    }
    model = modelOf(row, events);
    drawHead();
    drawValues();
    draw();
    diagnose();
    return 0;
  }

  everySecond(signal, () => {
    if (!row || !isLive(row.status)) return;
    tick();
    views[tab].tick?.(model);
    if (Date.now() - asked > 5000) diagnose(true);
  });
  const watch = keepUpToDate(signal, { id }, refresh);
}

const WORDS = {
  activity: (w) => ["Activity ", h("b", null, w.name), w.attempt && ` (attempt ${w.attempt})`],
  timer: (w) => ["Timer, due ", timeElement(w.due)],
  subOrchestration: (w) => [
    "Sub-orchestration ",
    h("b", null, w.name),
    " ",
    instanceLink(w.instanceId),
  ],
  entity: (w) => ["Entity ", h("b", null, w.instanceId), ` to answer “${w.operation}”`],
  event: (w) => ["External event ", h("b", null, w.name)],
  worker: (w) => [w.text],
};

function diagnosisView(found) {
  if (!found.waitsFor.length) return [h("h2", null, "Diagnosis"), h("p", null, dated(found.text))];
  return [
    h("h2", null, "Waits for"),
    h(
      "ul",
      null,
      found.waitsFor
        .slice(0, 20)
        .map((w) =>
          h(
            "li",
            null,
            (WORDS[w.kind] || ((one) => [one.kind]))(w),
            quiet(
              " since ",
              timeElement(w.since),
              w.state && w.kind !== "subOrchestration"
                ? dated(", " + w.state)
                : w.runtimeStatus && ` (${w.runtimeStatus})`,
            ),
          ),
        ),
    ),
    found.waitsFor.length > 20 &&
      h("p", { class: "quiet" }, `and ${found.waitsFor.length - 20} more`),
  ];
}
// Replace the UTC times in a text ("running since 2026-…Z") by times in the viewer's zone.
const dated = (text) =>
  text.split(/(\d{4}-\S+Z)/).map((part, n) => (n % 2 ? timeElement(part) : part));
