/** @file Actions on many instances: a confirmation, then one request for each instance. */
import { h, button, field, plural, redraw, textInput, toast } from "./dom.js";
import { ACTIONS, sendRequest, getFromDashboard, curl, curlLoop, requestFor } from "./api.js";
import { curlBox, dialog } from "./dialog.js";

const CONCURRENT_REQUESTS = 6;

/** Return the bar with the actions on the selected instances, or on all instances of the filter. */
export function bulkBar({ selection, rows, total, filterOf, refresh }) {
  const node = h("div", { class: "bulk", role: "group", aria: "Selected instances" });
  let everything = false;
  function update() {
    if (!selection.size) everything = false;
    node.hidden = !selection.size;
    const count = everything ? total() : selection.size;
    redraw(node, `${count} ${everything} ${total()}`, () => [
      h("span", null, `${count.toLocaleString()} selected`),
      !everything &&
        total() > selection.size &&
        button(
          `Select all ${total().toLocaleString()}`,
          () => {
            everything = true;
            update();
          },
          { class: "small" },
        ),
      Object.keys(ACTIONS).map((name) =>
        button(ACTIONS[name].text + "…", () => openBulkDialog(name, selectedInstances, done), {
          class: "small" + (ACTIONS[name].bad ? " bad" : ""),
        }),
      ),
      button("Clear", done, { class: "small", aria: "Clear the selection" }),
    ]);
  }

  async function selectedInstances() {
    if (everything) return instancesOf(filterOf());
    // The selection may include rows of other pages. Their status must be read.
    const instances = [];
    const statuses = new Map(rows().map((row) => [row.id, row.status]));
    for (const id of selection)
      instances.push({ id, status: statuses.get(id) || (await statusOf(id)) });
    return instances.filter((row) => row.status);
  }
  function done() {
    selection.clear();
    refresh();
  }
  update();
  return { node, update };
}

/** Return all instances of a filter. */
export async function instancesOf(filter) {
  const instances = [];
  for (let offset = 0; ; offset += 1000) {
    const query = { ...filter, sort: "created", offset, limit: 1000 };
    const { rows } = await getFromDashboard("instances", query);
    instances.push(...rows);
    if (rows.length < 1000) return instances;
  }
}

const statusOf = async (id) => {
  try {
    return (await getFromDashboard("instance", { id })).status;
  } catch {
    return null;
  }
};

/** Confirm an action on the instances that read() returns, and perform it. */
export async function openBulkDialog(name, read, onDone) {
  const action = ACTIONS[name];
  let list;
  try {
    list = await read();
  } catch (error) {
    toast(error.message, true);
    return;
  }
  const allowed = list.filter((row) => action.when(row.status));
  const skipped = list.length - allowed.length;
  let stopped = false;
  const confirmation = dialog(`${action.text} ${plural(allowed.length)}?`, (close) => {
    const progress = h("progress", {
      max: allowed.length || 1,
      value: 0,
      hidden: true,
      aria: "Progress",
    });
    const summary = h("p", { role: "status" });
    const failures = h("ul", { class: "problem" });
    const reason = textInput({ oninput: () => box.update() });
    const box = curlBox(() =>
      allowed.length > 1
        ? curlLoop(
            name,
            allowed.map((row) => row.id),
            reason.value,
          )
        : curl(requestFor(name, allowed[0].id, reason.value)),
    );
    const cancel = button("Cancel", close);
    const start = button(
      `${action.text} ${plural(allowed.length)}`,
      async () => {
        start.disabled = true;
        progress.hidden = false;
        cancel.textContent = "Stop";
        const queue = [...allowed];
        let done = 0,
          failed = 0;
        const work = async () => {
          while (queue.length && !stopped) {
            const { id } = queue.shift();
            try {
              await sendRequest(requestFor(name, id, reason.value));
              done += 1;
            } catch (error) {
              failed += 1;
              if (failed <= 5) failures.append(h("li", null, `${id}: ${error.message}`));
            }
            progress.value = done + failed;
            summary.textContent =
              `${done.toLocaleString()} of ${allowed.length.toLocaleString()} ${action.done}` +
              (failed ? `, ${failed.toLocaleString()} failed` : "");
          }
        };
        await Promise.all(Array.from({ length: CONCURRENT_REQUESTS }, work));
        onDone();
        start.hidden = true;
        cancel.textContent = "Close";
        if (!failed) {
          close();
          toast(`${plural(done)} ${action.done}.`);
        }
      },
      { class: action.bad ? "primary bad" : "primary", disabled: !allowed.length },
    );
    return [
      skipped > 0 &&
        h("p", null, [
          `${plural(list.length)} ${list.length === 1 ? "is" : "are"} selected. `,
          `${skipped.toLocaleString()} of them cannot be ${action.done} `,
          `and ${skipped === 1 ? "is" : "are"} skipped.`,
        ]),
      action.note && h("p", null, action.note),
      action.reason && field("Reason", reason, "Stored in the history"),
      progress,
      summary,
      failures,
      allowed.length > 0 && box,
      h("p", { class: "buttons" }, cancel, start),
    ];
  });
  confirmation.addEventListener("close", () => {
    stopped = true;
  });
}
