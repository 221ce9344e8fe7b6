/** @file A histogram over time: started instances above the axis, finished instances below. */
import { h, svg, replace } from "./dom.js";
import { timeText, durationText, chosenTimes } from "./time.js";
import { getFromDashboard } from "./api.js";
import { FINISHED } from "./statuses.js";

const HEIGHT = 36;
/** Milliseconds between a change and the next request. */
const DELAY = 2000;

/** Return the histogram. change({from, to}) is called with the interval of a clicked bar. */
export function histogram(filterOf, change, signal) {
  const picture = h("div", { class: "bars" });
  const legend = h("p", { class: "quiet legend" });
  const node = h(
    "section",
    { class: "histogram", aria: "Started and finished instances over time" },
    picture,
    legend,
  );
  let timer = 0,
    running = false,
    last = "";

  async function run() {
    if (running || signal.aborted) return;
    running = true;
    try {
      const spans = innerWidth < 600 ? 32 : 80;
      const counts = await getFromDashboard("histogram", { ...filterOf(), spans }, signal);
      node.hidden = !counts.start;
      const mark = JSON.stringify({
        ...counts,
        ms: 0,
        times: chosenTimes(),
        start: Math.round(counts.start / counts.width),
      });
      if (counts.start && mark !== last) draw(counts);
      last = mark;
    } catch (error) {
      if (error.name !== "AbortError") node.hidden = true;
    }
    running = false;
  }

  function draw({ start, width, started, ended }) {
    const n = started.length,
      until = timeText(start + n * width);
    const ends = FINISHED.filter((status) => ended[status]);
    const sum = (list) => list.reduce((a, b) => a + b, 0);
    const most = Math.max(
      1,
      ...started,
      ...started.map((_, i) => sum(ends.map((status) => ended[status][i]))),
    );
    const summary = (count) => [
      `${count(started).toLocaleString()} started`,
      ...ends
        .filter((status) => count(ended[status]))
        .map((status) => `${count(ended[status]).toLocaleString()} ${status.toLowerCase()}`),
    ];
    const high = (count) => (count ? Math.max(1.5, (count / most) * HEIGHT) : 0);
    const bars = started.map((count, i) => {
      const from = start + i * width;
      const part = (y, height, props) =>
        svg("rect", { x: i + 0.1, y, width: 0.8, height, ...props });
      let y = HEIGHT + 1;
      return svg(
        "g",
        {
          class: "bar",
          onclick: () =>
            change({
              from: new Date(from).toISOString(),
              to: new Date(from + width).toISOString(),
            }),
        },
        svg(
          "title",
          null,
          [`${timeText(from)}, ${durationText(width)}`, ...summary((list) => list[i])].join("\n"),
        ),
        svg("rect", { x: i, y: 0, width: 1, height: 2 * HEIGHT + 1, class: "hit" }),
        part(HEIGHT - high(count), high(count), { class: "start" }),
        ends.map((status) => {
          const size = high(ended[status][i]);
          y += size;
          return part(y - size, size, { "data-status": status });
        }),
      );
    });
    const sums = summary(sum);
    replace(
      picture,
      svg(
        "svg",
        {
          viewBox: `0 0 ${n} ${2 * HEIGHT + 1}`,
          preserveAspectRatio: "none",
          role: "img",
          aria: `${timeText(start)} to ${until}: ${sums.join(", ")}`,
        },
        bars,
        svg("rect", { x: 0, y: HEIGHT, width: n, height: 1, class: "axis" }),
      ),
    );
    replace(
      legend,
      h("span", null, timeText(start)),
      h("span", null, h("span", { class: "dot start" }), sums.join(" · ")),
      h("span", null, until),
    );
  }

  const soon = () => {
    if (!timer && !signal.aborted)
      timer = setTimeout(() => {
        timer = 0;
        run();
      }, DELAY);
  };
  signal.addEventListener("abort", () => clearTimeout(timer));
  run();
  return { node, now: run, soon };
}
