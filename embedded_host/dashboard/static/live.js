// Keeps a view up to date: a stream says that something has changed, and the view asks for what it shows.
import { query } from "./api.js";

const GAP = 250;

// Calls refresh() at once and after each change: never twice at a time, and so seldom that asking takes a tenth of the
// time at most (refresh returns how many milliseconds its question took the host). Ends with signal.
export function keepUpToDate(signal, params, refresh) {
	let source = null, running = false, again = false, timer = 0, gap = GAP;

	async function run() {
		if (signal.aborted) return;
		if (running) { again = true; return; }
		running = true;
		again = false;
		try {
			gap = Math.max(GAP, 10 * ((await refresh()) || 0));
		} catch (error) {
			if (error.name !== "AbortError") console.error(error);
		}
		running = false;
		if (again) later();
	}
	function later() {
		if (running) { again = true; return; }
		if (timer || signal.aborted) return;
		timer = setTimeout(() => { timer = 0; run(); }, gap);
	}
	function open() {
		if (source || signal.aborted || document.hidden) return;
		source = new EventSource("/dashboard/api/events" + query(params));
		source.onmessage = (event) => {
			tell("live");
			// The first event of a connection: what happened before it may have been missed.
			if (event.data === "open") run(); else later();
		};
		source.onerror = () => {
			tell("off");
			if (source && source.readyState === EventSource.CLOSED) { close(); setTimeout(open, 2000); }
		};
	}
	function close() {
		if (source) source.close();
		source = null;
	}
	// A page that nobody sees costs the host nothing, and leaves the browser its connections.
	const onVisible = () => { if (document.hidden) { close(); tell("paused"); } else open(); };
	document.addEventListener("visibilitychange", onVisible);
	signal.addEventListener("abort", () => {
		close();
		clearTimeout(timer);
		document.removeEventListener("visibilitychange", onVisible);
		tell("");
	});
	run();
	open();
	return { now: run, soon: later };
}

const TEXTS = { "": "", live: "Live", off: "Offline", paused: "Paused" };
function tell(state) {
	const node = document.getElementById("live");
	if (node.dataset.state === state) return;
	node.dataset.state = state;
	node.textContent = TEXTS[state];
}
