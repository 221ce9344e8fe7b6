/** @file The tree of an instance: its children and entities. */
import {
  h,
  badge,
  entityLink,
  failure,
  instanceLink,
  notice,
  plural,
  quiet,
  replace,
} from "./dom.js";
import { durationText, withTimeElements } from "./time.js";
import { getFromDashboard, isLive } from "./api.js";

/** Return the view. update(model, events, row) reads the tree again after a change. */
export function treeView() {
  const node = h("div", { class: "tree" });
  let mark = "",
    pending = false;

  async function update(model, events, row) {
    if (pending || (mark === row.known && !isLive(row.status))) return;
    pending = true;
    try {
      const tree = await getFromDashboard(`instances/${encodeURIComponent(row.id)}/tree`);
      mark = row.known;
      draw(tree);
    } catch (error) {
      replace(node, failure(error));
    }
    pending = false;
  }
  function draw(tree) {
    const hasParts = tree.children?.length || tree.entities?.length;
    replace(
      node,
      hasParts
        ? h("ul", null, branch(tree))
        : notice("There are no children", "The instance has no sub-orchestrations and entities."),
      tree.truncated > 0 && quiet(`${plural(tree.truncated, "more instance")} not shown`),
    );
  }
  return { node, update };
}

function branch(tree) {
  const { instanceId, name, runtimeStatus, createdTime, lastUpdatedTime, waitsFor, error } = tree;
  const { children = [], entities = [] } = tree;
  const until = isLive(runtimeStatus) ? Date.now() : Date.parse(lastUpdatedTime);
  const line = [
    runtimeStatus ? badge(runtimeStatus) : quiet("purged"),
    " ",
    h("b", null, name),
    " ",
    instanceLink(instanceId),
    lastUpdatedTime && quiet(` ${durationText(until - Date.parse(createdTime))}`),
    waitsFor && h("div", { class: "waits" }, withTimeElements(`waits for ${waitsFor}`)),
    error && h("div", { class: "waits problem" }, error),
  ];
  const parts = [
    ...children.map(branch),
    ...entities.map(({ id, state, waiting }) =>
      h(
        "li",
        null,
        quiet("Entity "),
        entityLink(id),
        waiting && quiet(withTimeElements(` ${waiting}`)),
        (state ?? null) !== null && quiet(" ", h("code", null, shortState(state))),
      ),
    ),
  ];
  return h("li", null, line, parts.length > 0 && h("ul", null, parts));
}

const shortState = (state) =>
  (typeof state === "string" ? state : JSON.stringify(state)).slice(0, 100);
