// The instances: a filter, a histogram, and a table that follows changes.
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
  let found = { rows: [], counts: null },
    total = 0;
  const lines = new Map();
  const selection = new Set();

  // The URL holds the filter, so that it can be bookmarked and shared. replaceState does not reload the view.
  function change(changes, keepPage) {
    Object.assign(state, keepPage ? {} : { page: 1 }, changes);
    const kept = Object.entries(state).filter(([, value]) => value && value !== 1);
    history.replaceState(null, "", "#/instances?" + new URLSearchParams(kept));
    if (!keepPage) {
      selection.clear();
      bulk.update();
    }
    filter.update(state, found.counts);
    heads();
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
      for (const row of found.rows)
        if (all.checked) selection.add(row.id);
        else selection.delete(row.id);
      for (const one of lines.values()) one.box.checked = selection.has(one.id);
      bulk.update();
    },
  });
  const table = h("table", { class: "list", aria: "Instances" }, h("thead", null, headRow), tbody);
  const place = h("div", { class: "scroll" }, table);
  const pages = h("nav", { class: "pages", aria: "Pages" });
  const bulk = bulkBar({
    selection,
    rows: () => found.rows,
    total: () => total,
    filterOf,
    refresh: () => watch.now(),
  });
  add(body, [
    h("h1", { class: "hidden" }, "Instances"),
    filter.node,
    chart.node,
    h("div", { class: "row" }, status, bulk.node),
    place,
    pages,
  ]);

  const sorts = COLUMNS.map(([key, text]) => {
    const arrow = h("span", { class: "arrow", "aria-hidden": "true" });
    const first = ["created", "updated", "duration"].includes(key);
    const onclick = () =>
      change({ sort: key, desc: (state.sort === key ? state.desc !== "1" : first) ? "1" : "0" });
    return {
      key,
      arrow,
      th: h("th", { scope: "col" }, button([text, arrow], onclick, { class: "sort" })),
    };
  });
  add(headRow, [
    h("th", { class: "check", scope: "col" }, all),
    sorts.map((one) => one.th),
    h("th", { scope: "col", class: "c-waits" }, "Waits for"),
  ]);
  function heads() {
    for (const { key, arrow, th } of sorts) {
      const here = state.sort === key,
        down = state.desc === "1";
      th.ariaSort = here ? (down ? "descending" : "ascending") : null;
      arrow.textContent = here ? (down ? "▼" : "▲") : "";
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
    const lasted = h("td", { class: "c-duration num" });
    const tick = () => {
      lasted.textContent = durationText(
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
      lasted,
      h("td", { class: "c-waits" }, shown),
    );
    return { id: row.id, mark, tr, box, name, tick };
  }

  function rows() {
    const kept = document.activeElement;
    const next = found.rows.map(line);
    lines.clear();
    next.forEach((one, n) => {
      lines.set(one.id, one);
      if (tbody.children[n] !== one.tr) tbody.insertBefore(one.tr, tbody.children[n] || null);
    });
    while (tbody.children.length > next.length) tbody.lastChild.remove();
    if (kept !== document.activeElement && kept.isConnected) kept.focus({ preventScroll: true });
    all.checked = next.length > 0 && next.every((one) => selection.has(one.id));
  }

  function footer() {
    const { page } = state,
      last = Math.max(1, Math.ceil(total / PAGE)),
      first = (page - 1) * PAGE;
    const text = total
      ? `${(first + 1).toLocaleString()}-${Math.min(first + PAGE, total).toLocaleString()} of ${total.toLocaleString()}`
      : "None";
    if (status.textContent !== text) status.textContent = text;
    pager(pages, page, last, (n) => {
      change({ page: n }, true);
      scrollTo(0, 0);
    });
  }

  async function refresh() {
    try {
      const offset = (state.page - 1) * PAGE;
      found = await getFromDashboard(
        "instances",
        { ...filterOf(), sort: state.sort, desc: state.desc, offset, limit: PAGE, counts: true },
        signal,
      );
    } catch (error) {
      if (error.name === "AbortError") throw error;
      if (error.offline && lines.size) return 0; // keep the rows; the page's header shows that the host is offline
      replace(
        place,
        failure(error, () => watch.now()),
      );
      return 0;
    }
    const chosen = state.status ? state.status.split(",") : null;
    total = Object.entries(found.counts).reduce(
      (sum, [name, count]) => sum + (!chosen || chosen.includes(name) ? count : 0),
      0,
    );
    filter.update(state, found.counts);
    filter.seen(found.rows.flatMap((row) => row.waits || []));
    if (found.rows.length || !total) {
      replace(place, found.rows.length ? table : empty());
      rows();
      footer();
    } else {
      change({ page: Math.ceil(total / PAGE) }, true);
    }
    bulk.update();
    chart.soon();
    return found.ms;
  }

  function empty() {
    return Object.values(filterOf()).some(Boolean)
      ? notice(
          "No instance fits this filter",
          null,
          button("Clear the filter", () => change(ALL)),
        )
      : notice(
          "No orchestration has been started yet",
          "They appear here as soon as they are started.",
          link("#/functions", "Start one"),
        );
  }

  heads();
  filter.update(state, null);
  everySecond(signal, () => lines.forEach((one) => one.tick()));
  const watch = keepUpToDate(signal, {}, refresh);
}
