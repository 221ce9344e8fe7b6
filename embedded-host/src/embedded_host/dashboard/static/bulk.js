/** @file Actions on selected instances, or on all instances of a filter, after a confirmation. */
import { h, button, field, plural, redraw, textInput, toast } from "./dom.js";
import { ACTIONS, DASHBOARD_API, sendRequest, getFromDashboard, queryString } from "./api.js";
import { curl, curlLoop, requestFor } from "./api.js";
import { curlBox, dialog } from "./dialog.js";

const CONCURRENT_REQUESTS = 6;

/** Return the bar with the actions on the selected instances, or on all instances of the filter. */
export function bulkBar({ selection, rows, total, counts, filterOf, refresh }) {
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
        button(
          ACTIONS[name].text + "…",
          () => selected().then((instances) => openBulkDialog(name, instances, done)),
          {
            class: "small" + (ACTIONS[name].bad ? " bad" : ""),
          },
        ),
      ),
      button("Clear", done, { class: "small", aria: "Clear the selection" }),
    ]);
  }

  async function selected() {
    if (everything) return { filter: filterOf(), counts: counts() };
    // The selection may include rows of other pages. Their status must be read.
    const list = [];
    const statuses = new Map(rows().map((row) => [row.id, row.status]));
    for (const id of selection) list.push({ id, status: statuses.get(id) || (await statusOf(id)) });
    return { list: list.filter((row) => row.status) };
  }
  function done() {
    selection.clear();
    refresh();
  }
  update();
  return { node, update };
}

const statusOf = async (id) => {
  try {
    return (await getFromDashboard("instance", { id })).status;
  } catch {
    return null;
  }
};

/** Act on each instance of a list. report(1, 0) or report(0, 1, error) is called for each. */
async function actOnEach(name, list, reason, isStopped, report) {
  const queue = [...list];
  const work = async () => {
    while (queue.length && !isStopped()) {
      const { id } = queue.shift();
      try {
        await sendRequest(requestFor(name, id, reason));
        report(1, 0);
      } catch (error) {
        report(0, 1, [{ instanceId: id, error: error.message }]);
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_REQUESTS }, work));
}

/** Act on all instances of a filter. The host selects them. A request lasts up to a second. */
async function actOnFilter(action, filter, reason, isStopped, report) {
  for (let next = {}; next && !isStopped();) {
    const query = queryString({ ...filter, action, reason, ...next });
    const step = await sendRequest({ path: `${DASHBOARD_API}/bulk${query}` });
    report(step.done, step.failed, step.errors);
    next = step.next;
  }
}

/**
 * Confirm an action on many instances, and perform it. The instances are a list of {id, status},
 * or those of a filter with counts by status. The dialog shows the cause, if one is given.
 */
export function openBulkDialog(name, { list, filter, counts = {}, cause }, onDone) {
  const action = ACTIONS[name];
  const allowed = list?.filter((row) => action.when(row.status));
  const sum = (entries) => entries.reduce((total, [, n]) => total + n, 0);
  const all = list ? list.length : sum(Object.entries(counts));
  const count = list
    ? allowed.length
    : sum(Object.entries(counts).filter(([status]) => action.when(status)));
  const skipped = all - count;
  let stopped = false;
  const confirmation = dialog(`${action.text} ${plural(count)}?`, (close) => {
    const progress = h("progress", {
      max: count || 1,
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
      `${action.text} ${plural(count)}`,
      async () => {
        start.disabled = true;
        progress.hidden = false;
        cancel.textContent = "Stop";
        let done = 0,
          failed = 0;
        const report = (more, bad, errors = []) => {
          done += more;
          failed += bad;
          for (const { instanceId, error } of errors)
            if (failures.children.length < 5)
              failures.append(h("li", null, `${instanceId}: ${error}`));
          progress.value = done + failed;
          summary.textContent =
            `${done.toLocaleString()} of ${count.toLocaleString()} ${action.done}` +
            (failed ? `, ${failed.toLocaleString()} failed` : "");
        };
        const act = list ? actOnEach : actOnFilter;
        try {
          await act(name, allowed || filter, reason.value, () => stopped, report);
        } catch (error) {
          failed ||= 1;
          failures.append(h("li", null, error.message));
        }
        onDone();
        start.hidden = true;
        cancel.textContent = "Close";
        if (!failed) {
          close();
          toast(`${plural(done)} ${action.done}.`);
        }
      },
      { class: action.bad ? "primary bad" : "primary", disabled: !count },
    );
    return [
      cause && h("p", { class: "error" }, cause),
      skipped > 0 &&
        h("p", null, [
          `${plural(all)} ${all === 1 ? "is" : "are"} selected. `,
          `${skipped.toLocaleString()} of them cannot be ${action.done} `,
          `and ${skipped === 1 ? "is" : "are"} skipped.`,
        ]),
      action.note && h("p", null, action.note),
      action.reason && field("Reason", reason, "Stored in the history"),
      progress,
      summary,
      failures,
      allowed?.length > 0 && box,
      h("p", { class: "buttons" }, cancel, start),
    ];
  });
  confirmation.addEventListener("close", () => {
    stopped = true;
  });
}
