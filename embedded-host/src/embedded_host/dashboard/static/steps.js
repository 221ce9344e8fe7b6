/** @file The steps of an instance, and the values of each step. */

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
  lock: "Lock request",
  release: "Release of a lock",
  sent: "Sent event",
  event: "External event",
  suspended: "Suspended",
};

/** The sentence about the setting that keeps the inputs of activities. */
export const SETTING =
  "To keep the inputs of new instances, set " +
  "extensions.durableTask.storeInputsInOrchestrationHistory to true in host.json.";

/** Return a row of the timeline: the attempts of one call with their delays, or another step. */
export function rowOf(model, indexes) {
  const steps = indexes.map((index) => model.steps[index]);
  const attempts = steps.filter((step) => step.kind !== "retry");
  const last = steps.at(-1);
  const state = last.state === "open" || !attempts.length ? last.state : attempts.at(-1).state;
  const label = attempts.map((step) => step.label).find(Boolean);
  return { key: `s${indexes[0]}`, steps, attempts, state, label };
}

const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/**
 * Return the model of an instance: its history as interpreted by the host, and the events.
 * {turns: [[start, end]], start, end, spent, cause, events,
 *  steps: [{kind, name, start, began, end, state, attempt, label, instanceId, due, event,
 *           completion}],
 *  groups: [{rows: [[index of a step]], name, summary, state, failed, p50, max}]}
 */
export function modelOf(row, events) {
  const { start, ...rest } = row.interpretation;
  return { ...rest, start: start ?? row.created, events, receivedAt: Date.now() };
}

/** Return the text and the stack trace of a failure of SDK 2.x: [text, trace]. */
export function failureOf(details) {
  const text = (d) => [d.ErrorType, d.ErrorMessage].filter(Boolean).join(": ");
  const traces = [details.StackTrace || ""];
  for (let inner = details.InnerFailure; inner; inner = inner.InnerFailure)
    traces.push(`Caused by ${text(inner)}\n${inner.StackTrace || ""}`.trim());
  return [text(details), traces.filter(Boolean).join("\n\n") || undefined];
}

/** Return the values of a step: {input, result, error, details}. Missing values are undefined. */
export function valuesOf(step, events) {
  const event = events[step.event],
    completion = events[step.completion];
  if (!event) return {};
  if (step.kind === "entity") {
    const response = completion && (parsed(completion.Input) || { result: completion.Input });
    const failure = response?.failureDetails && failureOf(response.failureDetails);
    if (failure)
      return { input: parsed(event.Input)?.input, error: failure[0], details: failure[1] };
    return {
      input: parsed(event.Input)?.input,
      [step.state === "failed" ? "error" : "result"]: response?.result,
    };
  }
  if (step.kind === "lock" || step.kind === "release") return {};
  const failure = completion?.FailureDetails && failureOf(completion.FailureDetails);
  return {
    input:
      event.Input ??
      (completion?.FailedInput === undefined ? null : JSON.stringify([completion.FailedInput])),
    result: completion?.Result,
    error: failure ? failure[0] : completion?.Reason,
    details: failure ? failure[1] : completion?.Details,
  };
}

/**
 * Return the times of orchestrator code, running calls and waits: {code, work, wait, total}.
 * Times are in milliseconds. In a running instance, they include the time since the last update.
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
