// The host's access key, if it requires one: requested once, and kept until the tab is closed.
import { h, button, field, textInput } from "./dom.js";
import { dialog } from "./dialog.js";

const NAME = "x-functions-key";
let pendingPrompt = null;
const storedKey = () => sessionStorage.getItem(NAME);
export const keyHeader = () => (storedKey() ? { [NAME]: storedKey() } : {});

// fetch() with the key. Prompts for a key if the host refuses the request.
export async function fetchWithKey(path, options) {
  const sent = storedKey();
  const response = await fetch(path, {
    ...options,
    headers: { ...options.headers, ...keyHeader() },
  });
  if (response.status !== 401 && !(response.status === 403 && path.startsWith("/dashboard")))
    return response;
  // Another request may have stored a key meanwhile.
  if (storedKey() === sent) await (pendingPrompt ||= promptForKey(sent));
  return storedKey() === sent ? response : fetchWithKey(path, options);
}

// Move the key of the link that the host prints ("#code=KEY") from the address to the session's storage.
export function storeKeyFromUrl() {
  const [, code] = /^#code=(.+)/.exec(location.hash) || [];
  if (!code) return;
  sessionStorage.setItem(NAME, decodeURIComponent(code));
  history.replaceState(null, "", "#/instances");
}

function promptForKey(wrong) {
  const input = textInput({ type: "password", required: true });
  return new Promise((resolve) => {
    const node = dialog("This host asks for a key", (close) =>
      h(
        "form",
        { method: "dialog", onsubmit: () => sessionStorage.setItem(NAME, input.value.trim()) },
        wrong && h("p", { class: "problem", role: "alert" }, "The host does not take this key."),
        field(
          "Key",
          input,
          "embedded-host keys list shows it. It is kept until this tab is closed.",
        ),
        h(
          "p",
          { class: "buttons" },
          button("Cancel", close),
          h("button", { class: "primary" }, "Go on"),
        ),
      ),
    );
    node.addEventListener("close", () => {
      pendingPrompt = null;
      resolve();
    });
  });
}
