// Values as people read them: JSON in lines, long ones cut, errors with their tracebacks.
import { h, button, copyButton, replace } from "./dom.js";

const LONG = 4000;

// The value of a stored text. The SDK sends inputs as JSON text in a JSON string: that is read once more.
export function readable(text, unwrap) {
	if (text === null || text === undefined) return null;
	let value;
	try { value = JSON.parse(text); } catch { return text; }
	if (unwrap && typeof value === "string") { try { value = JSON.parse(value); } catch { return JSON.stringify(value); } }
	return JSON.stringify(value, null, 2);
}

export function code(text, label) {
	const pre = h("pre", { class: "value", tabindex: "0", aria: label });
	if (text.length <= LONG) { pre.textContent = text; return pre; }
	pre.textContent = text.slice(0, LONG) + "…";
	const more = button(`Show all ${text.length.toLocaleString()} characters`, () => { pre.textContent = text; more.remove(); }, { class: "small" });
	return h("div", null, pre, more);
}

export function panel(title, text, { bad, unwrap, empty = "None" } = {}) {
	const shown = readable(text, unwrap);
	const short = shown !== null && shown.length < 60 && !shown.includes("\n");
	return h("section", { class: `panel${bad ? " bad" : ""}${short || shown === null ? " short" : ""}` },
		h("h2", null, title, shown !== null && copyButton(shown, `Copy ${title.toLowerCase()}`)),
		shown === null ? h("p", { class: "quiet" }, empty) : code(shown, title));
}

// An error's text: its first line, then the rest. ("Activity function 'X' failed:  ValueError: … \n Traceback …")
export function errorView(reason, details) {
	const text = reason || details || "It failed without a message.";
	const start = (of) => of.search(/\n?\s*Traceback \(most recent call last\)/);
	const at = start(text);
	const head = (at > 0 ? text.slice(0, at) : text).trim();
	let trace = at > 0 ? text.slice(at).trim() : "";
	if (!trace && details && start(details) >= 0) trace = details.slice(start(details)).trim();
	// The SDK repeats an error in each caller's text ("Message: …, StackTrace: …"): the first traceback is the error's own.
	const own = trace.split(/\n\s*\n?\s*Message: |\n?, StackTrace: /)[0].trim();
	return [h("p", { class: "error-text" }, head.length > 600 ? head.slice(0, 600) + "…" : head), own && code(own, "Traceback"),
		own !== trace && h("details", null, h("summary", null, "The whole text"), code(text.trim(), "The whole text"))];
}

export function redraw(node, mark, make) {
	if (node.dataset.mark === mark) return;
	node.dataset.mark = mark;
	replace(node, make());
}
