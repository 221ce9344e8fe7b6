/** @file The entities and their states, with buttons that signal and delete them. */
import {
  h,
  add,
  button,
  setOptions,
  failure,
  field,
  tableHead,
  link,
  plural,
  notice,
  pager,
  redraw,
  replace,
  searchInput,
  textInput,
  toast,
  quiet,
} from "./dom.js";
import { timeElement } from "./time.js";
import { WEBHOOK, getFromDashboard, instancePath, queryString, sdkInput } from "./api.js";
import { keepUpToDate } from "./live.js";
import { jsonEditor } from "./dialog.js";
import { requestDialog } from "./request_dialog.js";
import { codeBlock, formattedJson } from "./values.js";

const PAGE = 100;
const nameAndKey = (id) => {
  const [, name, ...key] = id.split("@");
  return [name, key.join("@")];
};

const entityPath = (name, key) =>
  `${WEBHOOK}/entities/${encodeURIComponent(name)}/${encodeURIComponent(key)}`;

/** Open the dialog that signals an entity. */
export function signalEntity(name, key, onSuccess) {
  const keyInput = textInput({ required: true, value: key });
  const operation = textInput({ required: true });
  const editor = jsonEditor("Input (JSON)", "", { hint: "Leave empty for no input" });
  requestDialog(`Signal ${name}`, {
    parts: [field("Key", keyInput), field("Operation", operation), editor.node],
    verb: "Signal",
    valid: editor.check,
    request: () => ({
      path: entityPath(name, keyInput.value) + queryString({ op: operation.value }),
      body: sdkInput(editor.value()),
    }),
    onSuccess: () => {
      toast(`${name} ${keyInput.value} was signaled.`);
      onSuccess();
    },
  });
}

function remove(name, key, id, onSuccess) {
  requestDialog(`Delete ${name} ${key}?`, {
    parts: h("p", null, "The entity state is deleted. The next signal creates the entity again."),
    verb: "Delete",
    bad: true,
    request: () => ({ method: "DELETE", path: instancePath(id) }),
    onSuccess: () => {
      toast(`${name} ${key} was deleted.`);
      onSuccess();
    },
  });
}

export async function show(body, { params, signal }) {
  const state = { name: params.name || "", prefix: params.prefix || "", page: 1 };
  const change = (changes) => {
    Object.assign(state, { page: 1 }, changes);
    history.replaceState(
      null,
      "",
      `#/entities?${new URLSearchParams({ name: state.name, prefix: state.prefix })}`,
    );
    watch.now();
  };
  const name = h("select", { aria: "Entity", onchange: () => change({ name: name.value }) });
  const prefix = searchInput("Key begins with", (text) => change({ prefix: text }), {
    value: state.prefix,
  });
  const count = h("p", { class: "quiet count", role: "status" });
  const rows = h("tbody");
  const table = h(
    "table",
    { class: "list entities", aria: "Entities" },
    tableHead("Entity", "Key", "State", "Last operation", "Actions"),
    rows,
  );
  const container = h("div", { class: "scroll" }, table);
  const pages = h("nav", { class: "pages", aria: "Pages" });
  add(body, [
    h("h1", { class: "hidden" }, "Entities"),
    h("section", { class: "filter", aria: "Filter" }, h("div", { class: "fields" }, name, prefix)),
    count,
    container,
    pages,
  ]);

  async function refresh() {
    let page;
    try {
      page = await getFromDashboard(
        "entities",
        {
          name: state.name,
          prefix: state.name && state.prefix,
          limit: PAGE,
          offset: (state.page - 1) * PAGE,
        },
        signal,
      );
    } catch (error) {
      if (error.name === "AbortError" || (error.offline && rows.firstChild)) throw error;
      replace(
        container,
        failure(error, () => watch.now()),
      );
      return 0;
    }
    prefix.disabled = !state.name;
    if (document.activeElement !== name || name.options.length === 1)
      setOptions(
        name,
        state.name,
        "All entities",
        page.names.map((value) => [value]),
      );
    count.textContent = plural(page.total, "entity", "entities");
    replace(
      container,
      page.rows.length
        ? table
        : state.name
          ? notice("No entity matches the filter")
          : notice(
              "There are no entities yet",
              "The first operation on an entity creates the entity.",
              link("#/functions", "Signal an entity"),
            ),
    );
    redraw(rows, JSON.stringify(page.rows), () => page.rows.map(line));
    const last = Math.max(1, Math.ceil(page.total / PAGE));
    pager(pages, state.page, last, (n) => {
      state.page = n;
      watch.now();
    });
    return 10;
  }

  function line(row) {
    const [entity, key] = nameAndKey(row.id);
    const value = formattedJson(row.state);
    const short = value?.replace(/\s+/g, " ");
    const shown =
      value === null
        ? quiet("deleted")
        : value.length < 80
          ? h("code", null, short)
          : h(
              "details",
              null,
              h("summary", null, h("code", null, short.slice(0, 80) + "…")),
              codeBlock(value + (row.cut ? "…" : ""), "State"),
            );
    return h(
      "tr",
      null,
      h("td", { class: "c-name" }, entity),
      h("td", { class: "c-id", title: key }, h("span", { class: "id" }, key)),
      h("td", { class: "c-state" }, shown),
      h("td", { class: "c-updated" }, timeElement(row.updated)),
      h(
        "td",
        { class: "c-actions" },
        h(
          "span",
          { class: "buttons" },
          button("Signal…", () => signalEntity(entity, key, () => watch.soon()), {
            class: "small",
            aria: `Signal ${row.id}`,
          }),
          button("Delete…", () => remove(entity, key, row.id, () => watch.soon()), {
            class: "small bad",
            aria: `Delete ${row.id}`,
          }),
        ),
      ),
    );
  }
  const watch = keepUpToDate(signal, {}, refresh);
}
