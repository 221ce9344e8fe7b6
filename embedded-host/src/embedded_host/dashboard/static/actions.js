// The dialogs for the actions on one instance.
import { h, field, textInput, toast, unique } from "./dom.js";
import { ACTIONS, instancePath, requestFor } from "./api.js";
import { jsonEditor } from "./dialog.js";
import { requestDialog } from "./request_dialog.js";

export function actionFor(name, row, ok) {
  const action = ACTIONS[name];
  const reason = textInput();
  requestDialog(`${action.text} this instance?`, {
    parts: [
      h("code", { class: "id" }, row.id),
      action.note && h("p", null, action.note),
      action.reason && field("Reason", reason, "Kept in the history"),
    ],
    verb: action.text,
    bad: action.bad,
    request: () => requestFor(name, row.id, reason.value),
    ok: (answer) => {
      toast(`The instance was ${action.done}.`);
      ok(answer);
    },
  });
}

export function raiseEvent(row, waited, ok) {
  const names = h(
    "datalist",
    { id: unique("events") },
    waited.map((one) => h("option", { value: one })),
  );
  const name = textInput({ required: true, list: names.id, value: waited[0] || "" });
  const editor = jsonEditor("Data (JSON)", "null", { optional: false });
  requestDialog("Raise an event", {
    parts: [
      field(
        "Event name",
        name,
        waited.length
          ? `It waits for ${waited.join(", ")}.`
          : "An event that nobody waits for yet is kept.",
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
    ok: () => {
      toast(`The event “${name.value}” was raised.`);
      ok();
    },
  });
}
