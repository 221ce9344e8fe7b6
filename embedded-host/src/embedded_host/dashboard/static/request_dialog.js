/** @file A modal dialog with a form that sends one request. */
import { h, button, visible } from "./dom.js";
import { sendRequest, curl } from "./api.js";
import { curlBox, dialog } from "./dialog.js";

/**
 * Open a dialog that sends the request returned by request().
 * parts are the fields of the form. onSuccess(response) is called after the request succeeded.
 */
export function requestDialog(title, { parts, verb, bad, request, valid = () => true, onSuccess }) {
  return dialog(title, (close) => {
    const error = h("p", { class: "problem", role: "alert" });
    const box = curlBox(() => {
      try {
        return curl(request());
      } catch {
        return "# The JSON is not valid yet.";
      }
    });
    const send = h("button", { type: "submit", class: bad ? "bad primary" : "primary" }, verb);
    const form = h(
      "form",
      {
        method: "dialog",
        onsubmit: async (event) => {
          event.preventDefault();
          if (!valid() || !form.reportValidity()) return;
          send.disabled = true;
          error.textContent = "";
          try {
            const response = await sendRequest(request());
            close();
            if (onSuccess) onSuccess(response);
          } catch (failed) {
            error.textContent = visible(failed.message);
            send.disabled = false;
          }
        },
        oninput: () => box.update(),
      },
      parts,
      error,
      box,
      h("p", { class: "buttons" }, button("Cancel", close), send),
    );
    return form;
  });
}
