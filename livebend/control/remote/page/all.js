// All: everything in the tree, found by a search.

import * as show from "/remote/show.js";
import { button, control, h } from "/remote/controls.js";

const MOST = 60;  // that are shown at once

export function build(section) {
  const search = h("input", {
    type: "search", placeholder: "Search all parameters", "aria-label": "Search all parameters",
    autocapitalize: "off", autocomplete: "off",
  });
  const list = h("div", { class: "stack found" });
  let most = MOST;
  let made = "";
  const fill = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = [...show.params.values()].filter((one) => {
      const text = `${one.path} ${one.about}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
    const shown = found.slice(0, most);
    const now = shown.map((one) => one.path).join();
    if (now === made) return;
    made = now;
    const rest = found.length - shown.length;
    list.replaceChildren(...rows(shown), rest > 0 ? button(`${rest} more`, () => {
      most += MOST;
      fill();
    }) : "");
  };
  search.addEventListener("input", () => {
    most = MOST;
    fill();
  });
  section.replaceChildren(h("div", { class: "search" }, search), list);
  return fill;
}

// Controls with a heading for each part of the tree.
function rows(found) {
  const made = [];
  let group = null;
  for (const { path } of found) {
    const of = path.split(".").slice(0, -1).join(".");
    if (of !== group) made.push(h("h2", {}, of || "scene"));
    group = of;
    made.push(control(path));
  }
  return made;
}
