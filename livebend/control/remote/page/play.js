// Play: the prompt, an XY pad, the faders that matter most, the tempo.

import * as show from "/remote/show.js";
import { button, fader, field, h, maybe, pad, sync } from "/remote/controls.js";
import { shown } from "/remote/ranges.js";
import { close, pick } from "/remote/sheet.js";

const AXES = "livebend.axes";
const ALWAYS = ["prompt.blend", "walk.radius", "output.brightness"];

export function build(section) {
  const prompt = h("div", { class: "card" }, promptBox());
  const axes = h("div", { class: "axes" });
  const faders = h("div", { class: "stack" });
  const tempo = h("div", { class: "row tempo" }, ...["tap", "resync", "half", "double"]
    .filter(show.has).map((name) => button(
      name === "tap" ? "Tap" : name, () => show.send(name), { class: name, "aria-label": name })));
  section.replaceChildren(prompt, h("div", { class: "card" }, axes), faders,
    h("div", { class: "card" }, h("h2", {}, "Tempo"), tempo, ...tempoFaders()));
  return () => {
    fillPad(axes);
    sync(faders, mains(), (path) => fader(path, labelOf(path)));
  };
}

const tempoFaders = () => ["tempo.shift"].map((path) => maybe(path, "nudge")).filter(Boolean);
const labelOf = (path) => path.replace(/^bend\.|^output\./, "").replaceAll(".", " ");

// The main parameter of each bend, LoRAs, and what every scene has.
export function mains() {
  const bends = show.parts.bend.map((name) => `bend.${name}.${mainOf(name)}`);
  const loras = show.parts.lora.map((name) => `lora.${name}.strength`);
  return [...bends, ...loras, ...ALWAYS].filter((path) => show.params.get(path)?.soft);
}

export function mainOf(name) {
  const operator = show.parts.operators[show.parts.bend.indexOf(name)];
  return show.choices?.operators.find((one) => one.name === operator)?.main ?? "mix";
}

export function promptBox() {
  const box = field("prompt.text", "prompt", { enterkeyhint: "send" });
  box.classList.add("prompt");
  const line = box.querySelector("input");
  box.append(button("Paint", () => {
    show.set("prompt.text", line.value);
    line.blur();
  }, { class: "primary", "aria-label": "Paint the prompt" }));
  return box;
}

// The pad's parameters: those that were chosen here, where the scene has them.
function axesNow() {
  const kept = JSON.parse(localStorage.getItem(AXES) ?? "[]");
  const usual = mains();
  const found = kept.filter((path) => show.params.get(path)?.soft);
  for (const path of [...usual, "walk.period"]) {
    if (found.length < 2 && !found.includes(path)) found.push(path);
  }
  return found.slice(0, 2);
}

function fillPad(axes) {
  const now = axesNow();
  if (axes.dataset.of === now.join()) return;
  axes.dataset.of = now.join();
  const choose = (index) => {
    const value = h("output", {});
    const spec = show.params.get(now[index]);
    const made = button("", () => pick(`${"XY"[index]} of the pad`, numbers(), (path) => {
      const chosen = [...now];
      chosen[index] = path;
      localStorage.setItem(AXES, JSON.stringify(chosen));
      close();
      fillPad(axes);
    }), { class: "axis", "aria-label": `${"xy"[index]} of the pad: ${now[index]}` });
    made.append(h("span", {}, `${"↔↕"[index]} ${now[index].replace("bend.", "")}`), value);
    show.watch(now[index], value, (is) => { value.textContent = shown(spec, is); });
    return made;
  };
  axes.replaceChildren(pad(...now), h("div", { class: "row" }, choose(0), choose(1)));
}

// Everything a fader can move, for lists to pick from.
export function numbers() {
  return [...show.params.values()].filter((one) => one.soft && one.access === "value")
    .map((one) => [one.path, one.path, one.about]);
}

