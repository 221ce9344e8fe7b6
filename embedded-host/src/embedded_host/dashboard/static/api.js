// HTTP requests to the host: the dashboard's own API for reading, the management API for changes.

import { keyHeader, fetchWithKey } from "./key.js";
import { FINISHED } from "./statuses.js";

export const WEBHOOK = "/runtime/webhooks/durabletask";

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

// Send {method, path, body}; the default method is POST. Throws a RequestError with the host's message.
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
    throw new RequestError("The host does not answer.");
  }
  let data = text;
  try {
    data = JSON.parse(text);
  } catch {
    /* not every answer is JSON */
  }
  if (response.ok) return data;
  const said =
    typeof data === "string" ? data : data && (data.ExceptionMessage || data.Message || data.error);
  throw new RequestError(
    said || STATUS_TEXTS[response.status] || `The host answered ${response.status}.`,
    response.status,
  );
}
const JSON_TYPE = { "Content-Type": "application/json" };
const STATUS_TEXTS = {
  403: "Your key does not allow this.",
  404: "There is no such instance (any more).",
  410: "The instance has finished already.",
};

export const getJson = (path, signal) => sendRequest({ method: "GET", path }, signal);
export const getFromDashboard = (question, params = {}, signal) =>
  getJson(`/dashboard/api/${question}${queryString(params)}`, signal);

const shellQuote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

const headerOptions = (headers) =>
  Object.entries(headers)
    .map(([name, value]) => " -H " + shellQuote(`${name}: ${value}`))
    .join("");

export const curl = ({ method = "POST", path, body }) =>
  `curl -X ${method} ${shellQuote(location.origin + path)}${headerOptions(keyHeader())}` +
  (body === undefined ? "" : `${headerOptions(JSON_TYPE)} -d ${shellQuote(body)}`);

// A shell loop that sends the same action for many ids. The ids are URL-encoded, so no id can end the here-document.
export function curlLoop(name, ids, reason) {
  const { method = "POST", path } = requestFor(name, "ID", reason);
  const url = location.origin + path.replace("/ID", "/$id");
  const lines = ids.map((id) => encodeURIComponent(id)).join("\n");
  const command = `curl -X ${method} "${url}"${headerOptions(keyHeader())}`;
  return `while read -r id; do\n  ${command}\ndone <<'@'\n${lines}\n@`;
}

// Encode a value as the SDK does: JSON text in a JSON string.
export const sdkInput = (value) =>
  value === undefined ? undefined : JSON.stringify(JSON.stringify(value));

export const instancePath = (id, operation, params = {}) =>
  `${WEBHOOK}/instances/${encodeURIComponent(id)}${operation ? "/" + operation : ""}${queryString(params)}`;

/** Return true for the status of an instance that has not finished. */
export const isLive = (status) => !FINISHED.includes(status);

/** The actions on an instance: their texts, the statuses that allow them, and their requests. */
export const ACTIONS = {
  suspend: {
    text: "Suspend",
    done: "suspended",
    when: (s) => isLive(s) && s !== "Suspended",
    why: "It is not running.",
    reason: true,
  },
  resume: {
    text: "Resume",
    done: "resumed",
    when: (s) => s === "Suspended",
    why: "It is not suspended.",
    reason: true,
  },
  terminate: {
    text: "Terminate",
    done: "terminated",
    when: isLive,
    why: "It has finished already.",
    reason: true,
    bad: true,
    note: "It ends where it is. Activities that run go on to their end, and sub-orchestrations go on.",
  },
  rewind: {
    text: "Rewind",
    done: "rewound",
    when: (s) => s === "Failed",
    why: "Only failed instances can be rewound.",
    reason: true,
    note: "What failed is tried again; what was completed is kept.",
  },
  restart: {
    text: "Restart",
    done: "restarted",
    when: () => true,
    note: "A new instance begins with the same function and input; this one stays as it is.",
    request: (id) => ({ path: instancePath(id, "restart", { restartWithNewInstanceId: true }) }),
  },
  purge: {
    text: "Purge",
    done: "purged",
    when: (s) => !isLive(s),
    why: "It has not finished.",
    bad: true,
    note: "The instance and its history are deleted. This cannot be undone.",
    request: (id) => ({ method: "DELETE", path: instancePath(id) }),
  },
};
export const requestFor = (name, id, reason) =>
  ACTIONS[name].request ? ACTIONS[name].request(id) : { path: instancePath(id, name, { reason }) };
