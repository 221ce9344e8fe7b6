// The filter over the list of instances.
import { h, button, replace, unique, quiet } from "./dom.js";
import { fromInput, toInput } from "./time.js";
import { ask } from "./api.js";

const STATUSES = ["Running", "Pending", "Suspended", "Completed", "Failed", "Terminated"];
const RANGES = [["15 min", 15], ["1 h", 60], ["24 h", 1440], ["7 d", 10080]];

export function filterBar(state, change, signal) {
	const chips = STATUSES.map((name) => {
		const count = h("span", { class: "n" });
		const chip = button([h("span", { class: "dot", "data-status": name }), name, " ", count], () => {
			const chosen = new Set((state.status || "").split(",").filter(Boolean));
			if (!chosen.delete(name)) chosen.add(name);
			change({ status: [...chosen].join(",") });
		}, { class: "chip", "aria-pressed": "false" });
		return { name, chip, count };
	});
	// While one types, the list follows with a little delay.
	const typed = (key, props) => {
		let timer;
		return h("input", { ...props, autocomplete: "off", oninput: (event) => {
			clearTimeout(timer);
			timer = setTimeout(() => change({ [key]: event.target.value.trim() }), 200);
		} });
	};
	const names = h("datalist", { id: unique("names") });
	const prefix = typed("prefix", { type: "search", placeholder: "Id begins with…", aria: "Id begins with", "data-key": "/" });
	const name = typed("name", { type: "search", placeholder: "Function", aria: "Function", list: names.id });
	const waiting = h("select", { aria: "Waits for", onchange: () => change({ waiting: waiting.value }) });
	const from = h("input", { type: "datetime-local", step: 1, aria: "Created from", onchange: () => change({ from: fromInput(from.value) }) });
	const to = h("input", { type: "datetime-local", step: 1, aria: "Created to", onchange: () => change({ to: fromInput(to.value) }) });
	const ranges = RANGES.map(([text, minutes]) => button(text, () => change({ from: new Date(Date.now() - minutes * 60000).toISOString(), to: "" }), { class: "small", aria: `Created in the last ${text}` }));
	const clear = button("Clear", () => change({ status: "", name: "", prefix: "", from: "", to: "", waiting: "" }), { class: "small", aria: "Clear the filter" });

	const option = (value, text) => h("option", { value }, text);
	const events = new Set();
	let functions = [];
	function options() {
		const of = (type) => functions.filter((f) => f.type === type).map((f) => f.durableName);
		const group = (label, kind, list) => list.length > 0 && h("optgroup", { label }, list.map((n) => option(`${kind}:${n}`, n)));
		replace(waiting, option("", "Waits for…"), option("activity", "An activity"), option("timer", "A timer"), option("child", "A sub-orchestration"),
			option("event", "An event"), option("entity", "An entity's answer"), group("The activity", "activity", of("activityTrigger")), group("The sub-orchestration", "child", of("orchestrationTrigger")), group("The event", "event", [...events]));
		if (state.waiting && ![...waiting.options].some((o) => o.value === state.waiting)) waiting.append(option(state.waiting, state.waiting));
		waiting.value = state.waiting || "";
		replace(names, of("orchestrationTrigger").map((n) => option(n)));
	}
	options();
	ask("functions", {}, signal).then((found) => { functions = found.functions; options(); }, () => {});
	// Which events there are, the host does not know: those that were seen are offered.
	function seen(waits) {
		const before = events.size;
		for (const text of waits) if (text.startsWith("event ")) events.add(text.slice(6));
		if (events.size > before && document.activeElement !== waiting) options();
	}

	const node = h("section", { class: "filter", aria: "Filter" },
		h("div", { class: "chips", role: "group", aria: "Status" }, chips.map((c) => c.chip)),
		h("div", { class: "fields" }, prefix, name, names, waiting,
			h("span", { class: "ranges" }, ranges), h("span", { class: "range" }, from, quiet("to"), to), clear));

	function update(now, counts) {
		const chosen = (now.status || "").split(",");
		for (const { name: status, chip, count } of chips) {
			chip.setAttribute("aria-pressed", String(chosen.includes(status)));
			if (counts) count.textContent = (counts[status] || 0).toLocaleString();
		}
		const put = (input, value) => { if (document.activeElement !== input && input.value !== value) input.value = value; };
		put(prefix, now.prefix || "");
		put(name, now.name || "");
		put(waiting, now.waiting || "");
		put(from, toInput(now.from));
		put(to, toInput(now.to));
		clear.hidden = !["status", "name", "prefix", "from", "to", "waiting"].some((key) => now[key]);
	}
	return { node, update, seen };
}
