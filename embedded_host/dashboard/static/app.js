// The page's frame: which view is shown, the theme, and keys.
import { h, button, failure } from "./dom.js";
import { dialog } from "./dialog.js";
import { ask } from "./api.js";

const VIEWS = {
	instances: () => import("./list.js"),
	instance: () => import("./instance.js"),
	functions: () => import("./functions.js"),
	entities: () => import("./entities.js"),
};
const main = document.getElementById("main");
let current = new AbortController();

// "#/instance/ID?tab=history" -> the view, the rest of the path, the parameters
export function place() {
	const [path, text] = location.hash.replace(/^#\/?/, "").split("?");
	const [view, ...rest] = path.split("/");
	return { view: VIEWS[view] ? view : "instances", id: decodeURIComponent(rest.join("/")), params: Object.fromEntries(new URLSearchParams(text || "")) };
}

async function show() {
	if (location.hash === "#main") return;
	const { view, id, params } = place();
	current.abort();
	const { signal } = current = new AbortController();
	for (const a of document.querySelectorAll(".top nav a")) {
		const here = a.hash === `#/${view === "instance" ? "instances" : view}`;
		if (here) a.setAttribute("aria-current", "page"); else a.removeAttribute("aria-current");
	}
	document.title = `${id || view[0].toUpperCase() + view.slice(1)} · Durable Functions`;
	main.dataset.view = view;
	const body = h("div", { class: "view" }, h("p", { class: "quiet" }, "Loading…"));
	main.replaceChildren(body);
	try {
		const { show: showView } = await VIEWS[view]();
		if (!signal.aborted) { body.replaceChildren(); await showView(body, { id, params, signal }); }
	} catch (error) {
		if (error.name !== "AbortError" && !signal.aborted) body.replaceChildren(failure(error, show));
	}
}

const THEMES = ["light dark", "light", "dark"];
const themeButton = document.getElementById("theme");
function setTheme(theme) {
	document.documentElement.style.colorScheme = theme;
	const name = theme === "light dark" ? "as the system" : theme;
	themeButton.title = `Theme: ${name}`;
	themeButton.setAttribute("aria-label", `Theme: ${name}`);
}
let theme = localStorage.getItem("theme");
if (!THEMES.includes(theme)) theme = THEMES[0];
setTheme(theme);
themeButton.addEventListener("click", () => {
	theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
	localStorage.setItem("theme", theme);
	setTheme(theme);
});

const KEYS = [["/", "Go to the filter"], ["n  p", "Next and previous page"], ["1  2  3", "Instances, functions, entities"],
	["Esc", "Close a dialog"], ["Ctrl+Enter", "Do what a dialog offers"], ["?", "This list"]];
const showKeys = () => dialog("Keys", (close) => [
	h("dl", { class: "keys" }, KEYS.map(([key, text]) => [h("dt", null, h("kbd", null, key)), h("dd", null, text)])),
	h("p", { class: "buttons" }, button("Close", close)),
]);
document.getElementById("keys").addEventListener("click", showKeys);
document.addEventListener("keydown", (event) => {
	if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
	const press = (selector) => { const node = document.querySelector(selector); if (node) { node.click(); event.preventDefault(); } };
	if (event.key === "?") { showKeys(); event.preventDefault(); }
	else if (event.key === "/") { const node = main.querySelector("[data-key='/']"); if (node) { node.focus(); event.preventDefault(); } }
	else if (event.key === "n" || event.key === "p") press(`[data-key='${event.key}']`);
	else if ("123".includes(event.key)) press(`.top nav a:nth-child(${event.key})`);
});

document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
addEventListener("hashchange", show);
show();
ask("functions").then((found) => { document.getElementById("hub").textContent = found.hub; }, () => {});
