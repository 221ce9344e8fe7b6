/** @file The dialogs for the actions on one instance. */
import { h, field, textInput, toast, unique } from "./dom.js";
import { ACTIONS, instancePath, requestFor } from "./api.js";
import { jsonEditor } from "./dialog.js";
import { requestDialog } from "./request_dialog.js";

/** Open the dialog of an action. onSuccess receives the response. */
export function openActionDialog(name, row, onSuccess) {
  const action = ACTIONS[name];
  const reason = textInput();
  requestDialog(`${action.text} this instance?`, {
    parts: [
      h("code", { class: "id" }, row.id),
      action.note && h("p", null, action.note),
      action.reason && field("Reason", reason, "Stored in the history"),
    ],
    verb: action.text,
    bad: action.bad,
    request: () => requestFor(name, row.id, reason.value),
    onSuccess: (response) => {
      toast(`The instance was ${action.done}.`);
      onSuccess(response);
    },
  });
}

/** Open the dialog that raises an external event. awaited is the list of awaited names. */
export function openEventDialog(row, awaited, onSuccess) {
  const names = h(
    "datalist",
    { id: unique("events") },
    awaited.map((value) => h("option", { value })),
  );
  const name = textInput({ required: true, list: names.id, value: awaited[0] || "" });
  const editor = jsonEditor("Data (JSON)", "null", { optional: false });
  requestDialog("Raise an event", {
    parts: [
      field(
        "Event name",
        name,
        awaited.length
          ? `The instance waits for ${awaited.join(", ")}.`
          : "If the instance does not wait for the event, the host stores the event.",
      ),
      names,
      editor.node,
    ],
    verb: "Raise event",
    valid: editor.check,
    request: () => ({
      path: instancePath(row.id, `raiseEvent/${encodeURIComponent(name.value)}`),
      body: JSON.stringify(editor.value()),
    }),
    onSuccess: () => {
      toast(`The event “${name.value}” was raised.`);
      onSuccess();
    },
  });
}
