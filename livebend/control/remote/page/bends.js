// Bends: the chain in its order, each with its faders; added, moved and removed by hand.

import * as show from "/remote/show.js";
import { button, control, fader, h, sync, toggle } from "/remote/controls.js";
import { mainOf } from "/remote/play.js";
import { close, pick } from "/remote/sheet.js";

const OWN = ["mix", "strength", "mute", "solo", "site", "channels", "normalise", "units"];

export function build(section) {
  const list = h("div", { class: "stack" });
  const none = h("p", { class: "none" }, "No bends: the network paints as it was trained.");
  section.replaceChildren(
    h("div", { class: "row" }, button("Add a bend", add, { class: "primary", "aria-label": "Add a bend" })),
    none, list);
  show.on("live", ({ bends }) => showStrengths(list, bends));
  return () => {
    const { bend, operators } = show.parts;
    none.hidden = bend.length > 0;
    sync(list, bend.map((name, index) => `${name} ${operators[index]}`), card);
  };
}

function card(key) {
  const [name, operator] = key.split(" ");
  const main = mainOf(name);
  const place = () => show.parts.bend.indexOf(name) + 1;
  const move = (way) => () => {
    const to = place() + way;
    if (to >= 1 && to <= show.parts.bend.length) show.send("bend.move", name, to);
  };
  const site = h("span", { class: "site" });
  const strength = h("div", { class: "strength" }, h("div", {}));
  const more = h("div", { class: "stack more", hidden: true });
  const unfold = button("More", () => {
    if (!more.children.length) more.append(...details(name));
    more.hidden = !more.hidden;
    unfold.setAttribute("aria-expanded", !more.hidden);
    unfold.textContent = more.hidden ? "More" : "Less";
  }, { "aria-expanded": false, "aria-label": `more of ${name}` });
  const made = h("article", { class: "card bend" },
    h("div", { class: "head" }, h("div", { class: "what" }, h("b", {}, name),
      h("span", {}, operator), site),
    button("↑", move(-1), { class: "icon", "aria-label": `${name} earlier` }),
    button("↓", move(1), { class: "icon", "aria-label": `${name} later` })),
    strength,
    ...[main, "mix"].filter((leaf, i, all) => all.indexOf(leaf) === i)
      .map((leaf) => fader(`bend.${name}.${leaf}`)),
    h("div", { class: "row" }, toggle(`bend.${name}.mute`), toggle(`bend.${name}.solo`), unfold,
      remover("bend", name)),
    more);
  made.dataset.bend = name;
  show.watch(`bend.${name}.site`, site, (now) => { site.textContent = `at ${now}`; });
  return made;
}

// Every parameter of a bend but those that are seen already.
function details(name) {
  const stem = `bend.${name}.`;
  const seen = [mainOf(name), "mix", "mute", "solo"];
  const leaves = [...show.params.keys()].filter((path) => path.startsWith(stem))
    .map((path) => path.slice(stem.length)).filter((leaf) => !seen.includes(leaf));
  const rank = (leaf) => leaf.startsWith("mask.") ? 2 : OWN.includes(leaf) ? 1 : 0;
  leaves.sort((a, b) => rank(a) - rank(b));
  const found = leaves.map((leaf) => leaf === "site"
    ? siteRow(stem) : control(stem + leaf, leaf.replace("mask.", "mask ")));
  if (show.choices?.uploads) found.push(maskRow(name));
  return found;
}

function siteRow(stem) {
  const now = h("span", {});
  const made = button("site ", () => pick("Site", sites(), (site) => {
    show.set(`${stem}site`, site);
    close();
  }), { class: "wide", "aria-label": `${stem}site` });
  made.append(now);
  show.watch(`${stem}site`, now, (site) => { now.textContent = site; });
  return made;
}

const DEPTHS = ["latent@0.8", "latent@0.5", "latent@1"];
const sites = () => (show.choices?.sites ?? [])
  .flatMap((site) => site === "latent" ? DEPTHS : [site]).map((site) => [site, site, ""]);

// A picture of the phone's as the mask: white bends, black does not.
function maskRow(name) {
  const says = h("span", { role: "status" });
  const file = h("input", { type: "file", accept: "image/png,image/jpeg,image/webp" });
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    says.textContent = "sending …";
    try {
      const kept = await show.sendMask(file.files[0]);
      show.send(`bend.${name}.mask.picture`, kept);
      show.send(`bend.${name}.mask.kind`, "picture");
      says.textContent = kept;
    } catch (why) {
      says.textContent = why.message;
    }
    file.value = "";
  });
  return h("label", { class: "upload" }, "Picture as mask …", file, says);
}

function showStrengths(list, bends) {
  for (const one of list.children) {
    const [strength, active, , note] = bends[one.dataset.bend] ?? [0, true, "", ""];
    one.classList.toggle("idle", !active);
    one.title = note ?? "";
    one.querySelector(".strength > div").style.transform = `scaleX(${Math.min(strength, 1)})`;
  }
}

// A button that takes a part away, which can be undone.
export function remover(kind, name, label = "Remove") {
  return button(label, () => {
    show.send(`${kind}.remove`, name);
    document.dispatchEvent(new CustomEvent("removed", { detail: name }));
  }, { class: label.length > 1 ? "danger" : "icon danger", "aria-label": `remove ${name}` });
}

// ---- adding one

function add() {
  const rows = (show.choices?.operators ?? []).map(
    (one) => [one.name, one.name, one.about, one.family]);
  pick("Add a bend", rows, (operator) => place(operator));
}

function place(operator) {
  const used = show.parts.bend.map((name) => show.values.get(`bend.${name}.site`));
  const first = [...new Set([...used, "latent@0.8"])].filter(Boolean);
  const rows = [...first.map((site) => [site, site, "", "where bends are, and the usual one"]),
    ...sites().filter(([site]) => !first.includes(site)).map(([site]) => [site, site, "", "all"])];
  pick(`${operator}: where?`, rows, (site) => {
    show.send("bend.add", freeName(operator), operator, site);
    close();
  });
}

export function freeName(stem, taken = show.parts.bend) {
  const base = stem.toLowerCase().replace(/[^a-z0-9_-]+/g, "-").replace(/^-|-$/g, "").slice(0, 48) || "one";
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? base : `${base}-${number}`;
    if (!taken.includes(name)) return name;
  }
}

