/** @file The sequence diagram: messages between client, orchestrator and functions over time. */
import { h, svg, button, truncate, notice, replace } from "./dom.js";
import { localText, durationText, utcText } from "./time.js";

const STEP = 26,
  LANE = innerWidth < 700 ? 104 : 150,
  TOP = 44,
  LEFT = 80,
  LIMIT = 150;

/** Return the view. update(model, events, row) draws the messages of the model. */
export function sequenceView() {
  let limit = LIMIT,
    mark = "";
  const diagram = h("div", {
    class: "scroll sequence",
    tabindex: "0",
    role: "group",
    aria: "Sequence diagram",
  });
  const more = h("p");
  const node = h("div", null, diagram, more);

  function update(model, events, row) {
    const now = `${row.known} ${limit}`;
    if (now === mark) return;
    mark = now;
    const messages = messagesOf(model, row);
    replace(
      diagram,
      messages.length > 1
        ? draw(messages.slice(0, limit), row, model)
        : notice("There are no messages yet", "Calls, timers and events appear here."),
    );
    replace(
      more,
      messages.length > limit &&
        button(
          `Show ${Math.min(LIMIT, messages.length - limit)} more of ${messages.length} messages`,
          () => {
            limit += LIMIT;
            update(model, events, row);
          },
        ),
    );
  }
  return { node, update };
}

const entityLane = (step) => (step.instanceId || "").split("@").slice(1).join(" ");

const laneOf = (s, self) =>
  ({
    activity: s.name === self ? `${s.name} ()` : s.name,
    child: `${s.name} ↗`,
    entity: entityLane(s),
    lock: entityLane(s),
    release: entityLane(s),
    sent: s.instanceId,
    event: "Client",
    suspended: "Client",
  })[s.kind] || "Timer";

function messagesOf({ steps, groups, start, end }, row) {
  const self = row.name,
    messages = [];
  const add = (at, from, to, text, more) => messages.push({ at, from, to, text, ...more });
  add(start, row.parent ? row.parent.Name || "Parent" : "Client", self, "start");
  for (const { rows, summary, state } of groups)
    if (summary) addGroup(rows, summary, state);
    else rows[0].forEach((index) => addStep(steps[index]));

  function addGroup(rows, summary, state) {
    const members = rows.flat().map((index) => steps[index]);
    const [first] = members;
    const lane = laneOf(first, self);
    add(Math.min(...members.map((s) => s.start)), self, lane, `× ${rows.length}`);
    const ends = members.map((s) => s.end).filter(Boolean);
    if (ends.length)
      add(Math.max(...ends), lane, self, summary, { back: true, bad: state === "failed" });
  }
  function addStep(s) {
    const timer = s.kind === "timer" || s.kind === "retry";
    const lane = laneOf(s, self);
    if (s.kind === "event") add(s.start, lane, self, s.name);
    else if (s.kind === "suspended") {
      add(s.start, lane, self, "suspend");
      if (s.state === "completed") add(s.end, lane, self, "resume");
    } else {
      add(
        s.start,
        self,
        lane,
        timer
          ? durationText(s.due - s.start)
          : ["entity", "lock", "release", "sent"].includes(s.kind)
            ? s.name.split(" ").pop()
            : s.attempt > 1
              ? `attempt ${s.attempt}`
              : "call",
      );
      const isOneWay =
        ["release", "sent"].includes(s.kind) || (s.kind === "entity" && s.end === s.start);
      if (s.state === "completed" && !isOneWay)
        add(s.end, lane, self, timer ? "fired" : s.kind === "lock" ? "locked" : "result", {
          back: true,
        });
      if (s.state === "failed") add(s.end, lane, self, "failed", { back: true, bad: true });
    }
  }
  messages.sort((a, b) => a.at - b.at);
  if (end !== null)
    add(end, self, messages[0].from, row.status.toLowerCase(), {
      back: true,
      bad: row.status === "Failed",
    });
  return messages;
}

function draw(messages, row, model) {
  const lanes = [
    ...new Set([messages[0].from, row.name, ...messages.flatMap((m) => [m.from, m.to])]),
  ];
  const x = (lane) => LEFT + LANE / 2 + lanes.indexOf(lane) * LANE;
  const width = LEFT + lanes.length * LANE,
    height = TOP + messages.length * STEP + 20;
  const heads = lanes.map((lane) =>
    svg(
      "g",
      null,
      svg("title", null, lane),
      svg("line", { x1: x(lane), x2: x(lane), y1: TOP - 10, y2: height, class: "lane" }),
      svg("rect", {
        x: x(lane) - LANE / 2 + 6,
        y: 6,
        width: LANE - 12,
        height: 26,
        rx: 4,
        class: lane === row.name ? "head self" : "head",
      }),
      svg("text", { x: x(lane), y: 23, class: "middle" }, truncate(lane, LANE / 8)),
    ),
  );
  const arrows = messages.map((m, n) => {
    const y = TOP + n * STEP + 14,
      [a, b] = [x(m.from), x(m.to)],
      right = b > a ? -1 : 1;
    return svg(
      "g",
      { class: m.bad ? "message bad" : "message" },
      svg(
        "title",
        null,
        `${m.from} → ${m.to}: ${m.text}\n${localText(m.at, true)}\n${utcText(m.at)}`,
      ),
      svg("text", { x: 8, y: y + 4, class: "at" }, "+" + durationText(m.at - model.start)),
      svg("line", { x1: a, x2: b, y1: y, y2: y, class: m.back ? "arrow back" : "arrow" }),
      svg("path", { d: `M${b} ${y} l${right * 7} -4 v8 z`, class: "tip" }),
      svg(
        "text",
        { x: (a + b) / 2, y: y - 4, class: "middle" },
        truncate(m.text, Math.max(16, Math.abs(b - a) / 8)),
      ),
    );
  });
  return svg(
    "svg",
    {
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      aria: `Sequence of ${messages.length} messages between ${lanes.join(", ")}.`,
    },
    heads,
    arrows,
  );
}
