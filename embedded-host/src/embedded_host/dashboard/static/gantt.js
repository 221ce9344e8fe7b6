/** @file The timeline: a row for the orchestrator's code, then rows of calls and groups. */
import { h, button, entityLink, factList, instanceLink, notice, replace, quiet } from "./dom.js";
import { durationText, utcText, timeElement } from "./time.js";
import { KINDS, SETTING, rowOf, spent, valuesOf } from "./steps.js";
import { codeBlock, errorView, formattedJson } from "./values.js";

const ROWS = 200,
  FAILED = 20,
  TICKS = 5;
/** The kinds of steps without a duration. */
const MARKS = ["event", "sent"];
const STATES = {
  open: "open",
  completed: "completed",
  failed: "failed",
  abandoned: "not completed before the orchestration ended",
};

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
    update(last);
  };
  const out = button("−", () => set(0.5), { class: "small", aria: "Zoom out", disabled: true });
  const failedOnly = h("input", { type: "checkbox", onchange: () => update(last) });
  const failedText = h("span");
  const bar = h(
    "div",
    { class: "row" },
    summary,
    h(
      "span",
      { class: "buttons" },
      h("label", null, failedOnly, failedText),
      out,
      button("+", () => set(2), { class: "small", aria: "Zoom in" }),
    ),
  );
  const node = h("div", null, bar, outer, more);
  const drawn = new Map();

  /** Return the rows to draw: {key, steps} for a call, or {key, group, steps}. */
  function shownRows(model, now) {
    const { start, end, turns } = model;
    const code = { kind: "code", name: "Orchestrator", start, end: end ?? now, turns };
    code.state = end === null ? "open" : "completed";
    const shown = failedOnly.checked ? [] : [{ key: "code", steps: [code], state: code.state }];
    for (const group of model.groups) {
      const members = group.rows.map((indexes) => rowOf(model, indexes));
      const failed = members.filter((row) => row.state === "failed");
      if (failedOnly.checked && !failed.length) continue;
      if (!group.summary) {
        shown.push(members[0]);
        continue;
      }
      const key = `g${Math.min(...group.rows.flat())}`;
      const isOpen = open.has(key);
      const all =
        isOpen && !failedOnly.checked ? members : isOpen ? failed : failed.slice(0, FAILED);
      shown.push({ key, group, failed, steps: members.flatMap((row) => row.steps) });
      shown.push(...all.map((row) => ({ ...row, inside: true })));
    }
    return shown;
  }

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
    const queued = steps.some((step) => step.began || step.queued);
    replace(
      summary,
      h("b", null, durationText(time.total)),
      " ",
      part("code", "orchestrator code", time.code),
      part("activity", "running calls", time.work),
      part("wait", "waiting", time.wait),
      queued &&
        h(
          "span",
          { class: "spent-part" },
          h("span", { class: "key", "data-kind": "queue" }),
          "queued",
        ),
    );
    const ticks = TICKS * zoom;
    replace(
      scale,
      Array.from({ length: ticks }, (_, n) =>
        h(
          "span",
          { class: "tick", style: { left: `${(n / ticks) * 100}%` } },
          n ? "+" + durationText((total * n) / ticks) : "0",
        ),
      ),
    );
    const all = shownRows(model, now);
    const failures = model.groups
      .flatMap((group) => group.rows)
      .filter((indexes) => rowOf(model, indexes).state === "failed").length;
    failedText.textContent = ` Failed only (${failures.toLocaleString()})`;
    failedOnly.disabled = !failures && !failedOnly.checked;
    const shown = all.slice(0, limit);
    let next = rows.firstChild;
    const keys = new Set();
    for (const item of shown) {
      keys.add(item.key);
      const mark = JSON.stringify([
        item.group?.summary,
        item.group && open.has(item.key),
        item.inside,
        item.group ? item.group.max : item.steps?.map((s) => [s.state, s.end, s.turns?.length]),
      ]);
      let row = drawn.get(item.key);
      if (!row || row.mark !== mark) {
        if (row && row.node === next) next = next.nextSibling;
        row?.node.remove();
        drawn.set(item.key, (row = { ...make(item), mark }));
      }
      if (row.node === next) next = next.nextSibling;
      else rows.insertBefore(row.node, next);
      row.position?.(item, percentAt, now);
    }
    for (const [key, row] of drawn)
      if (!keys.has(key)) {
        row.node.remove();
        drawn.delete(key);
      }
    replace(
      more,
      all.length > limit &&
        button(`Show ${Math.min(ROWS, all.length - limit)} more of ${all.length} rows`, () => {
          limit += ROWS;
          update(last);
        }),
      !steps.length &&
        notice(end === null ? "There are no calls yet" : "The orchestrator made no calls", null),
      model.steps.some((s) => s.kind === "activity" && !s.label) &&
        quiet("The history does not contain the inputs of all activities. ", SETTING),
    );
  }

  function make(item) {
    const track = h("span", { class: "g-track" });
    const lasted = h("span", { class: "g-time" });
    const detail = h("div", { class: "g-detail" });
    const row = h(
      "details",
      {
        class: `g-row${item.inside ? " inside" : ""}${item.group ? " group" : ""}`,
        open: open.has(item.key),
        ontoggle: () => {
          if (row.open === open.has(item.key)) return;
          open[row.open ? "add" : "delete"](item.key);
          if (item.group) update(last);
          else if (row.open) replace(detail, detailOf(item, last));
        },
      },
      h("summary", null, labelOf(item), track, lasted, item.group && groupSummary(item.group)),
      !item.group && detail,
    );
    if (row.open && !item.group) replace(detail, detailOf(item, last));
    const position = (current, percentAt, now) => {
      const spans = spansOf(current, now);
      while (track.childElementCount < spans.length) track.append(h("span", { class: "g-bar" }));
      spans.forEach(([from, to, kind, state], index) => {
        const left = percentAt(from);
        const piece = track.children[index];
        [piece.dataset.kind, piece.dataset.state] = [kind, state || ""];
        Object.assign(piece.style, {
          left: `${left}%`,
          width: `${Math.max(0, percentAt(to) - left)}%`,
        });
      });
      const [step] = current.steps;
      lasted.textContent = MARKS.includes(step.kind)
        ? ""
        : durationText(Math.max(...current.steps.map((s) => s.end ?? now)) - step.start);
    };
    // A link in a summary is not accessible, so that it follows the row.
    const [{ instanceId }] = item.steps;
    const goTo = !item.group && instanceId && linkTo(instanceId);
    if (goTo)
      Object.assign(goTo, {
        textContent: "↗",
        className: "g-link",
        ariaLabel: `Open ${instanceId}`,
      });
    return { node: h("div", null, row, goTo), position };
  }
  return { node, update, tick: (model) => model && update(model) };
}

/** Return the bars of a row: [from, to, kind, state]. */
function spansOf({ steps, group, failed }, now) {
  const [first] = steps;
  const endOf = (step) => (step.state === "open" ? now : (step.end ?? now));
  if (first.turns)
    return [[first.start, endOf(first), "wait"], ...first.turns.map((turn) => [...turn, "code"])];
  const ofSteps = (list) =>
    list.flatMap((step) => {
      if (step.queued) return [[step.start, endOf(step), "queue", step.state]];
      const run = [step.began ?? step.start, endOf(step), step.kind, step.state];
      return step.began ? [[step.start, step.began, "queue", ""], run] : [run];
    });
  if (!group) return ofSteps(steps);
  const ends = steps.map(endOf);
  return [
    [
      Math.min(...steps.map((s) => s.start)),
      Math.max(...ends),
      first.kind,
      group.state === "open" ? "open" : "folded",
    ],
    ...failed.slice(0, FAILED).flatMap((row) => ofSteps(row.steps.slice(-1))),
  ];
}

function labelOf({ steps, group, state, attempts = [], label, inside }) {
  const [first] = steps;
  const name = group
    ? group.name
    : first.kind === "retry"
      ? `${first.name}: retry delay`
      : first.name;
  const shown = group ? group.state : state;
  return h(
    "span",
    {
      class: "g-label",
      title: `${KINDS[first.kind] || ""} ${name} ${label ?? ""}\n${utcText(first.start)}`,
    },
    h("span", { class: "key", "data-kind": first.kind, "data-state": shown }),
    h("span", null, name),
    group && ` × ${group.rows.length.toLocaleString()}`,
    !group && first.kind === "child" && [" ", h("code", null, first.instanceId)],
    attempts.length > 1 && quiet(` · ${attempts.length} attempts`),
    !group && label && [" ", h("span", { class: inside ? "quiet g-input" : "quiet" }, label)],
    h("span", { class: "hidden" }, `, ${KINDS[first.kind] || "code"}, ${shown}, `),
  );
}

const groupSummary = ({ summary, p50, max, failed }) =>
  h(
    "span",
    { class: "g-sum", "data-failed": failed > 0 },
    summary,
    max !== null && `, p50 ${durationText(p50)}, max ${durationText(max)}`,
  );

function detailOf({ steps, attempts, state }, { events }) {
  const [first] = steps,
    calls = attempts?.length ? attempts : [first],
    step = calls.at(-1);
  const values = valuesOf(step, events);
  const isRetried = calls.length > 1;
  // The history keeps the input of a failed attempt in any case.
  values.input ??= calls.map((call) => valuesOf(call, events).input).find((input) => input);
  const isMark = MARKS.includes(first.kind);
  const facts = factList([
    [
      step.began || step.queued ? "Scheduled" : "Started",
      timeElement(first.start, { fraction: true }),
    ],
    !isRetried && step.began && ["Began to run", timeElement(step.began, { fraction: true })],
    !isRetried && step.began && ["Queued for", durationText(step.began - step.start)],
    step.end !== null &&
      !isMark && [
        step.state === "abandoned" ? "Abandoned at" : "Ended",
        timeElement(step.end, { fraction: true }),
      ],
    step.end !== null && !isMark && !isRetried && ["Ran for", durationText(runTime(step))],
    step.due && ["Due", timeElement(step.due, { fraction: true })],
    ["State", step.queued ? "queued" : STATES[state]],
    step.turns && ["Turns", step.turns.length],
    step.instanceId && [
      step.instanceId.startsWith("@") ? "Entity" : "Instance",
      linkTo(step.instanceId),
    ],
  ]);
  const value = (name, text, field) =>
    text !== null &&
    text !== undefined && [
      h("h3", null, name),
      codeBlock(
        formattedJson(text, name === "Input" && step.kind),
        name,
        cutOf(step, field, events),
      ),
    ];
  return [
    facts,
    isRetried &&
      h(
        "ol",
        { class: "attempts", aria: "Attempts" },
        calls.map((call) =>
          h(
            "li",
            null,
            `${STATES[call.state]} after ${durationText(runTime(call))}`,
            call.state === "failed" && [
              ": ",
              quiet((valuesOf(call, events).error || "").slice(0, 300)),
            ],
          ),
        ),
      ),
    value("Input", values.input, "Input"),
    step.kind === "activity" &&
      (values.input ?? null) === null &&
      h("p", { class: "quiet" }, "The history does not contain the input. ", SETTING),
    value("Result", values.result, step.kind === "entity" ? "Input" : "Result"),
    values.error !== undefined && [h("h3", null, "Error"), errorView(values.error, values.details)],
  ];
}

const linkTo = (id) => (id.startsWith("@") ? entityLink : instanceLink)(id);
const runTime = (call) => (call.end ?? Date.now()) - (call.began ?? call.start);

/** Return the part of the history that the page has only in part, or undefined. */
function cutOf(step, field, events) {
  const at =
    field === "Input" && step.kind !== "entity" ? step.event : (step.completion ?? step.event);
  const length = events.cut?.[at]?.[field];
  return (
    length && {
      length,
      download: (label) => events.download({ event: String(at), field }, label),
    }
  );
}
