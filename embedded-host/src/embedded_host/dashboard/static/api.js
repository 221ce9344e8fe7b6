/** @file HTTP requests. The dashboard's API returns data. The management API changes instances. */

import { keyHeader, fetchWithKey } from "./key.js";
import { FINISHED } from "./statuses.js";

/** The path before "/dashboard". It is "/HUB" at `embedded-host scheduler`. */
const BASE = location.pathname.replace(/\/dashboard(\/.*)?$/, "");
export const WEBHOOK = BASE + "/runtime/webhooks/durabletask";
export const DASHBOARD_API = BASE + "/dashboard/api";

class RequestError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
    this.offline = !status;
  }
}

export const queryString = (params) => {
  const text = String(new URLSearchParams(Object.entries(params).filter(([, value]) => value)));
  return text && "?" + text;
};

/**
 * Send {method, path, body} and return the JSON or text of the response.
 * The default method is POST. Throws a RequestError with the host's message.
 */
export async function sendRequest({ method = "POST", path, body }, signal) {
  let response, text;
  try {
    response = await fetchWithKey(path, {
      method,
      body,
      signal,
      headers: body === undefined ? {} : JSON_TYPE,
    });
    text = await response.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new RequestError("The host does not respond.");
  }
  let data = text;
  try {
    data = JSON.parse(text);
  } catch {
    // Some responses are plain text.
  }
  if (response.ok) return data;
  const message =
    typeof data === "string" ? data : data && (data.ExceptionMessage || data.Message || data.error);
  throw new RequestError(
    message ||
      STATUS_MESSAGES[response.status] ||
      `The host responded with status ${response.status}.`,
    response.status,
  );
}
const JSON_TYPE = { "Content-Type": "application/json" };
const STATUS_MESSAGES = {
  403: "Your key does not allow this request.",
  404: "The instance does not exist.",
  410: "The instance has already finished.",
};

export const getJson = (path, signal) => sendRequest({ method: "GET", path }, signal);
export const getFromDashboard = (endpoint, params = {}, signal) =>
  getJson(`${DASHBOARD_API}/${endpoint}${queryString(params)}`, signal);

const shellQuote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

const headerOptions = (headers) =>
  Object.entries(headers)
    .map(([name, value]) => " -H " + shellQuote(`${name}: ${value}`))
    .join("");

export const curl = ({ method = "POST", path, body }) =>
  `curl -X ${method} ${shellQuote(location.origin + path)}${headerOptions(keyHeader())}` +
  (body === undefined ? "" : `${headerOptions(JSON_TYPE)} -d ${shellQuote(body)}`);

/**
 * Return a shell loop that sends the same action for many ids.
 * The ids are URL-encoded, because an unencoded id could end the here-document.
 */
export function curlLoop(name, ids, reason) {
  const { method = "POST", path } = requestFor(name, "ID", reason);
  const url = location.origin + path.replace("/ID", "/$id");
  const lines = ids.map((id) => encodeURIComponent(id)).join("\n");
  const command = `curl -X ${method} "${url}"${headerOptions(keyHeader())}`;
  return `while read -r id; do\n  ${command}\ndone <<'@'\n${lines}\n@`;
}

/** Encode a value as the SDK does: as JSON in a JSON string. */
export const sdkInput = (value) =>
  value === undefined ? undefined : JSON.stringify(JSON.stringify(value));

export const instancePath = (id, operation, params = {}) =>
  [WEBHOOK, "instances", encodeURIComponent(id), operation].filter(Boolean).join("/") +
  queryString(params);

/** Return true for the status of an instance that has not finished. */
export const isLive = (status) => !FINISHED.includes(status);

/** Return the milliseconds of all executions of an instance until its end or until now. */
export const elapsed = (row) =>
  (isLive(row.status) ? Date.now() : row.updated) - (row.firstCreatedTime || row.created);

/** The actions on an instance: their texts, the statuses that allow them, and their requests. */
export const ACTIONS = {
  suspend: {
    text: "Suspend",
    done: "suspended",
    when: (s) => isLive(s) && s !== "Suspended",
    why: "The instance is not running.",
    reason: true,
  },
  resume: {
    text: "Resume",
    done: "resumed",
    when: (s) => s === "Suspended",
    why: "The instance is not suspended.",
    reason: true,
  },
  terminate: {
    text: "Terminate",
    done: "terminated",
    when: isLive,
    why: "The instance has already finished.",
    reason: true,
    bad: true,
    note: "Running activities are not cancelled. Sub-orchestrations continue.",
  },
  rewind: {
    text: "Rewind",
    done: "rewound",
    when: (s) => s === "Failed",
    why: "Only failed instances can be rewound.",
    reason: true,
    note: "Failed calls run again. The results of completed calls are kept.",
  },
  restart: {
    text: "Restart",
    done: "restarted",
    when: () => true,
    note: "A new instance starts with the same function and input. The old instance is kept.",
    request: (id) => ({ path: instancePath(id, "restart", { restartWithNewInstanceId: true }) }),
  },
  purge: {
    text: "Purge",
    done: "purged",
    when: (s) => !isLive(s),
    why: "The instance has not finished.",
    bad: true,
    note: "The instance and its history are deleted. This cannot be undone.",
    request: (id) => ({ method: "DELETE", path: instancePath(id) }),
  },
};
export const requestFor = (name, id, reason) =>
  ACTIONS[name].request ? ACTIONS[name].request(id) : { path: instancePath(id, name, { reason }) };
