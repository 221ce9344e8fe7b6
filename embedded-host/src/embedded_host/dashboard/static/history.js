/** @file The history as a table with filters by text and event type, and the JSON of each event. */
import {
  h,
  button,
  setOptions,
  truncate,
  tableHead,
  notice,
  plural,
  replace,
  searchInput,
} from "./dom.js";
import { durationText, timeElement } from "./time.js";
import { failureOf, typeName } from "./steps.js";
import { downloadPart } from "./download.js";
import { formattedJson } from "./values.js";

const ROWS = 300;
/** OrchestratorStarted and OrchestratorCompleted. */
const TURN_EVENTS = [12, 13];

/** Return the view. update(model, events, row) draws the events. */
export function historyView() {
  let limit = ROWS,
    events = [],
    scheduled = new Map(),
    start = 0,
    id = "",
    mark = "";
  const filterChanged = () => {
    limit = ROWS;
    draw();
  };
  const words = searchInput("Filter events", filterChanged);
  const types = h("select", { aria: "Event type", onchange: filterChanged });
  const turns = h("input", { type: "checkbox", onchange: filterChanged });
  const count = h("span", { class: "quiet", role: "status" });
  const rows = h("tbody");
  const table = h(
    "table",
    { class: "events", aria: "Events" },
    tableHead("No.", "Time", "Elapsed", "Event", "Name", "Detail", "JSON"),
    rows,
  );
  const container = h("div", { class: "scroll" }, table);
  const more = h("p");
  const node = h(
    "div",
    null,
    h(
      "div",
      { class: "row" },
      h("div", { class: "fields" }, words, types, h("label", null, turns, " Turns")),
      h(
        "span",
        { class: "buttons" },
        count,
        button("Download", () => downloadPart(id, { part: "history" }, "history"), {
          class: "small",
          aria: "Download the history as JSON",
        }),
      ),
    ),
    container,
    more,
  );

  function update(model, all, row) {
    if (mark === row.known) return;
    const grown =
      all.length > events.length &&
      events.length > 0 &&
      mark.split("/")[0] === row.known.split("/")[0];
    mark = row.known;
    [events, start, id] = [all, model.start, row.id];
    scheduled = new Map(all.filter((e) => e.EventId >= 0).map((e) => [e.EventId, e.Name]));
    const known = [...new Set(all.map(typeName))].sort();
    if (types.options.length !== known.length + 1)
      setOptions(
        types,
        types.value,
        "All types",
        known.map((name) => [name]),
      );
    draw(grown);
  }

  function draw(grown) {
    const searched = words.value.toLowerCase();
    const matches = [];
    events.forEach((event, n) => {
      const name = typeName(event);
      if (
        types.value ? name !== types.value : !turns.checked && TURN_EVENTS.includes(event.EventType)
      )
        return;
      if (searched && !(name + JSON.stringify(event)).toLowerCase().includes(searched)) return;
      matches.push([event, n]);
    });
    count.textContent = `${matches.length.toLocaleString()} of ${plural(events.length, "event")}`;
    // If events were only appended, the existing rows remain, so that open JSON stays visible.
    const from = grown ? rows.querySelectorAll("tr.event").length : 0;
    if (!grown) replace(rows);
    for (const [event, n] of matches.slice(from, limit)) rows.append(line(event, n));
    replace(
      container,
      matches.length
        ? table
        : notice(
            events.length ? "No event matches the filter" : "The history is empty",
            events.length ? null : "The first turn of the instance has not run yet.",
          ),
    );
    replace(
      more,
      matches.length > limit &&
        button(`Show ${Math.min(ROWS, matches.length - limit)} more`, () => {
          limit += ROWS;
          draw(true);
        }),
    );
  }

  function line(event, n) {
    const at = Date.parse(event.Timestamp);
    const json = button(
      "{ }",
      () => {
        const next = tr.nextElementSibling;
        const isOpen = next && next.className === "raw";
        json.setAttribute("aria-expanded", String(!isOpen));
        if (isOpen) {
          next.remove();
          return;
        }
        tr.after(
          h(
            "tr",
            { class: "raw" },
            h(
              "td",
              { colspan: 7 },
              h(
                "pre",
                { class: "value", tabindex: "0", aria: `JSON of event ${n}` },
                JSON.stringify(event, null, 2),
              ),
            ),
          ),
        );
      },
      { class: "small", "aria-expanded": "false", aria: `JSON of event ${n}` },
    );
    const [name, detail] = nameAndDetail(event, scheduled);
    const tr = h(
      "tr",
      { class: "event" },
      h("td", { class: "num quiet" }, n),
      h("td", null, timeElement(at, { fraction: true, short: true })),
      h("td", { class: "num quiet" }, "+" + durationText(at - start)),
      h("td", { class: "e-type", "data-type": event.EventType }, typeName(event)),
      h("td", null, name),
      h("td", { class: "e-detail" }, detail),
      h("td", null, json),
    );
    return tr;
  }
  return { node, update };
}

/** Return the name and the detail of an event. A completion has the name of its call. */
function nameAndDetail(e, scheduled) {
  const name = e.Name || e.OrchestrationStatus || scheduled.get(e.TaskScheduledId) || "";
  const detail = e.FireAt
    ? ["due ", timeElement(e.FireAt, { fraction: true, short: true })]
    : e.FailureDetails
      ? failureOf(e.FailureDetails)[0]
      : formattedJson(
          e.Reason ?? e.Result ?? e.InstanceId ?? e.Input ?? e.Data,
          e.EventType === 4 ? "activity" : true,
        );
  return [name, typeof detail === "string" ? truncate(detail, 160) : detail];
}
