/** @file The failed instances by cause: function, type of the error, and message without ids. */
import { h, add, button, instanceLink, link, notice, plural, quiet, redraw } from "./dom.js";
import { tableHead, truncate } from "./dom.js";
import { timeElement } from "./time.js";
import { ACTIONS, getFromDashboard } from "./api.js";
import { openBulkDialog } from "./bulk.js";

const OFFERED = ["rewind", "restart", "purge"];

/** Return the table. hrefOf(changes) returns the link to the instances of a cause. */
export function causesView(filterOf, hrefOf, refreshSoon) {
  const node = h("div");
  const body = h("tbody");
  const head = tableHead("Failed", "Error", "Function", "First", "Last", "Example", "Actions");
  const table = h("table", { class: "list causes", aria: "Causes" }, head, body);

  function line({ key, count, function: name, errorType, message, first, last, example }) {
    const filter = { ...filterOf(), status: "Failed", cause: key };
    const text = [errorType, message].filter(Boolean).join(": ") || "No message";
    const instances = { filter, counts: { Failed: count }, cause: truncate(text, 300) };
    return h(
      "tr",
      null,
      h("td", { class: "num c-count" }, h("b", null, count.toLocaleString())),
      h(
        "td",
        { class: "c-error" },
        link(hrefOf({ status: "Failed", cause: key }), truncate(text, 300), { title: text }),
      ),
      h("td", { class: "c-name" }, name),
      h("td", { class: "c-first" }, quiet("first "), timeElement(first)),
      h("td", { class: "c-last" }, quiet("last "), timeElement(last)),
      h("td", { class: "c-id" }, quiet("example "), instanceLink(example.instanceId)),
      h(
        "td",
        { class: "c-actions" },
        h(
          "span",
          { class: "buttons" },
          OFFERED.map((action) =>
            button(
              `${ACTIONS[action].text}…`,
              () => openBulkDialog(action, instances, refreshSoon),
              {
                class: ACTIONS[action].bad ? "small bad" : "small",
                aria: `${ACTIONS[action].text}: ${text}`,
              },
            ),
          ),
        ),
      ),
    );
  }

  async function refresh(signal) {
    const began = performance.now();
    const causes = await getFromDashboard("causes", filterOf(), signal);
    redraw(body, JSON.stringify(causes), () => causes.map(line));
    redraw(node, String(causes.length > 0), () =>
      causes.length
        ? table
        : notice("No instance failed", "No failed instance matches the filter."),
    );
    const total = causes.reduce((sum, { count }) => sum + count, 0);
    return {
      text: `${plural(total, "failed instance")}, ${plural(causes.length, "cause")}`,
      ms: (performance.now() - began) / 2,
    };
  }
  add(node, [table]);
  return { node, refresh };
}
