/** @file The host: its code, workers, work and warnings; and the banner of a failed reload. */
import { h, factList, failure, link, notice, plural, quiet, redraw } from "./dom.js";
import { timeElement } from "./time.js";
import { getFromDashboard } from "./api.js";

/** Milliseconds between two reads of the report, for the view and for the banner. */
const VIEW_PAUSE = 2000;
const BANNER_PAUSE = 5000;

const readReport = (signal) => getFromDashboard("host", {}, signal);
const time = (iso) => timeElement(Date.parse(iso), { short: true });

/** Call update(report) now and after each pause, until signal aborts. */
async function follow(pause, signal, update) {
  for (let last; !signal?.aborted;) {
    try {
      const report = await readReport(signal);
      if (!report) return update(report);
      const text = JSON.stringify(report);
      if (text !== last) update(report);
      last = text;
    } catch (error) {
      if (error.name === "AbortError") return;
      // Without a key, the next request would prompt for it again.
      if ([401, 403].includes(error.status))
        await new Promise((gone) => addEventListener("hashchange", gone, { once: true }));
      last = undefined;
      update(undefined, error);
    }
    do await new Promise((resolve) => setTimeout(resolve, pause));
    while (document.hidden && !signal?.aborted);
  }
}

/** Show the page of the host. */
export async function hostView(body, { signal }) {
  body.append(h("h1", null, "Host"));
  const content = h("div", { class: "view" });
  body.append(content);
  await new Promise((shown) => {
    follow(VIEW_PAUSE, signal, (report, error) => {
      redraw(content, JSON.stringify(report ?? String(error)), () =>
        error ? failure(error) : report ? sections(report) : notice("This host has no report"),
      );
      shown();
    }).finally(shown);
  });
}

function sections(report) {
  return [
    report.failedReload && list("Problems of the changed code", report.failedReload.problems, true),
    report.problem && list("Problem of the app", [report.problem], true),
    list("Functions out of service", outOfService(report), true),
    h("div", { class: "panels" }, [
      section("Code", [
        ["In service since", time(report.loadedTime)],
        report.failedReload && ["Failed reload", time(report.failedReload.time)],
        ["Reloads", String(report.reloads)],
        ["App folder", h("span", { class: "id" }, report.folder)],
        ["Task hub", report.taskHub],
        ["Mode", report.mode],
      ]),
      section("Work", [
        ["Turns", queue(report.turns)],
        ["Activities", queue(report.activities)],
        ["HTTP calls", queue(report.httpCalls)],
        ["Timers", `${report.timers.toLocaleString()} not due yet`],
        ["In memory", plural(report.instancesInMemory)],
      ]),
      section("Workers", [
        ...report.workerProcesses.map((process) => [
          `Process ${process.pid}`,
          [process.state, calls(process)],
        ]),
        ["Restarts", String(report.workerRestarts)],
      ]),
      section("Host", [
        ["Version", report.version],
        ["Started", time(report.startedTime)],
        ["State file", `${(report.stateBytes / 1e6).toFixed(1)} MB`],
        ["Functions", link("#/functions", plural(report.functions.length, "function"))],
      ]),
    ]),
    list("Warnings", report.warnings),
  ];
}

/** Return the functions out of service that no warning names. */
const outOfService = ({ functions, warnings }) =>
  functions
    .filter(({ problem }) => problem && !warnings.some((text) => text.includes(problem)))
    .map(({ name, problem }) => `${name}: ${problem}`);

const queue = ({ running, queued, limit }) => [
  `${running.toLocaleString()} running`,
  queued > 0 && [", ", h("strong", null, `${queued.toLocaleString()} queued`)],
  quiet(`, at most ${limit.toLocaleString()} at a time`),
];

const calls = ({ calls: byFunction }) => {
  const names = Object.entries(byFunction).map(([name, n]) => (n > 1 ? `${name} × ${n}` : name));
  return quiet(names.length ? `, runs ${names.join(", ")}` : ", idle");
};

const section = (title, facts) =>
  h("section", { class: "panel", aria: title }, h("h2", null, title), factList(facts));

const list = (title, texts, bad) =>
  texts.length > 0 &&
  h(
    "section",
    { class: bad ? "panel bad" : "panel", aria: title },
    h("h2", null, title, quiet(` ${texts.length}`)),
    texts.map((text) => h("pre", { tabindex: 0 }, text)),
  );

/** Return the description of a failed reload or of an app that does not load, or null. */
function broken({ failedReload, loadedTime, problem }) {
  if (failedReload)
    return [
      h("strong", null, "The reload failed. "),
      "The host still runs the code of ",
      time(loadedTime),
      `. ${failedReload.summary}`,
    ];
  return problem && [h("strong", null, "The app does not load. "), problem];
}

/** Show a banner above each view while the changed code or the app does not load. */
export function watchReloads() {
  const node = h("div", {
    class: "panel bad",
    role: "alert",
    style: { margin: "10px 12px 0", display: "none" },
  });
  document.getElementById("main").before(node);
  follow(BANNER_PAUSE, null, (report) => {
    const text = report && broken(report);
    node.style.display = text ? "block" : "none";
    if (text)
      redraw(node, JSON.stringify(report.failedReload ?? report.problem), () => [
        text,
        " ",
        link("#/host", "Details", { style: { "text-decoration": "underline" } }),
      ]);
  });
}
