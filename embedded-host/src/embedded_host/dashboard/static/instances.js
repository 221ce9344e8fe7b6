/** @file The list of instances with its filter and histogram. Changes update the list. */
import {
  h,
  add,
  badge,
  button,
  failure,
  splitFirstWord,
  instanceLink,
  link,
  notice,
  pager,
  replace,
  quiet,
} from "./dom.js";
import { durationText, timeElement } from "./time.js";
import { getFromDashboard, isLive } from "./api.js";
import { everySecond, keepUpToDate } from "./live.js";
import { ALL, filterBar } from "./filter.js";
import { histogram } from "./histogram.js";
import { bulkBar } from "./bulk.js";

const PAGE = 100;
const COLUMNS = [
  ["status", "Status"],
  ["name", "Function"],
  ["id", "Instance"],
  ["created", "Created"],
  ["updated", "Updated"],
  ["duration", "Duration"],
];
const WAITS = {
  activity: "activity",
  timer: "timer",
  child: "sub-orchestration",
  event: "event",
  entity: "entity",
};

export async function show(body, { params, signal }) {
  const state = {
    sort: "created",
    desc: "1",
    ...params,
    page: Math.max(1, Number(params.page) || 1),
  };
  const filterOf = () => Object.fromEntries(Object.keys(ALL).map((key) => [key, state[key]]));
  let page = { rows: [], counts: null },
    total = 0;
  const lines = new Map();
  const selection = new Set();

  // The URL contains the filter, so that users can bookmark and share the URL.
  function change(changes, keepPage) {
    Object.assign(state, keepPage ? {} : { page: 1 }, changes);
    const parameters = Object.entries(state).filter(([, value]) => value && value !== 1);
    history.replaceState(null, "", "#/instances?" + new URLSearchParams(parameters));
    if (!keepPage) {
      selection.clear();
      bulk.update();
    }
    filter.update(state, page.counts);
    updateHeads();
    watch.now();
    chart.now();
  }

  const filter = filterBar(state, change, signal);
  const chart = histogram(filterOf, change, signal);
  const status = h("p", { class: "quiet count", role: "status" });
  const tbody = h("tbody");
  const headRow = h("tr");
  const all = h("input", {
    type: "checkbox",
    aria: "Select this page",
    onchange: () => {
      for (const row of page.rows)
        if (all.checked) selection.add(row.id);
        else selection.delete(row.id);
      for (const each of lines.values()) each.box.checked = selection.has(each.id);
      bulk.update();
    },
  });
  const table = h("table", { class: "list", aria: "Instances" }, h("thead", null, headRow), tbody);
  const container = h("div", { class: "scroll" }, table);
  const pages = h("nav", { class: "pages", aria: "Pages" });
  const bulk = bulkBar({
    selection,
    rows: () => page.rows,
    total: () => total,
    filterOf,
    refresh: () => watch.now(),
  });
  add(body, [
    h("h1", { class: "hidden" }, "Instances"),
    filter.node,
    chart.node,
    h("div", { class: "row" }, status, bulk.node),
    container,
    pages,
  ]);

  const sorts = COLUMNS.map(([key, text]) => {
    const arrow = h("span", { class: "arrow", "aria-hidden": "true" });
    const isDescendingFirst = ["created", "updated", "duration"].includes(key);
    const onclick = () => {
      const isDescending = state.sort === key ? state.desc !== "1" : isDescendingFirst;
      change({ sort: key, desc: isDescending ? "1" : "0" });
    };
    return {
      key,
      arrow,
      th: h("th", { scope: "col" }, button([text, arrow], onclick, { class: "sort" })),
    };
  });
  add(headRow, [
    h("th", { class: "check", scope: "col" }, all),
    sorts.map(({ th }) => th),
    h("th", { scope: "col", class: "c-waits" }, "Waits for"),
  ]);
  function updateHeads() {
    for (const { key, arrow, th } of sorts) {
      const isSorted = state.sort === key,
        isDescending = state.desc === "1";
      th.ariaSort = isSorted ? (isDescending ? "descending" : "ascending") : null;
      arrow.textContent = isSorted ? (isDescending ? "▼" : "▲") : "";
    }
  }

  function line(row) {
    const mark = JSON.stringify(row);
    const old = lines.get(row.id);
    if (old && old.mark === mark) {
      old.tick();
      old.box.checked = selection.has(row.id);
      return old;
    }
    const box = old
      ? old.box
      : h("input", {
          type: "checkbox",
          aria: `Select ${row.id}`,
          onchange: (event) => {
            if (event.target.checked) selection.add(row.id);
            else selection.delete(row.id);
            bulk.update();
          },
        });
    box.checked = selection.has(row.id);
    const duration = h("td", { class: "c-duration num" });
    const tick = () => {
      duration.textContent = durationText(
        (isLive(row.status) ? Date.now() : row.updated) - row.created,
      );
    };
    tick();
    const waits = (row.waits || []).map((text) => {
      const [kind, rest] = splitFirstWord(text);
      return h(
        "span",
        { class: "wait" },
        quiet(WAITS[kind] + " "),
        kind === "timer" ? timeElement(rest / 1000, { short: true }) : rest,
      );
    });
    const shown = waits.length > 2 ? [...waits.slice(0, 2), quiet(`+${waits.length - 2}`)] : waits;
    // The row reuses the link element, so that the link keeps the focus.
    const name = old ? old.name : instanceLink(row.id);
    const tr = h(
      "tr",
      null,
      h("td", { class: "check" }, box),
      h("td", null, badge(row.status)),
      h("td", { class: "c-name" }, row.name),
      h("td", { class: "c-id" }, name),
      h("td", { class: "c-created" }, timeElement(row.created)),
      h("td", { class: "c-updated" }, timeElement(row.updated)),
      duration,
      h("td", { class: "c-waits" }, shown),
    );
    return { id: row.id, mark, tr, box, name, tick };
  }

  function updateRows() {
    const focused = document.activeElement;
    const next = page.rows.map(line);
    lines.clear();
    next.forEach((each, n) => {
      lines.set(each.id, each);
      if (tbody.children[n] !== each.tr) tbody.insertBefore(each.tr, tbody.children[n] || null);
    });
    while (tbody.children.length > next.length) tbody.lastChild.remove();
    if (focused !== document.activeElement && focused.isConnected)
      focused.focus({ preventScroll: true });
    all.checked = next.length > 0 && next.every(({ id }) => selection.has(id));
  }

  function updateFooter() {
    const last = Math.max(1, Math.ceil(total / PAGE)),
      first = (state.page - 1) * PAGE;
    const numbers = [first + 1, Math.min(first + PAGE, total), total].map((n) =>
      n.toLocaleString(),
    );
    const text = total ? `${numbers[0]}-${numbers[1]} of ${numbers[2]}` : "0 instances";
    if (status.textContent !== text) status.textContent = text;
    pager(pages, state.page, last, (n) => {
      change({ page: n }, true);
      scrollTo(0, 0);
    });
  }

  async function refresh() {
    try {
      const offset = (state.page - 1) * PAGE;
      page = await getFromDashboard(
        "instances",
        { ...filterOf(), sort: state.sort, desc: state.desc, offset, limit: PAGE, counts: true },
        signal,
      );
    } catch (error) {
      if (error.name === "AbortError") throw error;
      // The rows remain while the host is offline. The header of the page shows "Offline".
      if (error.offline && lines.size) return 0;
      replace(
        container,
        failure(error, () => watch.now()),
      );
      return 0;
    }
    const statuses = state.status ? state.status.split(",") : null;
    total = Object.entries(page.counts).reduce(
      (sum, [name, count]) => sum + (!statuses || statuses.includes(name) ? count : 0),
      0,
    );
    filter.update(state, page.counts);
    filter.addAwaitedEvents(page.rows.flatMap((row) => row.waits || []));
    if (page.rows.length || !total) {
      replace(container, page.rows.length ? table : emptyNotice());
      updateRows();
      updateFooter();
    } else {
      change({ page: Math.ceil(total / PAGE) }, true);
    }
    bulk.update();
    chart.soon();
    return page.ms;
  }

  function emptyNotice() {
    return Object.values(filterOf()).some(Boolean)
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

  updateHeads();
  filter.update(state, null);
  everySecond(signal, () => lines.forEach((each) => each.tick()));
  const watch = keepUpToDate(signal, {}, refresh);
}
