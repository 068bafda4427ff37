// Prompts: the first one and its second, and the mixer with a fader for each.

import * as show from "/remote/show.js";
import { control, fader, field, h, maybe, sync } from "/remote/controls.js";
import { freeName, remover } from "/remote/bends.js";
import { promptBox } from "/remote/play.js";

export function build(section) {
  const mixed = h("div", { class: "stack" });
  const line = h("input", {
    "aria-label": "Another prompt", placeholder: "another prompt", enterkeyhint: "done",
    autocapitalize: "off", autocomplete: "off",
  });
  const adding = h("form", {
    class: "row", onsubmit: (event) => {
      event.preventDefault();
      const text = line.value.trim();
      if (!text) return;
      show.send("prompt.mix.add", freeName(text.split(/\s+/)[0], show.parts["prompt.mix"]), text,
        "weight", 0);
      line.value = "";
      line.blur();
    },
  }, line, h("button", { class: "primary", "aria-label": "Add the prompt" }, "Add"));
  section.replaceChildren(
    h("div", { class: "card" }, promptBox(), weight("prompt.weight", "weight of the first")),
    h("div", { class: "card" }, h("h2", {}, "Mixer"), mixed, adding),
    h("div", { class: "card" }, h("h2", {}, "On the way"), field("prompt.to", "second prompt"),
      fader("prompt.blend", "blend"), fader("prompt.fade", "fade"),
      ...["prompt.mixing", "prompt.negative", "prompt.turns", "prompt.every"]
        .map((path) => maybe(path)).filter(Boolean)));
  return () => sync(mixed, show.parts["prompt.mix"], card);
}

const weight = (path, label) => show.has(path) ? control(path, label) : null;

function card(name) {
  const stem = `prompt.mix.${name}.`;
  return h("div", { class: "mixed" }, fader(`${stem}weight`, name),
    h("div", { class: "row" }, field(`${stem}text`, ""),
      remover("prompt.mix", name, "×")));
}
