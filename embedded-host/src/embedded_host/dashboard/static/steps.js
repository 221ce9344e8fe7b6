// From a history's events to what is drawn: steps with a beginning and an end.

const TYPES = {
  0: "ExecutionStarted",
  1: "ExecutionCompleted",
  3: "ExecutionTerminated",
  4: "TaskScheduled",
  5: "TaskCompleted",
  6: "TaskFailed",
  7: "SubOrchestrationInstanceCreated",
  8: "SubOrchestrationInstanceCompleted",
  9: "SubOrchestrationInstanceFailed",
  10: "TimerCreated",
  11: "TimerFired",
  12: "OrchestratorStarted",
  13: "OrchestratorCompleted",
  14: "EventSent",
  15: "EventRaised",
  17: "GenericEvent",
  19: "ExecutionSuspended",
  20: "ExecutionResumed",
};
export const typeName = (event) => TYPES[event.EventType] || `EventType ${event.EventType}`;
export const KINDS = {
  activity: "Activity",
  child: "Sub-orchestration",
  timer: "Timer",
  retry: "Wait before a retry",
  entity: "Entity",
  event: "Event",
  suspended: "Suspended",
};

const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

// {turns: [[start, end]], start, end,
//  steps: [{kind, name, start, end, state, attempt, input, result, error, details, instanceId, due}]}
export function stepsOf(events, row) {
  const steps = [],
    byId = new Map(),
    calls = new Map(),
    tries = [],
    turns = [];
  let turn = null,
    suspended = null,
    start = row.created,
    end = null;
  const add = (step) => {
    steps.push({ end: null, state: "open", ...step });
    return steps[steps.length - 1];
  };
  const finish = (step, at, state, more) => step && Object.assign(step, { end: at, state, ...more });
  const attemptOf = (kind, name) => {
    const n = tries.findIndex((one) => one.kind === kind && one.name === name);
    return n < 0 ? undefined : tries.splice(n, 1)[0].attempt;
  };
  for (const e of events) {
    const at = Date.parse(e.Timestamp);
    switch (e.EventType) {
      case 0:
        start = at;
        break;
      case 12:
        turn = at;
        break;
      case 13:
        if (turn !== null) turns.push([turn, at]);
        turn = null;
        break;
      case 4:
      case 7: {
        const kind = e.EventType === 4 ? "activity" : "child";
        byId.set(
          e.EventId,
          add({
            kind,
            name: e.Name,
            start: at,
            input: e.Input,
            instanceId: e.InstanceId,
            attempt: attemptOf(kind, e.Name),
          }),
        );
        break;
      }
      case 10: {
        const failed = e.RetryOf === undefined ? null : byId.get(e.RetryOf);
        const step = add({
          kind: failed ? "retry" : "timer",
          name: failed ? failed.name : "Timer",
          start: at,
          due: Date.parse(e.FireAt),
        });
        if (failed) {
          failed.attempt ||= 1;
          step.next = { kind: failed.kind, name: failed.name, attempt: failed.attempt + 1 };
        }
        byId.set(e.EventId, step);
        break;
      }
      case 5:
      case 8:
        finish(byId.get(e.TaskScheduledId), at, "completed", { result: e.Result });
        break;
      case 6:
      case 9:
        finish(byId.get(e.TaskScheduledId), at, "failed", { error: e.Reason, details: e.Details });
        break;
      case 11: {
        const step = byId.get(e.TimerId);
        // Its own moment is that of its making: it came when it was due.
        finish(step, Math.max(at, Date.parse(e.FireAt)), "completed");
        if (step && step.next) tries.push(step.next);
        break;
      }
      case 14: {
        const sent = parsed(e.Input) || {};
        const step = add({
          kind: "entity",
          name: `${e.InstanceId} ${sent.op || e.Name}`,
          start: at,
          input: sent.input,
          instanceId: e.InstanceId,
        });
        if (sent.signal) finish(step, at, "completed");
        else if (sent.id) calls.set(sent.id, step);
        break;
      }
      case 15: {
        const answered = calls.get(e.Name);
        const value = answered && parsed(e.Input);
        if (answered && value && value.exceptionType) finish(answered, at, "failed", { error: value.result });
        else if (answered) finish(answered, at, "completed", { result: value ? value.result : e.Input });
        else add({ kind: "event", name: e.Name, start: at, end: at, state: "completed", input: e.Input });
        break;
      }
      case 19:
        suspended = add({ kind: "suspended", name: e.Reason || "Suspended", start: at });
        break;
      case 20:
        finish(suspended, at, "completed");
        break;
      case 1:
      case 3:
        end = at;
        break;
    }
  }
  // What is open when an execution ends was not needed any more: nobody records that.
  if (end !== null) for (const step of steps) if (step.state === "open") Object.assign(step, { end, state: "left" });
  return { steps, turns, start, end };
}

// How the time was spent, in milliseconds: {code, work, wait, total}. Work is while an activity or child is open.
export function spent({ steps, turns, start, end }, now) {
  const until = end ?? now;
  const busy = (list) => {
    let sum = 0,
      last = -Infinity;
    for (const [from, to] of list.sort((a, b) => a[0] - b[0])) {
      if (to > last) {
        sum += to - Math.max(from, last);
        last = to;
      }
    }
    return sum;
  };
  const open = steps
    .filter((s) => ["activity", "child", "entity"].includes(s.kind))
    .map((s) => [s.start, s.end ?? until]);
  const code = busy(turns.map((t) => [...t]));
  const work = busy([...open, ...turns]) - code;
  const total = Math.max(0, until - start);
  return { code, work, wait: Math.max(0, total - code - work), total };
}
