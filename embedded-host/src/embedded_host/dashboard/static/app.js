/** @file The frame of the page: the current view, the theme and the keyboard shortcuts. */
import { h, button, factList, failure, visible } from "./dom.js";
import { dialog } from "./dialog.js";
import { getFromDashboard } from "./api.js";
import { storeKeyFromUrl } from "./key.js";
import { watchReloads } from "./host.js";

/** The modules of the views. Each exports show(body, {id, params, signal}), or NAMEView. */
const VIEWS = ["instances", "instance", "functions", "entities", "host"];
const main = document.getElementById("main");
let current = new AbortController();

const decoded = (text) => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** Return the view, the id and the parameters of a hash like "#/instance/ID?tab=history". */
function parseHash() {
  const [path, text] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, ...rest] = path.split("/");
  return {
    view: VIEWS.includes(view) ? view : "instances",
    id: decoded(rest.join("/")),
    params: Object.fromEntries(new URLSearchParams(text)),
  };
}

async function show() {
  storeKeyFromUrl();
  const { view, id, params } = parseHash();
  current.abort();
  const { signal } = (current = new AbortController());
  for (const a of document.querySelectorAll(".top nav a"))
    a.ariaCurrent = a.hash.startsWith(`#/${view}`) ? "page" : null;
  const title = visible(id) || view[0].toUpperCase() + view.slice(1);
  document.title = `${title} · Durable Functions`;
  main.dataset.view = view;
  const body = h("div", { class: "view" }, h("p", { class: "quiet" }, "Loading…"));
  main.replaceChildren(body);
  try {
    const module = await import(`./${view}.js`);
    const showView = module.show || module[`${view}View`];
    if (!signal.aborted) {
      body.replaceChildren();
      await showView(body, { id, params, signal });
    }
  } catch (error) {
    if (error.name !== "AbortError" && !signal.aborted) body.replaceChildren(failure(error, show));
  }
}

const THEMES = { "light dark": "system", light: "light", dark: "dark" };
const themeButton = document.getElementById("theme");
function setTheme(theme) {
  document.documentElement.style.colorScheme = localStorage.theme = theme;
  themeButton.title = themeButton.ariaLabel = `Theme: ${THEMES[theme]}`;
  const names = Object.keys(THEMES);
  themeButton.onclick = () => setTheme(names[(names.indexOf(theme) + 1) % names.length]);
}
setTheme(THEMES[localStorage.theme] ? localStorage.theme : "light dark");

const SHORTCUTS = [
  ["/", "Focus the search field"],
  ["n  p", "Next and previous page"],
  ["1  2  3  4", "Instances, functions, entities, host"],
  ["Ctrl+Enter", "Confirm the dialog"],
];
const showShortcuts = () =>
  dialog("Keyboard shortcuts", (close) => [
    factList(SHORTCUTS.map(([key, text]) => [h("kbd", null, key), text])),
    h("p", { class: "buttons" }, button("Close", close)),
  ]);
document.getElementById("shortcuts").addEventListener("click", showShortcuts);
document.addEventListener("keydown", (event) => {
  if (
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    event.target.closest("input, textarea, select, dialog")
  )
    return;
  const press = (selector) => {
    const node = document.querySelector(selector);
    if (node) {
      node.click();
      event.preventDefault();
    }
  };
  if (event.key === "?") {
    showShortcuts();
    event.preventDefault();
  } else if (event.key === "/") {
    const node = main.querySelector("[data-key='/']");
    if (node) {
      node.focus();
      event.preventDefault();
    }
  } else if (event.key === "n" || event.key === "p") press(`[data-key='${event.key}']`);
  else if ("1234".includes(event.key)) press(`.top nav a:nth-child(${event.key})`);
});

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", show);
show();
watchReloads();
getFromDashboard("functions").then(
  ({ hub }) => {
    document.getElementById("hub").textContent = visible(hub);
  },
  () => {},
);
