/** @file Updates of a view. After a server-sent event, the view reads its data again. */
import { DASHBOARD_API, queryString } from "./api.js";
import { fetchWithKey } from "./key.js";

/** Minimum milliseconds between two calls of refresh(). */
const GAP = 250;

/**
 * Call refresh() now and after each change, one call at a time, until signal aborts.
 * refresh() returns the time in milliseconds that the host needed for the request. The pause before
 * the next call is ten times as long. Thus the requests use at most a tenth of the host's time.
 */
export function keepUpToDate(signal, params, refresh) {
  let stream = null,
    running = false,
    again = null,
    timer = 0,
    gap = GAP;

  async function run() {
    if (signal.aborted) return;
    if (running) {
      again = run; // the user changed the filter
      return;
    }
    running = true;
    again = null;
    try {
      gap = Math.max(GAP, 10 * ((await refresh()) || 0));
    } catch (error) {
      if (error.name !== "AbortError" && !error.offline) console.error(error);
    }
    running = false;
    again?.();
  }
  function later() {
    if (running) {
      again ||= later;
      return;
    }
    if (timer || signal.aborted) return;
    timer = setTimeout(() => {
      timer = 0;
      if (running) later();
      else run();
    }, gap);
  }
  // The events are read with fetch, because an EventSource cannot send the key.
  async function open() {
    if (stream || signal.aborted || document.hidden) return;
    const { signal: stop } = (stream = new AbortController());
    while (!stop.aborted) {
      try {
        const response = await fetchWithKey(`${DASHBOARD_API}/events${queryString(params)}`, {
          signal: stop,
        });
        if (!response.ok) throw response.status;
        const parts = response.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let part; !(part = await parts.read()).done;) {
          showConnection("live");
          // "open" is the first event of a connection. Changes before it may have been missed.
          if (part.value.includes("open")) run();
          else if (part.value.includes("changed")) later();
        }
      } catch (e) {
        if (e === 401) {
          close();
          showConnection("off");
        }
        // Other failures are retried.
      }
      if (stop.aborted) return;
      showConnection("off");
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
  function close() {
    if (stream) stream.abort();
    stream = null;
  }
  // A hidden page closes its stream, because browsers limit the connections to one host.
  const onVisible = () => {
    if (document.hidden) {
      close();
      showConnection("paused");
    } else open();
  };
  document.addEventListener("visibilitychange", onVisible, { signal });
  signal.addEventListener("abort", () => {
    close();
    clearTimeout(timer);
    showConnection("");
  });
  const now = () => {
    run();
    open();
  };
  now();
  return { now, soon: later };
}

/** Call update() every second while the page is visible, until signal aborts. */
export function everySecond(signal, update) {
  const ticker = setInterval(() => {
    if (!document.hidden) update();
  }, 1000);
  signal.addEventListener("abort", () => clearInterval(ticker));
}

const CONNECTION_TEXTS = { "": "", live: "Live", off: "Offline", paused: "Paused" };
function showConnection(state) {
  const node = document.getElementById("live");
  if (node.dataset.state === state) return;
  node.dataset.state = state;
  node.textContent = CONNECTION_TEXTS[state];
}
