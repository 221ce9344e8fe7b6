// The host over HTTP: the dashboard's own questions, and the management API for everything that changes something.

import { keyHeader, send } from "./key.js";

export const WEBHOOK = "/runtime/webhooks/durabletask";

class Failure extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
    this.offline = !status;
  }
}

export const query = (params) => {
  const text = String(new URLSearchParams(Object.entries(params).filter(([, value]) => value)));
  return text && "?" + text;
};

// A request: {method, path, body}, the method being POST if it is not said. What the host says against it is the Failure's text.
export async function act({ method = "POST", path, body }, signal) {
  let response, text;
  try {
    response = await send(path, { method, body, signal, headers: body === undefined ? {} : JSON_TYPE });
    text = await response.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("The host does not answer.");
  }
  let data = text;
  try {
    data = JSON.parse(text);
  } catch {
    /* not every answer is JSON */
  }
  if (response.ok) return data;
  const said = typeof data === "string" ? data : data && (data.ExceptionMessage || data.Message || data.error);
  throw new Failure(said || KNOWN[response.status] || `The host answered ${response.status}.`, response.status);
}
const JSON_TYPE = { "Content-Type": "application/json" };
const KNOWN = {
  403: "Your key does not allow this.",
  404: "There is no such instance (any more).",
  410: "The instance has finished already.",
};

export const get = (path, signal) => act({ method: "GET", path }, signal);
export const ask = (question, params = {}, signal) => get(`/dashboard/api/${question}${query(params)}`, signal);

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

const flags = (headers) =>
  Object.entries(headers)
    .map(([name, value]) => " -H " + quoted(`${name}: ${value}`))
    .join("");

export const curl = ({ method = "POST", path, body }) =>
  `curl -X ${method} ${quoted(location.origin + path)}${flags(keyHeader())}` +
  (body === undefined ? "" : `${flags(JSON_TYPE)} -d ${quoted(body)}`);

// The same action for many: a loop for a shell, the ids as they stand in a URL, where no "@" can end them.
export function curlEach(name, ids, reason) {
  const { method = "POST", path } = requestOf(name, "ID", reason);
  return `while read -r id; do\n  curl -X ${method} "${location.origin}${path.replace("/ID", "/$id")}"${flags(keyHeader())}\ndone <<'@'\n${ids.map((id) => encodeURIComponent(id)).join("\n")}\n@`;
}

// What the SDK sends for a value: JSON text in a JSON string.
export const wrapped = (value) => (value === undefined ? undefined : JSON.stringify(JSON.stringify(value)));

export const instancePath = (id, operation, params = {}) =>
  `${WEBHOOK}/instances/${encodeURIComponent(id)}${operation ? "/" + operation : ""}${query(params)}`;

// What can be done to one instance: whether its status allows it, and the request.
const LIVE = ["Running", "Pending", "Suspended", "ContinuedAsNew"];
export const isLive = (status) => LIVE.includes(status);
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
export const requestOf = (name, id, reason) =>
  ACTIONS[name].request ? ACTIONS[name].request(id) : { path: instancePath(id, name, { reason }) };
