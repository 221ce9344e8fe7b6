/** @file Downloads of whole values, of which the page has only the start. */
import { toast } from "./dom.js";
import { DASHBOARD_API, queryString } from "./api.js";
import { fetchWithKey } from "./key.js";
import { save } from "./values.js";

/** Download a part of an instance: {part: "output"}, or {event, field} for a history event. */
export async function downloadPart(id, part, label) {
  try {
    const path = `${DASHBOARD_API}/value${queryString({ id, ...part })}`;
    const response = await fetchWithKey(path, {});
    if (!response.ok) throw Error(`The host responded with status ${response.status}.`);
    save(await response.blob(), label);
  } catch (error) {
    toast(`The download failed: ${error.message}`, true);
  }
}
