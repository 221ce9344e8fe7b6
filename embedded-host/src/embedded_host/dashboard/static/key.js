/** @file The access key, if the host requires keys. It is stored until the tab is closed. */
import { h, button, field, textInput } from "./dom.js";
import { dialog } from "./dialog.js";

const NAME = "x-functions-key";
let pendingPrompt = null;
const storedKey = () => sessionStorage.getItem(NAME);
export const keyHeader = () => (storedKey() ? { [NAME]: storedKey() } : {});

/** Call fetch() with the key. If the host refuses the request, prompt for a key and retry. */
export async function fetchWithKey(path, options) {
  const sent = storedKey();
  const response = await fetch(path, {
    ...options,
    headers: { ...options.headers, ...keyHeader() },
  });
  if (response.status !== 401 && !(response.status === 403 && path.includes("/dashboard/api")))
    return response;
  // Another request may have stored a new key while this one ran.
  if (storedKey() === sent) await (pendingPrompt ||= promptForKey(sent));
  return storedKey() === sent ? response : fetchWithKey(path, options);
}

/** Move the key from the URL to sessionStorage. The host prints a link with "#code=KEY". */
export function storeKeyFromUrl() {
  const [, code] = /^#code=(.+)/.exec(location.hash) || [];
  if (!code) return;
  sessionStorage.setItem(NAME, decodeURIComponent(code));
  history.replaceState(null, "", "#/instances");
}

function promptForKey(rejectedKey) {
  const input = textInput({ type: "password", required: true });
  return new Promise((resolve) => {
    const node = dialog("This host requires a key", (close) =>
      h(
        "form",
        { method: "dialog", onsubmit: () => sessionStorage.setItem(NAME, input.value.trim()) },
        rejectedKey && h("p", { class: "problem", role: "alert" }, "The host rejected this key."),
        field(
          "Key",
          input,
          "Run “embedded-host keys list” to get a key. The key is stored until this tab is closed.",
        ),
        h(
          "p",
          { class: "buttons" },
          button("Cancel", close),
          h("button", { class: "primary" }, "Continue"),
        ),
      ),
    );
    node.addEventListener("close", () => {
      pendingPrompt = null;
      resolve();
    });
  });
}
