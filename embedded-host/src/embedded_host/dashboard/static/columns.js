/** @file The columns of the list of instances, and the menu that chooses them and the times. */
import { h, add, field } from "./dom.js";
import { TIMES, chooseTimes, chosenTimes } from "./time.js";

/** The titles of the columns. */
export const COLUMNS = {
  status: "Status",
  name: "Function",
  id: "Instance",
  created: "Created",
  updated: "Updated",
  duration: "Duration",
  detail: "Error or wait",
  parent: "Parent",
  executions: "Executions",
};
export const SORTED = ["status", "name", "id", "created", "updated", "duration"];
export const isDescendingFirst = (key) => ["created", "updated", "duration"].includes(key);
const DEFAULT = "status,name,id,created,updated,duration,detail";

/** Return the keys of the columns that a parameter of the URL names. */
export function columnsOf(text) {
  const named = (text || DEFAULT).split(",");
  return Object.keys(COLUMNS).filter((key) => key === "id" || named.includes(key));
}

/** Return the menu, which calls change(changes), and a function that updates it. */
export function viewMenu(state, change, mayFold, ofCauses) {
  const check = (text, onchange) => {
    const input = h("input", { type: "checkbox", onchange });
    return { input, node: h("label", null, input, " ", text) };
  };
  const boxes = Object.entries(COLUMNS)
    .filter(([key]) => key !== "id")
    .map(([key, text]) => ({
      key,
      ...check(text, () => {
        const chosen = boxes.filter(({ input }) => input.checked).map((box) => box.key);
        const columns = ["id", ...chosen].join();
        const isDefault = columnsOf(columns).join() === DEFAULT;
        change({ columns: isDefault ? "" : columns }, true);
      }),
    }));
  const fold = check("Fold sub-orchestrations under their parents", () =>
    change({ fold: fold.input.checked ? "" : "0" }),
  );
  const select = (entries, onchange) =>
    h(
      "select",
      { onchange },
      entries.map(([value, text]) => h("option", { value }, text)),
    );
  const times = select(Object.entries(TIMES), () => {
    chooseTimes((localStorage.times = times.value));
    change({ times: times.value === "local" ? "" : times.value }, true);
  });
  const sort = select(
    SORTED.map((key) => [key, COLUMNS[key]]),
    () => change({ sort: sort.value, desc: isDescendingFirst(sort.value) ? "1" : "0" }),
  );
  const box = h("div", { class: "menu-box", tabindex: "-1" }, [
    field("Times", times),
    fold.node,
    !ofCauses && [
      field("Sort by", sort),
      h(
        "fieldset",
        null,
        h("legend", null, "Columns"),
        boxes.map((each) => each.node),
      ),
    ],
  ]);
  const node = h("details", {
    class: "menu",
    onfocusout: (event) => {
      if (!node.contains(event.relatedTarget)) node.open = false;
    },
    onkeydown: (event) => {
      if (event.key !== "Escape") return;
      node.open = false;
      node.firstChild.focus();
    },
  });
  add(node, [h("summary", null, "View"), box]);
  function update() {
    const shown = columnsOf(state.columns);
    for (const { key, input } of boxes) input.checked = shown.includes(key);
    fold.input.checked = state.fold !== "0" && mayFold();
    fold.input.disabled = !mayFold();
    fold.node.title = mayFold() ? "" : "This filter also finds sub-orchestrations.";
    sort.value = state.sort;
    times.value = chosenTimes();
  }
  return { node, update };
}
