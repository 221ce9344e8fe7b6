/** @file The steps of an instance, as the host interprets its history, and their values. */

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
  retry: "Retry delay",
  entity: "Entity",
  event: "External event",
  suspended: "Suspended",
};

const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/**
 * Return the model of an instance: the interpretation by the host, and the events of the history.
 * {turns: [[start, end]], start, end, spent, cause, events,
 *  steps: [{kind, name, start, end, state, attempt, instanceId, due, event, completion}]}
 */
export function modelOf(row, events) {
  const { start, ...rest } = row.interpretation;
  return { ...rest, start: start ?? row.created, events, receivedAt: Date.now() };
}

/** Return the values of a step: {input, result, error, details}. Missing ones are undefined. */
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

/**
 * Return how the time was spent, in milliseconds: {code, work, wait, total}.
 * For a running instance this includes the time since the model was received.
 */
export function spent(model, now) {
  const time = { ...model.spent };
  if (model.end !== null) return time;
  const elapsed = Math.max(0, now - model.receivedAt);
  const hasOpenCall = model.steps.some(
    (s) => s.state === "open" && ["activity", "child", "entity"].includes(s.kind),
  );
  time[hasOpenCall ? "work" : "wait"] += elapsed;
  time.total += elapsed;
  return time;
}
