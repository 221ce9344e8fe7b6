// A modal dialog with a form that sends one request.
import { h, button } from "./dom.js";
import { sendRequest, curl } from "./api.js";
import { curlBox, dialog } from "./dialog.js";

// parts: the form's fields; request(): the request to send; ok(answer): called after the request succeeded.
export function requestDialog(title, { parts, verb, bad, request, valid = () => true, ok }) {
  return dialog(title, (close) => {
    const error = h("p", { class: "problem", role: "alert" });
    const box = curlBox(() => {
      try {
        return curl(request());
      } catch {
        return "# The JSON is not complete yet.";
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
            const answer = await sendRequest(request());
            close();
            if (ok) ok(answer);
          } catch (failed) {
            error.textContent = failed.message;
            send.disabled = false;
          }
        },
        oninput: () => box.update(),
        onkeydown: (event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
        },
      },
      parts,
      error,
      box,
      h("p", { class: "buttons" }, button("Cancel", close), send),
    );
    return form;
  });
}
