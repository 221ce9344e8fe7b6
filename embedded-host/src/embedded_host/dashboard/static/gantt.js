/** @file The timeline: one row for the orchestrator's code, then one for each step. */
import { h, button, factList, instanceLink, notice, replace, quiet } from "./dom.js";
import { durationText, utcText, timeElement } from "./time.js";
import { KINDS, spent, valuesOf } from "./steps.js";
import { codeBlock, errorView, formattedJson } from "./values.js";

const ROWS = 200;
const TICKS = 5;
/** The kinds of steps without a duration. */
const MARKS = ["event", "sent"];

/** Return the view. update(model) draws the model; tick(model) moves the bars of open steps. */
export function ganttView() {
  let limit = ROWS,
    zoom = 1,
    last = null;
  const open = new Set();
  const summary = h("p", { class: "spent" });
  const scale = h("div", { class: "g-scale", "aria-hidden": "true" });
  const rows = h("div");
  const inner = h("div", { class: "g-inner" }, scale, rows);
  const outer = h("div", { class: "gantt", tabindex: "0", role: "group", aria: "Timeline" }, inner);
  const more = h("p");
  const set = (factor) => {
    zoom = Math.min(64, Math.max(1, zoom * factor));
    inner.style.setProperty("--zoom", zoom);
    out.disabled = zoom === 1;
  };
  const out = button("−", () => set(0.5), { class: "small", aria: "Zoom out", disabled: true });
  const bar = h(
    "div",
    { class: "row" },
    summary,
    h(
      "span",
      { class: "buttons" },
      out,
      button("+", () => set(2), { class: "small", aria: "Zoom in" }),
    ),
  );
  const node = h("div", null, bar, outer, more);
  const drawn = new Map();

  function update(model) {
    last = model;
    const { steps, start, end } = model;
    const now = Date.now();
    let until = end ?? now;
    for (const step of steps) until = Math.max(until, step.end ?? 0);
    const total = Math.max(1, until - start);
    const percentAt = (ms) => Math.min(100, Math.max(0, ((ms - start) / total) * 100));
    const time = spent(model, now);
    const part = (name, text, ms) =>
      ms > 0 &&
      h(
        "span",
        { class: "spent-part" },
        h("span", { class: "key", "data-kind": name }),
        `${text} ${durationText(ms)}`,
      );
    replace(
      summary,
      h("b", null, durationText(time.total)),
      " ",
      part("code", "orchestrator code", time.code),
      part("activity", "running calls", time.work),
      part("wait", "waiting", time.wait),
    );
    replace(
      scale,
      Array.from({ length: TICKS }, (_, n) =>
        h(
          "span",
          { class: "tick", style: { left: `${(n / TICKS) * 100}%` } },
          n ? "+" + durationText((total * n) / TICKS) : "0",
        ),
      ),
    );
    const shown = [
      {
        kind: "code",
        name: "Orchestrator",
        start,
        end: end ?? now,
        state: end === null ? "open" : "completed",
        turns: model.turns,
      },
      ...steps.slice(0, limit),
    ];
    shown.forEach((step, n) => {
      const mark = JSON.stringify([step.state, step.end, step.attempt, step.turns?.length]);
      let row = drawn.get(n);
      if (!row || row.mark !== mark) {
        const newRow = rowOf(step, n, mark);
        if (row) row.node.replaceWith(newRow.node);
        else rows.append(newRow.node);
        drawn.set(n, (row = newRow));
      }
      row.position(percentAt, now);
    });
    for (const [n, row] of drawn)
      if (n >= shown.length) {
        row.node.remove();
        drawn.delete(n);
      }
    replace(
      more,
      steps.length > limit &&
        button(`Show ${Math.min(ROWS, steps.length - limit)} more of ${steps.length} steps`, () => {
          limit += ROWS;
          update(last);
        }),
      !steps.length &&
        notice(end === null ? "There are no calls yet" : "The orchestrator made no calls", null),
    );
  }

  function rowOf(step, n, mark) {
    const spans = step.turns
      ? [[step.start, step.end, "wait"], ...step.turns.map((turn) => [...turn, "code"])]
      : [[step.start, step.end, step.kind]];
    const bars = spans.map(([, , kind]) =>
      h("span", { class: "g-bar", "data-kind": kind, "data-state": !step.turns && step.state }),
    );
    const lasted = h("span", { class: "g-time" });
    const title = `${KINDS[step.kind] || ""} ${step.name}\n${utcText(step.start)}`;
    const label = h(
      "span",
      { class: "g-label", title },
      h("span", { class: "key", "data-kind": step.kind, "data-state": step.state }),
      h("span", null, step.kind === "retry" ? `${step.name}: retry delay` : step.name),
      step.attempt && quiet(` #${step.attempt}`),
      h("span", { class: "hidden" }, `, ${KINDS[step.kind] || "code"}, ${step.state}, `),
    );
    const detail = h("div", { class: "g-detail" });
    const row = h(
      "details",
      {
        class: "g-row",
        open: open.has(n),
        ontoggle: () => {
          if (row.open) {
            open.add(n);
            replace(detail, detailOf(step, last.events));
          } else open.delete(n);
        },
      },
      h("summary", null, label, h("span", { class: "g-track" }, bars), lasted),
      detail,
    );
    const position = (percentAt, now) => {
      const end = step.state === "open" ? now : step.end;
      spans.forEach(([from, to], index) => {
        const left = percentAt(from);
        const right = percentAt(index ? to : end);
        Object.assign(bars[index].style, {
          left: `${left}%`,
          width: `${Math.max(0, right - left)}%`,
        });
      });
      lasted.textContent = MARKS.includes(step.kind) ? "" : durationText(end - step.start);
    };
    return { node: row, mark, position };
  }
  return { node, update, tick: (model) => model && update(model) };
}

function detailOf(step, events) {
  const values = valuesOf(step, events);
  const facts = factList([
    ["Started", timeElement(step.start, { fraction: true })],
    step.end !== null &&
      !MARKS.includes(step.kind) && [
        step.state === "abandoned" ? "Abandoned at" : "Ended",
        timeElement(step.end, { fraction: true }),
      ],
    step.due && ["Due", timeElement(step.due, { fraction: true })],
    [
      "State",
      {
        open: "open",
        completed: "completed",
        failed: "failed",
        abandoned: "not completed before the orchestration ended",
      }[step.state],
    ],
    step.turns && ["Turns", step.turns.length],
    step.instanceId &&
      !step.instanceId.startsWith("@") && ["Instance", instanceLink(step.instanceId)],
  ]);
  const value = (name, text) =>
    text !== null &&
    text !== undefined && [h("h3", null, name), codeBlock(formattedJson(text), name)];
  return [
    facts,
    value("Input", values.input),
    value("Result", values.result),
    values.error !== undefined && [h("h3", null, "Error"), errorView(values.error, values.details)],
  ];
}
