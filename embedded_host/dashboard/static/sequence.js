// The sequence diagram: who sent what to whom, in order of time.
import { h, svg, button, notice, replace } from "./dom.js";
import { localText, span, utcText } from "./time.js";

const STEP = 26, LANE = 150, TOP = 44, LEFT = 90, LIMIT = 150;

export function sequenceView() {
	let limit = LIMIT, mark = "";
	const place = h("div", { class: "scroll sequence", tabindex: "0", role: "group", aria: "Sequence diagram" });
	const more = h("p");
	const node = h("div", null, place, more);

	function update(model, events, row) {
		const now = `${row.known} ${limit}`;
		if (now === mark) return;
		mark = now;
		const messages = messagesOf(model, row);
		replace(place, messages.length > 1 ? draw(messages.slice(0, limit), row, model) : notice("There is nothing to draw yet", "Calls, timers and events appear here."));
		replace(more, messages.length > limit && button(`Show ${Math.min(LIMIT, messages.length - limit)} more of ${messages.length} messages`, () => { limit += LIMIT; update(model, events, row); }));
	}
	return { node, update };
}

function messagesOf({ steps, start, end }, row) {
	const self = row.name, found = [{ at: start, from: row.parent ? row.parent.Name || "Parent" : "Client", to: self, text: "start" }];
	for (const s of steps) {
		const lane = { activity: s.name === self ? `${s.name} ()` : s.name, child: `${s.name} ↗`, timer: "Timer", retry: "Timer", entity: (s.instanceId || "").split("@").slice(1).join(" "), event: "Client", suspended: "Client" }[s.kind];
		if (s.kind === "event") { found.push({ at: s.start, from: lane, to: self, text: s.name }); continue; }
		if (s.kind === "suspended") { found.push({ at: s.start, from: lane, to: self, text: "suspend" }); if (s.state === "completed") found.push({ at: s.end, from: lane, to: self, text: "resume" }); continue; }
		const text = s.kind === "timer" || s.kind === "retry" ? span(s.due - s.start) : s.kind === "entity" ? s.name.split(" ").pop() : s.attempt > 1 ? `attempt ${s.attempt}` : "call";
		found.push({ at: s.start, from: self, to: lane, text, kind: s.kind });
		if (s.state === "completed" && !(s.kind === "entity" && s.end === s.start)) found.push({ at: s.end, from: lane, to: self, text: s.kind === "timer" || s.kind === "retry" ? "fired" : "result", back: true });
		if (s.state === "failed") found.push({ at: s.end, from: lane, to: self, text: "failed", back: true, bad: true });
	}
	found.sort((a, b) => a.at - b.at);
	if (end !== null) found.push({ at: end, from: self, to: found[0].from, text: row.status.toLowerCase(), back: true, bad: row.status === "Failed" });
	return found;
}

function draw(messages, row, model) {
	const lanes = [...new Set([messages[0].from, row.name, ...messages.flatMap((m) => [m.from, m.to])])];
	const x = (lane) => LEFT + LANE / 2 + lanes.indexOf(lane) * LANE;
	const width = LEFT + lanes.length * LANE, height = TOP + messages.length * STEP + 20;
	const short = (text, n) => (text.length > n ? text.slice(0, n - 1) + "…" : text);
	const heads = lanes.map((lane) => svg("g", null, svg("title", null, lane), svg("line", { x1: x(lane), x2: x(lane), y1: TOP - 10, y2: height, class: "lane" }),
		svg("rect", { x: x(lane) - LANE / 2 + 6, y: 6, width: LANE - 12, height: 26, rx: 4, class: lane === row.name ? "head self" : "head" }),
		svg("text", { x: x(lane), y: 23, class: "middle" }, short(lane, 20))));
	const arrows = messages.map((m, n) => {
		const y = TOP + n * STEP + 14, [a, b] = [x(m.from), x(m.to)], right = b > a ? -1 : 1;
		return svg("g", { class: m.bad ? "message bad" : "message" }, svg("title", null, `${m.from} → ${m.to}: ${m.text}\n${localText(m.at, true)}\n${utcText(m.at)}`),
			svg("text", { x: 8, y: y + 4, class: "at" }, "+" + span(m.at - model.start)),
			svg("line", { x1: a, x2: b, y1: y, y2: y, class: m.back ? "arrow back" : "arrow" }),
			svg("path", { d: `M${b} ${y} l${right * 7} -4 v8 z`, class: "tip" }),
			svg("text", { x: (a + b) / 2, y: y - 4, class: "middle" }, short(m.text, Math.max(16, Math.abs(b - a) / 8))));
	});
	return svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", aria: `Sequence of ${messages.length} messages between ${lanes.join(", ")}.` }, heads, arrows);
}
