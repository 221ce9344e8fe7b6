// The steps of an instance as the server interprets them, with the values of its events.

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

// An instance's model: the server's interpretation with the history's events, from which steps take their values.
// {turns: [[start, end]], start, end, spent, cause, events,
//  steps: [{kind, name, start, end, state, attempt, instanceId, due, event, completion}]}
export function modelOf(row, events) {
  const { start, ...rest } = row.interpretation;
  return { ...rest, start: start ?? row.created, events, receivedAt: Date.now() };
}

// A step's values: {input, result, error, details}, undefined if there is none.
export function valuesOf(step, events) {
  const event = events[step.event],
    completion = events[step.completion];
  if (!event) return {};
  if (step.kind === "entity") {
    const response = completion && (parsed(completion.Input) || { result: completion.Input });
    return {
      input: parsed(event.Input)?.input,
      [step.state === "failed" ? "error" : "result"]: response?.result,
    };
  }
  return {
    input: event.Input,
    result: completion?.Result,
    error: completion?.Reason,
    details: completion?.Details,
  };
}

// How the time was spent, in milliseconds: {code, work, wait, total}. A running instance has run on since the answer.
export function spent(model, now) {
  const time = { ...model.spent };
  if (model.end !== null) return time;
  const elapsed = Math.max(0, now - model.receivedAt);
  const atWork = model.steps.some(
    (s) => s.state === "open" && ["activity", "child", "entity"].includes(s.kind),
  );
  time[atWork ? "work" : "wait"] += elapsed;
  time.total += elapsed;
  return time;
}
