// Keeps a view up to date: a stream says that something has changed, and the view asks for what it shows.
import { query } from "./api.js";
import { send } from "./key.js";

const GAP = 250;

// Calls refresh() at once and after each change: never twice at a time, and so seldom that asking takes a tenth of the
// time at most (refresh returns how many milliseconds its question took the host). Ends with signal.
export function keepUpToDate(signal, params, refresh) {
  let stream = null,
    running = false,
    again = false,
    timer = 0,
    gap = GAP;

  async function run() {
    if (signal.aborted) return;
    if (running) {
      again = true;
      return;
    }
    running = true;
    again = false;
    try {
      gap = Math.max(GAP, 10 * ((await refresh()) || 0));
    } catch (error) {
      if (error.name !== "AbortError" && !error.offline) console.error(error);
    }
    running = false;
    if (again) later();
  }
  function later() {
    if (running) {
      again = true;
      return;
    }
    if (timer || signal.aborted) return;
    timer = setTimeout(() => {
      timer = 0;
      run();
    }, gap);
  }
  // Server-sent events, read with fetch: an EventSource could not send a key.
  async function open() {
    if (stream || signal.aborted || document.hidden) return;
    const { signal: stop } = (stream = new AbortController());
    while (!stop.aborted) {
      try {
        const response = await send("/dashboard/api/events" + query(params), { signal: stop });
        if (!response.ok) throw response.status;
        const parts = response.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let part; !(part = await parts.read()).done;) {
          tell("live");
          // The first event of a connection: what happened before it may have been missed.
          if (part.value.includes("open")) run();
          else if (part.value.includes("changed")) later();
        }
      } catch (e) {
        if (e === 401) {
          close();
          tell("off");
        }
      } // all else is tried again
      if (stop.aborted) return;
      tell("off");
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
  function close() {
    if (stream) stream.abort();
    stream = null;
  }
  // A page that nobody sees costs the host nothing, and leaves the browser its connections.
  const onVisible = () => {
    if (document.hidden) {
      close();
      tell("paused");
    } else open();
  };
  document.addEventListener("visibilitychange", onVisible, { signal });
  signal.addEventListener("abort", () => {
    close();
    clearTimeout(timer);
    tell("");
  });
  const now = () => {
    run();
    open();
  };
  now();
  return { now, soon: later };
}

export function everySecond(signal, go) {
  const ticker = setInterval(() => {
    if (!document.hidden) go();
  }, 1000);
  signal.addEventListener("abort", () => clearInterval(ticker));
}

const TEXTS = { "": "", live: "Live", off: "Offline", paused: "Paused" };
function tell(state) {
  const node = document.getElementById("live");
  if (node.dataset.state === state) return;
  node.dataset.state = state;
  node.textContent = TEXTS[state];
}
