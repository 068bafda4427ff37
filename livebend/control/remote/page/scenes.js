// Scenes: a grid of slots to recall and to store in, the crossfader, presets by name.

import * as show from "/remote/show.js";
import { button, choice, h, maybe, sync } from "/remote/controls.js";

const SLOTS = 16;  // that are shown at once

let storing = false;
let page = 0;

export function build(section) {
  const grid = h("div", { class: "slots" });
  const pages = h("div", { class: "row pages" });
  const store = button("Store", () => arm(section, !storing), {
    class: "store", "aria-pressed": false, "aria-label": "Store in the slot that is touched next",
  });
  const how = h("div", { class: "stack" });
  const names = h("div", { class: "chips" });
  section.replaceChildren(
    h("div", { class: "row" }, store,
      button("Undo", () => show.send("undo"), { "aria-label": "undo" }),
      show.has("redo") ? button("Redo", () => show.send("redo"), { "aria-label": "redo" }) : null),
    grid, pages, h("div", { class: "card" }, h("h2", {}, "Crossing over"), how),
    h("div", { class: "card" }, h("h2", {}, "Presets"), names));
  const fill = () => {
    fillGrid(section, grid);
    fillPages(section, grid, pages);
    sync(names, show.choices?.presets.filter((name) => !name.startsWith("stored-")) ?? [],
      (name) => button(name, () => show.send("preset.recall", name), { class: "chip" }));
  };
  show.on("live", ({ title }) => markTitle(grid, names, title));
  return () => {
    sync(how, ["preset.fade", "preset.unit", "preset.quantise", "crossfade.to",
      "crossfade.position"].filter(show.has), crossing);
    fill();
    show.askChoices().then(fill);
  };
}

const NAMES = { "preset.fade": "time", "preset.unit": "in", "preset.quantise": "begins on",
  "crossfade.to": "to", "crossfade.position": "crossfader" };

function crossing(path) {
  return show.params.get(path).choices ? choice(path, NAMES[path]) : maybe(path, NAMES[path]);
}

// How many slots there are: as many as can be stored in.
const count = () => show.choices?.most.slots ?? 0;

function fillPages(section, grid, pages) {
  const all = Math.ceil(count() / SLOTS);
  pages.hidden = all < 2;
  sync(pages, all < 2 ? [] : [...Array(all).keys()], (index) => button(
    `${index * SLOTS + 1}–${Math.min((index + 1) * SLOTS, count())}`, () => {
      page = index;
      fillGrid(section, grid);
      for (const [at, one] of [...pages.children].entries()) {
        one.setAttribute("aria-pressed", at === page);
      }
    }, { class: "toggle", "aria-pressed": index === page }));
}

function fillGrid(section, grid) {
  const first = page * SLOTS + 1;
  const last = Math.min(first + SLOTS - 1, count());
  const keys = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  sync(grid, keys, (slot) => slotButton(section, slot));
  for (const one of grid.children) {
    const name = show.choices?.slots[one.dataset.slot] ?? "";
    one.classList.toggle("empty", !name);
    one.dataset.name = name;
    one.lastChild.textContent = name.replace(/^stored-\d+$/, "stored") || "empty";
  }
}

function slotButton(section, slot) {
  const made = button("", () => touch(section, made, slot), {
    class: "slot", "aria-label": `slot ${slot}`,
  });
  made.dataset.slot = slot;
  made.append(h("b", {}, String(slot)), h("span", {}));
  return made;
}

function touch(section, made, slot) {
  if (!storing) {
    if (made.classList.contains("empty")) return;
    show.send("preset.recall", slot);
    return mark(made.parentElement, made);
  }
  show.send(show.has("preset.store") ? "preset.store" : "store", slot);
  arm(section, false);
  made.classList.remove("empty");
  made.dataset.name = `stored-${slot}`;
  made.lastChild.textContent = "stored";
  mark(made.parentElement, made);
}

function mark(grid, made) {
  for (const one of grid.children) one.classList.toggle("now", one === made);
}

function markTitle(grid, names, title) {
  for (const one of names.children) {
    one.classList.toggle("now", one.textContent === title.toLowerCase());
  }
}

function arm(section, on) {
  storing = on;
  section.classList.toggle("storing", on);
  section.querySelector(".store").setAttribute("aria-pressed", on);
}
