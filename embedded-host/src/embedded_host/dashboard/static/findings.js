/** @file The parity findings: the parts of the app that would fail on the Azure Functions host. */
import { h, plural, quiet, instanceLink } from "./dom.js";
import { getFromDashboard } from "./api.js";

/** Return {mode, findings}. Each finding has code, function, file, line, count and instances. */
export const readFindings = (signal) => getFromDashboard("findings", {}, signal);

/** Return the section "Would differ on Azure", or null without findings. */
export function findingsSection({ mode, findings }) {
  if (!findings.length) return null;
  const byFunction = new Map();
  for (const finding of findings)
    byFunction.set(finding.function, [...(byFunction.get(finding.function) || []), finding]);
  return h(
    "section",
    { aria: "Would differ on Azure", class: "findings" },
    h(
      "h2",
      null,
      "Would differ on Azure",
      quiet(` ${findings.length}`, mode === "strict" && ", strict mode"),
    ),
    h(
      "dl",
      { class: "facts" },
      [...byFunction].map(([name, list]) =>
        h("div", null, h("dt", null, name), h("dd", null, list.map(entry))),
      ),
    ),
  );
}

function entry(finding) {
  const { code, file, line, onAzure, detail, instead, count, instances } = finding;
  const clause = onAzure[0].toUpperCase() + onAzure.slice(1);
  return h(
    "div",
    { class: "finding", "data-code": code },
    h("p", null, `${clause}. `, detail && `${detail} `, instead),
    h(
      "p",
      { class: "quiet" },
      code,
      file && ` · ${file}${line ? ` line ${line}` : ""}`,
      ` · ${plural(count, "occurrence")}`,
      instances.length > 0 && [
        " · ",
        instances.slice(0, 5).map((id, n) => [n > 0 && ", ", instanceLink(id)]),
        instances.length > 5 && ", …",
      ],
    ),
  );
}
