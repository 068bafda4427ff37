// The page: pairing, what is always seen (picture, meters, rescue), and the sections.

import * as show from "/remote/show.js";
import { button, h, showDriven } from "/remote/controls.js";
import * as play from "/remote/play.js";
import * as scenes from "/remote/scenes.js";
import * as bends from "/remote/bends.js";
import * as routes from "/remote/routes.js";
import * as mix from "/remote/mix.js";
import * as all from "/remote/all.js";

const SECTIONS = { play, scenes, bends, routes, mix, all };
const LABELS = { play: "Play", scenes: "Scenes", bends: "Bends", routes: "Routes", mix: "Prompts", all: "All" };
const TAB = "livebend.tab";
const SIDE = ["scenes", "mix", "all"];  // which of them are beside the others, where there is room
const READ = 7000;  // ms that a notice is seen
const $ = (id) => document.getElementById(id);
const wide = matchMedia("(min-width: 1000px)");  // several sections at once

// ---- pairing

$("pair").addEventListener("submit", (event) => {
  event.preventDefault();
  give($("code").value.replace(/\D/g, ""));
});

async function give(code) {
  $("pair-says").textContent = "";
  const why = await show.pair(code);
  if (why) {
    $("pair-says").textContent = why;
    $("code").select();
    return;
  }
  show.open();
}

// An address with the code behind # pairs at once; it is not kept in the address.
const given = location.hash.replace(/\D/g, "");
if (given) history.replaceState(null, "", location.pathname);

show.on("state", (state) => {
  document.body.dataset.state = state;
  $("link").textContent = state === "on" ? "" : "no show – trying again";
  if (state === "pair") $("code").focus();
});

// ---- sections

const fills = {};
const stale = new Set(Object.keys(SECTIONS));
let tab = localStorage.getItem(TAB) ?? "play";
let side = SIDE.includes(tab) ? tab : "scenes";

for (const [name, label] of Object.entries(LABELS)) {
  const made = button(label, () => turn(name), { "aria-controls": name });
  made.dataset.tab = name;
  document.querySelector("nav").append(made);
}

function turn(name) {
  tab = name in SECTIONS ? name : "play";
  side = SIDE.includes(tab) ? tab : side;
  localStorage.setItem(TAB, tab);
  for (const one of document.querySelectorAll("nav button")) {
    one.setAttribute("aria-current", isSeen(one.dataset.tab) ? "page" : "false");
  }
  for (const section of document.querySelectorAll("main > section")) {
    section.classList.toggle("current", isSeen(section.id));
  }
  renew();
}

const isSeen = (name) => wide.matches ? !SIDE.includes(name) || name === side : name === tab;

// Build and fill the sections that are seen, where the structure has changed since.
function renew() {
  if (!show.params.size) return;
  for (const name of [...stale]) {
    if (!isSeen(name)) continue;
    stale.delete(name);
    fills[name] ??= SECTIONS[name].build($(name));
    fills[name]();
  }
}

show.on("structure", () => {
  for (const name of Object.keys(SECTIONS)) stale.add(name);
  renew();
  bindRescue();
});
wide.addEventListener("change", () => turn(tab));

// ---- the picture

const canvas = document.querySelector("#preview canvas");
show.on("picture", async (bytes) => {
  const picture = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
  if (canvas.width !== picture.width || canvas.height !== picture.height) {
    [canvas.width, canvas.height] = [picture.width, picture.height];
  }
  canvas.getContext("2d").drawImage(picture, 0, 0);
  picture.close();
});
$("preview").addEventListener("click", () => document.body.classList.toggle("large"));

// ---- meters

const METERS = ["rms", "low", "mid", "high", "flux"];
const LAMPS = ["beat", "kick", "snare", "hat"];
const bars = METERS.map((name) => h("div", { class: "meter" }, h("i", {}), h("span", {}, name)));
const lamps = LAMPS.map((name) => h("div", { class: "lamp" }, h("i", {}), h("span", {}, name)));
$("meters").append(...bars, h("div", { class: "lamps" }, ...lamps));
let counted = {};

show.on("live", (now) => {
  for (const [index, name] of METERS.entries()) {
    bars[index].firstChild.style.transform = `scaleY(${now.levels[`meter.${name}`] ?? 0})`;
  }
  for (const [index, name] of LAMPS.entries()) {
    const lamp = lamps[index].firstChild;
    if (now.hits[name] > (counted[name] ?? Infinity)) {
      lamp.getAnimations().forEach((one) => one.cancel());
      lamp.animate([{ opacity: 1 }, { opacity: 0.15 }], { duration: 320, easing: "ease-out" });
    }
  }
  counted = now.hits;
  $("title").textContent = now.title || "livebend";
  $("link").textContent = now.recording ? `● ${now.recording}` : "";
  $("figures").textContent = [`${now.fps.toFixed(0)} fps`, `${now.ms.toFixed(0)} ms`,
    now.bpm ? `${now.bpm.toFixed(1)} bpm` : "", now.silent ? "silence" : ""]
    .filter(Boolean).join("   ");
  showDriven(now.driven);
  showNotices(now.notices);
});

// ---- rescue

let bound = false;

function bindRescue() {
  if (bound) return;
  bound = true;
  for (const name of ["blackout", "freeze"]) {
    $(name).addEventListener("click", () => {
      const on = $(name).getAttribute("aria-pressed") !== "true";
      show.send(name, on);
      press(name, on);
    });
    show.watch(`output.${name}`, $(name), (on) => press(name, on));
  }
  $("panic").addEventListener("click", () => show.send("panic"));
}

function press(name, on) {
  $(name).setAttribute("aria-pressed", on);
  const black = $("blackout").getAttribute("aria-pressed") === "true";
  const frozen = $("freeze").getAttribute("aria-pressed") === "true";
  $("over").textContent = black ? "black" : frozen ? "frozen" : "";
}

// ---- notices

let newest = null;

function showNotices(notices) {
  const last = notices.at(-1)?.[0] ?? 0;
  if (newest === null || last < newest) newest = last;  // those from before are old
  for (const [time, level, text] of notices) {
    if (time <= newest) continue;
    const one = h("button", { type: "button", class: `notice ${level}`, onclick: () => one.remove() }, text);
    $("notices").append(one);
    while ($("notices").children.length > 2) $("notices").firstChild.remove();
    setTimeout(() => one.remove(), READ);
  }
  newest = Math.max(newest, last);
}

// What was taken away can be brought back for as long as it is said.
document.addEventListener("removed", ({ detail: name }) => {
  const one = h("div", { class: "notice undo" }, h("span", {}, `${name} removed`),
    button("Undo", () => {
      show.send("undo");
      one.remove();
    }));
  $("notices").append(one);
  setTimeout(() => one.remove(), READ);
});

// ---- begin

turn(tab);
if (given) give(given);
else show.open();
