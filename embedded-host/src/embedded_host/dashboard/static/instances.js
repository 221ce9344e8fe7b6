/** @file The list of instances or of causes, with its filter and histogram. Changes update it. */
import { h, add, button, failure, link, notice, pager, replace } from "./dom.js";
import { chooseTimes, chosenTimes } from "./time.js";
import { getFromDashboard } from "./api.js";
import { everySecond, keepUpToDate } from "./live.js";
import { ALL, filterBar } from "./filter.js";
import { histogram } from "./histogram.js";
import { bulkBar } from "./bulk.js";
import { causesView } from "./causes.js";
import { COLUMNS, SORTED, columnsOf, isDescendingFirst, viewMenu } from "./columns.js";
import { instanceRows } from "./instance_rows.js";

const PAGE = 100;
/** Maximum depth of unfolded sub-orchestrations. */
const DEPTH = 20;
/** With one of these filters the list also shows the sub-orchestrations that match. */
const FINDS_CHILDREN = ["search", "name", "waiting", "parent", "prefix", "failedWith"];

export async function show(body, { params, signal }) {
  const state = {
    sort: "created",
    desc: "1",
    ...params,
    page: Math.max(1, Number(params.page) || 1),
  };
  if (state.times) chooseTimes(state.times);
  state.times = chosenTimes() === "local" ? "" : chosenTimes();
  const ofCauses = state.view === "causes";
  const mayFold = () => !FINDS_CHILDREN.some((key) => state[key]);
  const isFolded = () => mayFold() && state.fold !== "0";
  const filterOf = () => ({
    ...Object.fromEntries(Object.keys(ALL).map((key) => [key, state[key]])),
    ...(ofCauses && { status: "Failed" }),
    topLevel: isFolded(),
  });
  let page = { rows: [], counts: null },
    entries = [],
    total = 0;
  const selection = new Set();
  const unfolded = new Set();

  // The URL contains the whole view, so that users can bookmark and share the URL.
  function hrefOf(changes = {}) {
    const shown = { ...state, ...changes };
    if (shown.sort === "created" && shown.desc === "1") shown.sort = shown.desc = "";
    const parameters = Object.entries(shown).filter(([, value]) => value && value !== 1);
    return "#/instances?" + new URLSearchParams(parameters);
  }
  function change(changes, keepPage) {
    Object.assign(state, keepPage ? {} : { page: 1 }, changes);
    history.replaceState(null, "", hrefOf());
    if (!keepPage) {
      selection.clear();
      bulk.update();
    }
    update();
    watch.now();
    chart.now();
  }

  const filter = filterBar(state, change, ofCauses, signal);
  const chart = histogram(filterOf, change, signal);
  const menu = viewMenu(state, change, mayFold, ofCauses);
  const status = h("p", { class: "quiet count", role: "status" });
  const headRow = h("tr");
  const all = h("input", {
    type: "checkbox",
    aria: "Select this page",
    onchange: () => {
      for (const { row } of entries) if (row) select(row.id, all.checked);
      showEntries();
    },
  });
  const rows = instanceRows(selection, select, (id) => {
    if (!unfolded.delete(id)) unfolded.add(id);
    watch.now();
  });
  const table = h(
    "table",
    { class: "list instances", aria: "Instances" },
    h("thead", null, headRow),
    rows.node,
  );
  const container = h("div", { class: "scroll" });
  const pages = h("nav", { class: "pages", aria: "Pages" });
  const bulk = bulkBar({
    selection,
    rows: () => entries.flatMap(({ row }) => row || []),
    total: () => total,
    counts: matchingCounts,
    filterOf,
    refresh: () => watch.now(),
  });
  const causes = causesView(
    filterOf,
    (changes) => hrefOf({ view: "", page: 1, ...changes }),
    () => watch.now(),
  );
  const tab = (text, isShown, view) =>
    button(text, () => (location.hash = hrefOf({ view, page: 1, cause: "" })), {
      class: "chip",
      "aria-pressed": String(isShown),
    });
  add(body, [
    h("h1", { class: "hidden" }, "Instances"),
    filter.node,
    chart.node,
    h(
      "div",
      { class: "row" },
      h(
        "span",
        { class: "chips", role: "group", aria: "View" },
        tab("List", !ofCauses, ""),
        tab("By cause", ofCauses, "causes"),
      ),
      status,
      bulk.node,
      menu.node,
    ),
    container,
    pages,
  ]);

  function select(id, isSelected) {
    if (isSelected) selection.add(id);
    else selection.delete(id);
    bulk.update();
  }

  function heading(key) {
    if (!SORTED.includes(key)) return h("th", { scope: "col", class: "c-" + key }, COLUMNS[key]);
    const isSorted = state.sort === key,
      isDescending = state.desc === "1";
    const onclick = () => {
      const next = isSorted ? !isDescending : isDescendingFirst(key);
      change({ sort: key, desc: next ? "1" : "0" });
      headRow.querySelector(`.c-${key} button`).focus();
    };
    const arrow = isSorted ? (isDescending ? "▼" : "▲") : "";
    return h(
      "th",
      {
        scope: "col",
        class: "c-" + key,
        "aria-sort": isSorted && (isDescending ? "descending" : "ascending"),
      },
      button([COLUMNS[key], h("span", { class: "arrow", "aria-hidden": "true" }, arrow)], onclick, {
        class: "sort",
      }),
    );
  }
  function update() {
    replace(
      headRow,
      h("th", { class: "check", scope: "col" }, all),
      columnsOf(state.columns).map(heading),
    );
    filter.update(state, page.counts);
    menu.update();
  }

  /** Return entries for rows, each followed by the sub-orchestrations if it is unfolded. */
  async function withChildren(list, depth = 0) {
    const result = [];
    for (const row of list) {
      const open = unfolded.has(row.id) && row.childCount > 0 && depth < DEPTH;
      result.push({ row, depth, open });
      if (!open) continue;
      const query = { parent: row.id, sort: "created", limit: PAGE };
      const children = (await getFromDashboard("instances", query, signal)).rows;
      result.push(...(await withChildren(children, depth + 1)));
      if (row.childCount > children.length) result.push({ more: row, depth: depth + 1 });
    }
    return result;
  }

  function showEntries() {
    rows.update(entries, columnsOf(state.columns));
    all.checked = entries.length > 0 && entries.every(({ row }) => !row || selection.has(row.id));
  }

  function updateFooter() {
    const last = Math.max(1, Math.ceil(total / PAGE)),
      first = (state.page - 1) * PAGE;
    const numbers = [first + 1, Math.min(first + PAGE, total), total].map((n) =>
      n.toLocaleString(),
    );
    setStatus(total ? `${numbers[0]}-${numbers[1]} of ${numbers[2]}` : "0 instances");
    pager(pages, state.page, last, (n) => {
      change({ page: n }, true);
      scrollTo(0, 0);
    });
  }
  function matchingCounts() {
    const chosen = (state.status || "").split(",");
    return Object.fromEntries(
      Object.entries(page.counts).filter(([name]) => !state.status || chosen.includes(name)),
    );
  }
  const setStatus = (text) => {
    if (status.textContent !== text) status.textContent = text;
  };

  async function refreshList() {
    const offset = (state.page - 1) * PAGE;
    page = await getFromDashboard(
      "instances",
      { ...filterOf(), sort: state.sort, desc: state.desc, offset, limit: PAGE, counts: true },
      signal,
    );
    // A list of sub-orchestrations that match has no unfolding rows, so that no id appears twice.
    entries =
      isFolded() || state.parent
        ? await withChildren(page.rows)
        : page.rows.map((row) => ({ row, depth: 0 }));
    total = Object.values(matchingCounts()).reduce((sum, count) => sum + count, 0);
    filter.update(state, page.counts);
    filter.addAwaitedEvents(page.rows.flatMap((row) => row.waits || []));
    if (page.rows.length || !total) {
      if (!page.rows.length) replace(container, emptyNotice());
      else if (container.firstChild !== table) replace(container, table);
      showEntries();
      updateFooter();
    } else {
      change({ page: Math.ceil(total / PAGE) }, true);
    }
    bulk.update();
    return page.ms;
  }

  async function refreshCauses() {
    const { text, ms } = await causes.refresh(signal);
    if (container.firstChild !== causes.node) replace(container, causes.node);
    setStatus(text);
    pages.hidden = true;
    return ms;
  }

  async function refresh() {
    let ms = 0;
    try {
      ms = await (ofCauses ? refreshCauses() : refreshList());
      chart.soon();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      // The rows remain while the host is offline. The header of the page shows "Offline".
      if (!error.offline || !container.querySelector("table"))
        replace(
          container,
          failure(error, () => watch.now()),
        );
    }
    return ms;
  }

  function emptyNotice() {
    return Object.keys(ALL).some((key) => state[key])
      ? notice(
          "No instance matches the filter",
          null,
          button("Clear the filter", () => change(ALL)),
        )
      : notice(
          "There are no instances yet",
          "Instances appear here when they are started.",
          link("#/functions", "Start an orchestration"),
        );
  }

  update();
  if (state.times && !params.times) history.replaceState(null, "", hrefOf());
  everySecond(signal, () => rows.lines.forEach((each) => each.tick()));
  const watch = keepUpToDate(signal, {}, refresh);
}
