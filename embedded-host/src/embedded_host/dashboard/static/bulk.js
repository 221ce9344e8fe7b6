// Actions on many instances: a confirmation with the count, then the requests, with a button that stops them.
import { h, button, field, plural, redraw, textInput, toast } from "./dom.js";
import { ACTIONS, sendRequest, getFromDashboard, curl, curlLoop, requestFor } from "./api.js";
import { curlBox, dialog } from "./dialog.js";

const AT_ONCE = 6;

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
        button(ACTIONS[name].text + "…", () => confirm(name), {
          class: "small" + (ACTIONS[name].bad ? " bad" : ""),
        }),
      ),
      button(
        "None",
        () => {
          selection.clear();
          refresh();
        },
        { class: "small", aria: "Select none" },
      ),
    ]);
  }

  async function chosen() {
    const found = [];
    if (!everything) {
      // The selection may include rows of other pages, whose status is unknown or old.
      const here = new Map(rows().map((row) => [row.id, row.status]));
      for (const id of selection) found.push({ id, status: here.get(id) || (await one(id)) });
      return found.filter((row) => row.status);
    }
    for (let offset = 0; ; offset += 1000) {
      const page = await getFromDashboard("instances", {
        ...filterOf(),
        sort: "created",
        offset,
        limit: 1000,
      });
      found.push(...page.rows);
      if (page.rows.length < 1000) return found;
    }
  }
  const one = async (id) => {
    try {
      return (await getFromDashboard("instance", { id })).status;
    } catch {
      return null;
    }
  };

  async function confirm(name) {
    const action = ACTIONS[name];
    let list;
    try {
      list = await chosen();
    } catch (error) {
      toast(error.message, true);
      return;
    }
    const fit = list.filter((row) => action.when(row.status));
    const left = list.length - fit.length;
    let stopped = false;
    const confirmation = dialog(`${action.text} ${plural(fit.length)}?`, (close) => {
      const progress = h("progress", {
        max: fit.length || 1,
        value: 0,
        hidden: true,
        aria: "Progress",
      });
      const told = h("p", { role: "status" });
      const failures = h("ul", { class: "problem" });
      const reason = textInput({ oninput: () => box.update() });
      const box = curlBox(() =>
        fit.length > 1
          ? curlLoop(
              name,
              fit.map((row) => row.id),
              reason.value,
            )
          : curl(requestFor(name, fit[0].id, reason.value)),
      );
      const cancel = button("Cancel", close);
      const go = button(
        `${action.text} ${plural(fit.length)}`,
        async () => {
          go.disabled = true;
          progress.hidden = false;
          cancel.textContent = "Stop";
          const queue = [...fit];
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
              told.textContent =
                `${done.toLocaleString()} of ${fit.length.toLocaleString()} ${action.done}` +
                (failed ? `, ${failed.toLocaleString()} refused` : "");
            }
          };
          await Promise.all(Array.from({ length: AT_ONCE }, work));
          selection.clear();
          refresh();
          go.hidden = true;
          cancel.textContent = "Close";
          if (!failed) {
            close();
            toast(`${plural(done)} ${action.done}.`);
          }
        },
        { class: action.bad ? "primary bad" : "primary", disabled: !fit.length },
      );
      return [
        left > 0 &&
          h("p", null, [
            `${plural(list.length)} ${list.length === 1 ? "is" : "are"} selected; ${left.toLocaleString()} of them `,
            `cannot be ${action.done} and ${left === 1 ? "is" : "are"} left out.`,
          ]),
        action.note && h("p", null, action.note),
        action.reason && field("Reason", reason, "Kept in the history"),
        progress,
        told,
        failures,
        fit.length > 0 && box,
        h("p", { class: "buttons" }, cancel, go),
      ];
    });
    confirmation.addEventListener("close", () => {
      stopped = true;
    });
  }
  update();
  return { node, update };
}
