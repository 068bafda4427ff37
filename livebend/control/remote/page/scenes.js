// Scenes: a grid of slots, what a touch of one does, how scenes cross over, presets by name.

import * as show from "/remote/show.js";
import { button, choice, fader, h, sync } from "/remote/controls.js";

const SLOTS = 16;  // that are shown at once
// What a touch of a slot does: the trigger, its label, whether an empty slot takes it.
const MODES = [
  ["preset.recall", "Recall", false], ["crossfade.to", "Other side", false],
  ["preset.store", "Store", true], ["preset.clear", "Clear", false],
];

let mode = MODES[0];
let page = 0;
let slots = 0;  // the version of what they hold

export function build(section) {
  const modes = h("div", { class: "row modes" }, ...MODES.filter(([name]) => show.has(name)).map(
    ([name, label]) => button(label, () => take(section, name), {
      class: "toggle", value: name, "aria-label": label })));
  const grid = h("div", { class: "slots" });
  const pages = h("div", { class: "row pages" });
  const waiting = h("p", { class: "waiting", role: "status" });
  const other = h("span", {});
  const how = h("div", { class: "stack" });
  const names = h("div", { class: "chips" });
  section.replaceChildren(modes, grid, pages, waiting,
    h("div", { class: "row" }, ...["undo", "redo"].filter(show.has).map((name) => button(
      name === "undo" ? "Undo" : "Redo", () => show.send(name), { "aria-label": name }))),
    h("div", { class: "card" }, h("h2", {}, "Crossing over"), how),
    h("div", { class: "card" }, h("h2", {}, "Crossfader"), h("p", { class: "sides" },
      h("span", {}, "this scene"), other), ...["crossfade.position"].filter(show.has)
      .map((path) => fader(path, "crossfader"))),
    h("div", { class: "card" }, h("h2", {}, "Presets"), names), asText());
  const fill = () => {
    fillGrid(section, grid);
    fillPages(section, grid, pages);
    sync(names, show.choices?.presets.filter((name) => !name.startsWith("stored-")) ?? [],
      (name) => button(name, () => show.send(mode[2] ? "preset.recall" : mode[0], name), {
        class: "chip" }));
  };
  show.on("live", (now) => {
    waiting.textContent = now.waiting ? `waits for its beat: ${now.waiting}` : "";
    other.textContent = now.other || "nothing on the other side";
    if (now.slots !== slots) {
      slots = now.slots;
      show.askChoices().then(fill);
    }
  });
  return () => {
    sync(how, ["preset.fade", "preset.unit", "preset.quantise"].filter(show.has), crossing);
    take(section, mode[0]);
    fill();
  };
}

// The scene as text, to be sent to a friend, and a friend's to be pasted. Pages that are not from
// this machine may not reach the clipboard by themselves: what is selected may be copied.
function asText() {
  const text = h("textarea", { rows: 5, spellcheck: false, "aria-label": "a scene as text",
    placeholder: "a scene as text" });
  const said = h("p", { class: "waiting", role: "status" });
  const say = (what) => { said.textContent = what; };
  const copy = async () => {
    text.value = await show.sceneText();
    text.focus();
    text.select();
    say(document.execCommand("copy") ? "copied" : "selected: copy it");
  };
  const load = async () => say(`in slot ${await show.pasteScene(text.value)}`);
  const trying = (act) => () => act().catch((why) => say(why.message));
  return h("div", { class: "card" }, h("h2", {}, "As text"), text, h("div", { class: "row" },
    button("Copy this scene", trying(copy)), button("Load", trying(load))), said);
}

const NAMES = { "preset.fade": "time", "preset.unit": "counted in", "preset.quantise": "begins on" };
const crossing = (path) => (path === "preset.fade" ? fader : choice)(path, NAMES[path]);
const count = () => show.choices?.most.slots ?? 0;

// A touch of a slot does this from now on.
function take(section, name) {
  mode = MODES.find(([one]) => one === name);
  section.dataset.mode = name;
  for (const one of section.querySelectorAll(".modes button")) {
    one.setAttribute("aria-pressed", one.value === name);
  }
}

function fillPages(section, grid, pages) {
  const all = Math.ceil(count() / SLOTS);
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
    const [name, title] = show.choices?.slots[one.dataset.slot] ?? ["", ""];
    one.classList.toggle("empty", !name);
    one.dataset.title = title;
    one.lastChild.textContent = title || name || "empty";
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

// Store and clear are done once: the next touch recalls again.
function touch(section, made, slot) {
  const [name, , takesEmpty] = mode;
  if (made.classList.contains("empty") && !takesEmpty) return;
  show.send(name, slot);
  if (name === "preset.recall" || name === "preset.store") {
    for (const one of made.parentElement.children) one.classList.toggle("now", one === made);
  }
  if (name !== "preset.recall" && name !== "crossfade.to") take(section, "preset.recall");
}
