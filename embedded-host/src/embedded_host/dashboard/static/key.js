// The host's key, where it wants one: asked for once, and kept until the tab is closed.
import { h, button, field, text } from "./dom.js";
import { dialog } from "./dialog.js";

const NAME = "x-functions-key";
let asking = null;
const known = () => sessionStorage.getItem(NAME);
export const keyHeader = () => (known() ? { [NAME]: known() } : {});

// fetch with the key
export async function send(path, options) {
  const sent = known();
  const response = await fetch(path, { ...options, headers: { ...options.headers, ...keyHeader() } });
  if (response.status !== 401 && !(response.status === 403 && path.startsWith("/dashboard"))) return response;
  if (known() === sent) await (asking ||= ask(sent)); // else it was told meanwhile
  return known() === sent ? response : send(path, options);
}

// "#code=KEY", as the host prints its link, is taken out of the address.
export function takeKey() {
  const [, code] = /^#code=(.+)/.exec(location.hash) || [];
  if (!code) return;
  sessionStorage.setItem(NAME, decodeURIComponent(code));
  history.replaceState(null, "", "#/instances");
}

function ask(wrong) {
  const input = text({ type: "password", required: true });
  return new Promise((resolve) => {
    const node = dialog("This host asks for a key", (close) =>
      h(
        "form",
        { method: "dialog", onsubmit: () => sessionStorage.setItem(NAME, input.value.trim()) },
        wrong && h("p", { class: "problem", role: "alert" }, "The host does not take this key."),
        field("Key", input, "embedded-host keys list shows it. It is kept until this tab is closed."),
        h("p", { class: "buttons" }, button("Cancel", close), h("button", { class: "primary" }, "Go on")),
      ),
    );
    node.addEventListener("close", () => {
      asking = null;
      resolve();
    });
  });
}
