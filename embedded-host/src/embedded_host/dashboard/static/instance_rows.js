/** @file The rows of the list of instances. Sub-orchestrations unfold under their parents. */
import { h, badge, button, splitFirstWord, instanceLink, link, plural, quiet } from "./dom.js";
import { durationText, timeElement } from "./time.js";
import { elapsed } from "./api.js";

const WAITS = {
  activity: "activity",
  timer: "timer",
  child: "sub-orchestration",
  event: "event",
  entity: "entity",
};
const parentHref = (id) => `#/instances?parent=${encodeURIComponent(id)}`;

function waitsOf(row) {
  const waits = (row.waits || []).map((text) => {
    const [kind, rest] = splitFirstWord(text);
    const name = kind === "timer" ? timeElement(rest / 1000, { short: true }) : rest;
    return h("span", { class: "wait" }, quiet(WAITS[kind] + " "), name);
  });
  return waits.length > 2 ? [...waits.slice(0, 2), quiet(`+${waits.length - 2}`)] : waits;
}

/** The content of the cell of each column. */
const CELLS = {
  status: (row) => badge(row.status),
  name: (row) => row.name,
  created: (row) => timeElement(row.created),
  updated: (row) => timeElement(row.updated),
  detail: (row) =>
    row.error ? h("span", { class: "error", title: row.error }, row.error) : waitsOf(row),
  parent: ({ parentInstanceId: id }) => id && link(parentHref(id), id, { class: "id" }),
  executions: (row) => (row.executions || 1).toLocaleString(),
};

/**
 * Return a body of a table. select(id, isSelected) and unfold(id) are called after a click.
 * update(entries, columns) shows the entries {row, depth, open}, or {more, depth} for a link to the
 * other sub-orchestrations of an instance.
 */
export function instanceRows(selection, select, unfold) {
  const node = h("tbody");
  const lines = new Map();

  function line(entry, columns) {
    if (entry.more) return moreLine(entry, columns);
    const { row, depth, open } = entry;
    const mark = JSON.stringify([entry, columns]);
    const old = lines.get(row.id);
    if (old && old.mark === mark) {
      old.box.checked = selection.has(row.id);
      old.tick();
      return old;
    }
    const box = old
      ? old.box
      : h("input", {
          type: "checkbox",
          aria: `Select ${row.id}`,
          onchange: (event) => select(row.id, event.target.checked),
        });
    box.checked = selection.has(row.id);
    // The row reuses the link and the button, so that they keep the focus.
    const name = old ? old.name : instanceLink(row.id);
    const fold = old ? old.fold : button("", () => unfold(row.id), { class: "fold" });
    fold.textContent = `${open ? "▾" : "▸"} ${row.childCount || 0}`;
    fold.ariaExpanded = open;
    fold.ariaLabel = plural(row.childCount || 0, "sub-orchestration");
    const duration = h("td", { class: "c-duration num" });
    const tick = () => {
      duration.textContent = durationText(elapsed(row));
    };
    if (row.executions > 1) duration.title = plural(row.executions, "execution");
    tick();
    const cells = {
      duration: () => duration,
      id: () =>
        h(
          "td",
          { class: "c-id", style: { "--depth": depth } },
          open !== undefined && row.childCount > 0 && fold,
          open === undefined &&
            row.parentInstanceId &&
            link(parentHref(row.parentInstanceId), "↳", {
              class: "fold",
              aria: `Sub-orchestrations of ${row.parentInstanceId}`,
              title: `Sub-orchestrations of ${row.parentInstanceId}`,
            }),
          name,
        ),
    };
    const cell = (key) =>
      cells[key] ? cells[key]() : h("td", { class: "c-" + key }, CELLS[key](row));
    const tr = h("tr", null, h("td", { class: "check" }, box), columns.map(cell));
    return { id: row.id, mark, tr, box, name, fold, tick };
  }

  const moreLine = ({ more, depth }, columns) => ({
    id: `more ${more.id}`,
    tr: h(
      "tr",
      null,
      h(
        "td",
        { class: "c-id", colspan: columns.length + 1, style: { "--depth": depth } },
        link(parentHref(more.id), `All ${plural(more.childCount, "sub-orchestration")}`),
      ),
    ),
    tick: () => {},
  });

  function update(entries, columns) {
    const focused = document.activeElement;
    const next = entries.map((entry) => line(entry, columns));
    lines.clear();
    next.forEach((each, n) => {
      lines.set(each.id, each);
      if (node.children[n] !== each.tr) node.insertBefore(each.tr, node.children[n] || null);
    });
    while (node.children.length > next.length) node.lastChild.remove();
    if (focused !== document.activeElement && focused.isConnected)
      focused.focus({ preventScroll: true });
  }
  return { node, lines, update };
}
