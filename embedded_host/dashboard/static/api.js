// The host over HTTP: the dashboard's own questions, and the management API for everything that changes something.

export const WEBHOOK = "/runtime/webhooks/durabletask";

export class Failure extends Error {
	constructor(message, { offline = false, status = 0 } = {}) {
		super(message);
		this.offline = offline;
		this.status = status;
	}
}

async function send(path, options) {
	let response, text;
	try {
		response = await fetch(path, { ...options, credentials: "same-origin" });
		text = await response.text();
	} catch (error) {
		if (error.name === "AbortError") throw error;
		throw new Failure("The host does not answer.", { offline: true });
	}
	let data = text;
	try { data = JSON.parse(text); } catch { /* not every answer is JSON */ }
	return { response, data };
}

export const query = (params) => {
	const kept = Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== "" && value !== false);
	const text = new URLSearchParams(kept.map(([name, value]) => [name, value === true ? "1" : value])).toString();
	return text ? "?" + text : "";
};

export async function ask(question, params = {}, signal) {
	const { response, data } = await send(`/dashboard/api/${question}${query(params)}`, { signal });
	if (!response.ok) throw new Failure(data.error || `The host answered ${response.status}.`, { status: response.status });
	return data;
}

export async function get(path, signal) {
	const { response, data } = await send(path, { signal });
	if (!response.ok) throw new Failure(said(data) || `The host answered ${response.status}.`, { status: response.status });
	return data;
}

// An action: {method, path, body, type}. What the host says against it is the Failure's text.
export async function act({ method = "POST", path, body, type = "application/json" }) {
	const headers = body === undefined ? {} : { "Content-Type": type };
	const { response, data } = await send(path, { method, headers, body });
	if (response.ok) return data;
	const known = { 404: "There is no such instance (any more).", 410: "The instance has finished already." };
	throw new Failure(said(data) || known[response.status] || `The host answered ${response.status}.`, { status: response.status });
}

const said = (data) => (typeof data === "string" ? data : data && (data.ExceptionMessage || data.Message || data.error)) || "";

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

export function curl({ method = "POST", path, body, type = "application/json" }) {
	const parts = ["curl", "-X", method, quoted(location.origin + path)];
	if (body !== undefined) parts.push("-H", quoted(`Content-Type: ${type}`), "-d", quoted(body));
	return parts.join(" ");
}

export const instancePath = (id, operation, params = {}) =>
	`${WEBHOOK}/instances/${encodeURIComponent(id)}${operation ? "/" + operation : ""}${query(params)}`;

// What can be done to one instance: whether its status allows it, and the request.
export const LIVE = ["Running", "Pending", "Suspended", "ContinuedAsNew"];
export const isLive = (status) => LIVE.includes(status);
export const ACTIONS = {
	suspend: { text: "Suspend", done: "suspended", when: (s) => isLive(s) && s !== "Suspended", why: "It is not running.", reason: true },
	resume: { text: "Resume", done: "resumed", when: (s) => s === "Suspended", why: "It is not suspended.", reason: true },
	terminate: { text: "Terminate", done: "terminated", when: isLive, why: "It has finished already.", reason: true, bad: true,
		note: "It ends where it is. Activities that run go on to their end, and sub-orchestrations go on." },
	rewind: { text: "Rewind", done: "rewound", when: (s) => s === "Failed", why: "Only failed instances can be rewound.", reason: true,
		note: "What failed is tried again; what was completed is kept." },
	restart: { text: "Restart", done: "restarted", when: () => true, note: "A new instance begins with the same function and input; this one stays as it is.",
		request: (id) => ({ path: instancePath(id, "restart", { restartWithNewInstanceId: "true" }) }) },
	purge: { text: "Purge", done: "purged", when: (s) => !isLive(s), why: "It has not finished.", bad: true,
		note: "The instance and its history are deleted. This cannot be undone.",
		request: (id) => ({ method: "DELETE", path: instancePath(id) }) },
};
export const requestOf = (name, id, reason) =>
	ACTIONS[name].request ? ACTIONS[name].request(id) : { path: instancePath(id, name, { reason }) };
