/** @file The app's functions with their bindings and calls, and the forms that start them. */
import {
  h,
  add,
  button,
  splitFirstWord,
  field,
  plural,
  textInput,
  instanceHref,
  link,
  notice,
  toast,
  quiet,
} from "./dom.js";
import { timeElement } from "./time.js";
import { WEBHOOK, getFromDashboard, curl, sdkInput } from "./api.js";
import { curlBox, jsonEditor } from "./dialog.js";
import { requestDialog } from "./request_dialog.js";
import { formattedJson } from "./values.js";
import { signalEntity } from "./entities.js";
import { findingsSection, readFindings } from "./findings.js";

const GROUPS = {
  orchestrationTrigger: "Orchestrators",
  activityTrigger: "Activities",
  entityTrigger: "Entities",
  httpTrigger: "HTTP",
  timerTrigger: "Timers",
  "": "Other functions",
};
const KINDS = {
  orchestrationTrigger: "orchestrator",
  activityTrigger: "activity",
  entityTrigger: "entity",
};

export async function show(body, { signal }) {
  const [app, parity] = await Promise.all([
    getFromDashboard("functions", { calls: true }, signal),
    readFindings(signal),
  ]);
  const all = app.functions;
  // A call is a string like "activity NAME".
  const same = (a, b) => a.toLowerCase() === b.toLowerCase();
  const called = (text) =>
    jump(
      all.find((f) => same(`${KINDS[f.type]} ${f.durableName}`, text)),
      splitFirstWord(text)[1],
    );
  const callersOf = (text) =>
    Object.keys(app.calls).filter((caller) => app.calls[caller].some((call) => same(call, text)));
  const jump = (f, text) =>
    f
      ? button(
          text,
          () => {
            const node = document.getElementById("f-" + f.name);
            node.scrollIntoView({ block: "center" });
            node.focus();
          },
          { class: "link" },
        )
      : text;
  const list = (title, items) =>
    items.length > 0 &&
    h(
      "p",
      { class: "calls" },
      quiet(title + " "),
      items.map((item, n) => [n > 0 && ", ", item]),
    );

  function card(f) {
    const isOut = f.disabled || f.broken;
    const request = requestOf(f);
    return h(
      "article",
      { class: "card", id: "f-" + f.name, tabindex: "-1", aria: f.name },
      h(
        "header",
        null,
        h("h3", null, f.name),
        isOut &&
          h(
            "span",
            { class: "badge", "data-status": f.disabled ? "Suspended" : "Failed" },
            f.disabled ? "Disabled" : "Out of service",
          ),
        h("span", { class: "buttons" }, !isOut && buttons(f)),
      ),
      f.broken && h("p", { class: "problem" }, f.broken),
      f.route && h("p", null, h("code", null, `${(f.methods || ["ANY"]).join(" ")} /${f.route}`)),
      f.schedule && h("p", null, h("code", null, f.schedule)),
      f.instances > 0 &&
        h(
          "p",
          null,
          link(`#/instances?name=${encodeURIComponent(f.durableName)}`, plural(f.instances)),
          quiet(", last ", timeElement(f.newest)),
        ),
      list(
        "calls",
        ((f.type === "orchestrationTrigger" && app.calls[f.durableName]) || []).map(called),
      ),
      list(
        "called by",
        callersOf(`${KINDS[f.type]} ${f.durableName}`).map((name) =>
          called("orchestrator " + name),
        ),
      ),
      h(
        "details",
        null,
        h("summary", null, "Bindings", quiet(` ${f.file}`)),
        h(
          "ul",
          { class: "bindings" },
          f.bindings.map((b) =>
            h("li", null, h("code", null, b.type), " ", b.name, quiet(` ${b.direction}`)),
          ),
        ),
      ),
      request && curlBox(() => curl(request)),
    );
  }

  function buttons(f) {
    if (f.type === "orchestrationTrigger")
      return button("Start…", () => start(f), { class: "small primary" });
    if (f.type === "entityTrigger")
      return button("Signal…", () => signalEntity(f.durableName, "", () => {}), { class: "small" });
    if (f.type === "timerTrigger")
      return button(
        "Run now…",
        () =>
          requestDialog(`Run ${f.name} now?`, {
            verb: "Run",
            request: () => requestOf(f),
            onSuccess: () => toast(`${f.name} was started.`),
          }),
        { class: "small" },
      );
    const get =
      f.type === "httpTrigger" &&
      (!f.methods || f.methods.includes("GET")) &&
      !f.route.includes("{");
    return (
      get &&
      link("/" + f.route, "Open", {
        target: "_blank",
        rel: "noopener",
        aria: `Open ${f.name} in a new tab`,
      })
    );
  }

  if (app.problem)
    body.append(
      h(
        "div",
        { class: "notice bad", role: "alert" },
        h("p", { class: "notice-title" }, "The app could not be loaded"),
        h("pre", null, app.problem),
      ),
    );
  add(body, [h("h1", null, "Functions"), h("p", { class: "quiet" }, app.root)]);
  add(body, [findingsSection(parity)]);
  for (const [type, title] of Object.entries(GROUPS)) {
    const group = all.filter((f) => (GROUPS[f.type] ? f.type : "") === type);
    if (group.length)
      body.append(
        h(
          "section",
          { aria: title },
          h("h2", null, title, quiet(` ${group.length}`)),
          h("div", { class: "cards" }, group.map(card)),
        ),
      );
  }
  if (!all.length && !app.problem)
    body.append(notice("The app has no functions", `The folder ${app.root} has no functions.`));
}

const startRequest = (name, id, value) => ({
  path: [WEBHOOK, "orchestrators", ...[name, id].filter(Boolean).map(encodeURIComponent)].join("/"),
  body: sdkInput(value),
});

function requestOf(f) {
  if (f.type === "orchestrationTrigger") return startRequest(f.durableName);
  if (f.type === "httpTrigger" && f.route)
    return { method: f.methods ? f.methods[0] : "GET", path: "/" + f.route };
  if (f.type === "entityTrigger")
    return { path: `${WEBHOOK}/entities/${f.durableName}/{key}?op={operation}`, body: "null" };
  return f.type === "timerTrigger"
    ? { path: `/admin/functions/${f.name}`, body: '{"input":""}' }
    : null;
}

function start(f) {
  const id = textInput({ placeholder: "generated by the host" });
  const editor = jsonEditor("Input (JSON)", f.lastInput ? formattedJson(f.lastInput, true) : "", {
    hint: `${f.lastInput ? "This is the newest instance's input. " : ""}Leave empty for no input`,
  });
  requestDialog(`Start ${f.durableName}`, {
    parts: [field("Instance id", id), editor.node],
    verb: "Start",
    valid: editor.check,
    request: () => startRequest(f.durableName, id.value.trim(), editor.value()),
    onSuccess: (response) => {
      location.hash = instanceHref(response.id);
    },
  });
}
