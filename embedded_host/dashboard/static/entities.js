// The entities: their states, live, and signals to them.
import { h, add, button, failure, field, link, notice, pager, replace, toast, quiet } from "./dom.js";
import { when } from "./time.js";
import { WEBHOOK, ask, instancePath } from "./api.js";
import { keepUpToDate } from "./live.js";
import { actionDialog, jsonEditor } from "./dialog.js";
import { code, readable, redraw } from "./values.js";

const PAGE = 100;
const parts = (id) => { const [, name, ...key] = id.split("@"); return [name, key.join("@")]; };
const pathOf = (name, key) => `${WEBHOOK}/entities/${encodeURIComponent(name)}/${encodeURIComponent(key)}`;

export function signalEntity(name, key, ok) {
	const keyInput = h("input", { type: "text", required: true, value: key, autocomplete: "off" });
	const operation = h("input", { type: "text", required: true, autocomplete: "off" });
	const editor = jsonEditor("Input (JSON)", "", { hint: "Empty for none" });
	actionDialog(`Signal ${name}`, {
		parts: [field("Key", keyInput), field("Operation", operation), editor.node],
		verb: "Signal", valid: editor.check,
		request: () => {
			const value = editor.value();
			return { path: `${pathOf(name, keyInput.value)}?op=${encodeURIComponent(operation.value)}`, body: value === undefined ? undefined : JSON.stringify(JSON.stringify(value)) };
		},
		ok: () => { toast(`${name} ${keyInput.value} was signalled.`); ok(); },
	});
}

function remove(name, key, id, ok) {
	actionDialog(`Delete ${name} ${key}?`, { note: "Its state is deleted. A signal brings it into being anew.", verb: "Delete", bad: true,
		request: () => ({ method: "DELETE", path: instancePath(id) }), ok: () => { toast(`${name} ${key} was deleted.`); ok(); } });
}

export async function show(body, { params, signal }) {
	const state = { name: params.name || "", prefix: params.prefix || "", page: 1 };
	let timer;
	const change = (changes) => { Object.assign(state, { page: 1 }, changes); history.replaceState(null, "", `#/entities?${new URLSearchParams({ name: state.name, prefix: state.prefix })}`); watch.now(); };
	const name = h("select", { aria: "Entity", onchange: () => change({ name: name.value }) }, h("option", { value: "" }, "All entities"));
	const prefix = h("input", { type: "search", placeholder: "Key begins with…", aria: "Key begins with", "data-key": "/", value: state.prefix, disabled: !state.name,
		oninput: () => { clearTimeout(timer); timer = setTimeout(() => change({ prefix: prefix.value }), 200); } });
	const count = h("p", { class: "quiet count", role: "status" });
	const rows = h("tbody");
	const table = h("table", { class: "list entities", aria: "Entities" }, h("thead", null, h("tr", null, ["Entity", "Key", "State", "Last operation", "Actions"].map((t) => h("th", { scope: "col" }, t)))), rows);
	const place = h("div", { class: "scroll" }, table);
	const pages = h("nav", { class: "pages", aria: "Pages" });
	add(body, [h("h1", { class: "hidden" }, "Entities"), h("section", { class: "filter", aria: "Filter" }, h("div", { class: "fields" }, name, prefix)), count, place, pages]);

	async function refresh() {
		let found;
		try {
			found = await ask("entities", { name: state.name, prefix: state.name && state.prefix, limit: PAGE, offset: (state.page - 1) * PAGE }, signal);
		} catch (error) {
			if (error.name === "AbortError" || (error.offline && rows.firstChild)) throw error;
			replace(place, failure(error, () => watch.now()));
			return 0;
		}
		prefix.disabled = !state.name;
		const names = [...new Set([...found.names, ...(state.name ? [state.name] : [])])];
		redraw(name, names.join(), () => [h("option", { value: "" }, "All entities"), names.map((one) => h("option", { value: one }, one))]);
		name.value = state.name;
		count.textContent = found.total ? `${found.total.toLocaleString()} ${found.total === 1 ? "entity" : "entities"}` : "None";
		replace(place, found.rows.length ? table : state.name ? notice("No entity fits this filter") : notice("There are no entities yet", "An entity comes into being with the first operation or signal.", link("#/functions", "Signal one")));
		redraw(rows, JSON.stringify(found.rows), () => found.rows.map(line));
		const last = Math.max(1, Math.ceil(found.total / PAGE));
		pager(pages, state.page, last, (n) => { state.page = n; watch.now(); });
		return 10;
	}

	function line(row) {
		const [entity, key] = parts(row.id);
		const text = row.state === null ? null : readable(row.state);
		const shown = text === null ? quiet("deleted") : text.length < 80 ? h("code", null, text.replace(/\s+/g, " ")) : h("details", null, h("summary", null, h("code", null, text.replace(/\s+/g, " ").slice(0, 80) + "…")), code(text + (row.cut ? "…" : ""), "State"));
		return h("tr", null, h("td", { class: "c-name" }, entity), h("td", { class: "c-id" }, h("span", { class: "id" }, key)), h("td", { class: "c-state" }, shown), h("td", { class: "c-updated" }, when(row.updated)),
			h("td", { class: "c-actions" }, h("span", { class: "buttons" }, button("Signal…", () => signalEntity(entity, key, () => watch.soon()), { class: "small", aria: `Signal ${row.id}` }), button("Delete…", () => remove(entity, key, row.id, () => watch.soon()), { class: "small bad", aria: `Delete ${row.id}` }))));
	}
	const watch = keepUpToDate(signal, {}, refresh);
}
