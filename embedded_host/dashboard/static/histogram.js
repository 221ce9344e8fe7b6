// Starts above the line, ends below it, over time.
import { h, svg, replace } from "./dom.js";
import { localText, span } from "./time.js";
import { ask } from "./api.js";

const HEIGHT = 36;
const ENDS = ["Failed", "Terminated", "Canceled", "Completed"];
const PAUSE = 2000;

export function histogram(filterOf, change, signal) {
	const picture = h("div", { class: "bars" });
	const legend = h("p", { class: "quiet legend" });
	const node = h("section", { class: "histogram", aria: "Starts and ends over time" }, picture, legend);
	let timer = 0, running = false, last = "";

	async function run() {
		if (running || signal.aborted) return;
		running = true;
		try {
			const spans = innerWidth < 600 ? 32 : 80;
			const found = await ask("histogram", { ...filterOf(), spans }, signal);
			node.hidden = !found.start;
			const mark = JSON.stringify({ ...found, ms: 0, start: Math.round(found.start / found.width) });
			if (found.start && mark !== last) draw(found);
			last = mark;
		} catch (error) {
			if (error.name !== "AbortError") node.hidden = true;
		}
		running = false;
	}

	function draw({ start, width, started, ended }) {
		const n = started.length;
		const sums = started.map((_, i) => ENDS.reduce((sum, s) => sum + ((ended[s] || [])[i] || 0), 0));
		const most = Math.max(1, ...started, ...sums);
		const high = (count) => (count ? Math.max(1.5, count / most * HEIGHT) : 0);
		const bars = started.map((count, i) => {
			let y = HEIGHT + 1;
			const parts = ENDS.filter((s) => (ended[s] || [])[i]).map((s) => {
				const size = high(ended[s][i]);
				const part = svg("rect", { x: i + 0.1, y, width: 0.8, height: size, "data-status": s });
				y += size;
				return part;
			});
			const text = [`${localText(start + i * width)}, ${span(width)}`, `${count} started`, ...ENDS.filter((s) => (ended[s] || [])[i]).map((s) => `${ended[s][i]} ${s.toLowerCase()}`)].join("\n");
			return svg("g", { class: "bar", onclick: () => change({ from: new Date(start + i * width).toISOString(), to: new Date(start + (i + 1) * width).toISOString() }) },
				svg("title", null, text), svg("rect", { x: i, y: 0, width: 1, height: 2 * HEIGHT + 1, class: "hit" }),
				svg("rect", { x: i + 0.1, y: HEIGHT - high(count), width: 0.8, height: high(count), class: "start" }), parts);
		});
		const sum = (list) => (list || []).reduce((a, b) => a + b, 0);
		const told = [`${sum(started).toLocaleString()} started`, ...ENDS.filter((s) => sum(ended[s])).map((s) => `${sum(ended[s]).toLocaleString()} ${s.toLowerCase()}`)];
		const range = `${localText(start)} to ${localText(start + n * width)}`;
		replace(picture, svg("svg", { viewBox: `0 0 ${n} ${2 * HEIGHT + 1}`, preserveAspectRatio: "none", role: "img", aria: `${range}: ${told.join(", ")}` },
			bars, svg("rect", { x: 0, y: HEIGHT, width: n, height: 1, class: "axis" })));
		replace(legend, h("span", null, localText(start)), h("span", null, h("span", { class: "dot start" }), told[0], told.slice(1).map((text) => [" · ", text])), h("span", null, localText(start + n * width)));
	}

	const soon = () => { if (!timer && !signal.aborted) timer = setTimeout(() => { timer = 0; run(); }, PAUSE); };
	signal.addEventListener("abort", () => clearTimeout(timer));
	run();
	return { node, now: run, soon };
}
