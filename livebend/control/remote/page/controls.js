// Elements by which parameters are played: faders, XY pads, switches, choices, texts.

import * as show from "/remote/show.js";
import { fromUnit, shown, toUnit } from "/remote/ranges.js";
import { sheetOf } from "/remote/sheet.js";

const HOLD = 500;  // ms for which a fader that was let go is not moved by others
const LONG = 450;  // ms that a finger rests for the sheet of a parameter
const TWICE = 320;  // ms between two taps
const SLOP = 8;  // px that a finger moves before it drags
const FINE = [[150, 1 / 16], [70, 1 / 4]];  // px away from the fader, and how fine it is there

// ---- elements

export function h(tag, more = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(more)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class") made.className = value;
    else if (key in made && key !== "list" && key !== "form") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...inside.filter((one) => one !== null && one !== undefined && one !== false));
  return made;
}

// Keeps a list's elements by key, so that one that is dragged stays while others come and go.
export function sync(list, keys, make) {
  list.known ??= new Map();
  const wanted = keys.map((key) => {
    if (!list.known.has(key)) list.known.set(key, make(key));
    return list.known.get(key);
  });
  for (const key of list.known.keys()) if (!keys.includes(key)) list.known.delete(key);
  const now = [...list.children];
  if (now.length !== wanted.length || wanted.some((one, i) => one !== now[i])) {
    list.replaceChildren(...wanted);
  }
}

export function button(label, act, more = {}) {
  return h("button", { type: "button", onclick: act, ...more }, label);
}

// The part of a path that tells it apart within its card.
const short = (path) => path.split(".").at(-1);

// ---- gestures

// The click that ends a long press belongs to nothing that has come up under the finger.
function swallow() {
  const stop = (event) => {
    event.stopPropagation();
    event.preventDefault();
  };
  document.addEventListener("click", stop, true);
  const lifted = () => setTimeout(() => document.removeEventListener("click", stop, true), 80);
  for (const how of ["pointerup", "pointercancel"]) {
    document.addEventListener(how, lifted, { capture: true, once: true });
  }
}

// Tells taps, double taps, long presses and drags apart. Scrolling stays the browser's.
function gestures(element, { down, drag, up, twice, long }) {
  let start = null;
  let timer = 0;
  let last = -TWICE;
  const end = () => {
    clearTimeout(timer);
    if (start?.drags) up?.();
    start = null;
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.button || start) return;
    start = { x: event.clientX, y: event.clientY, id: event.pointerId, drags: false };
    timer = setTimeout(() => {
      if (!start || start.drags || !long) return;
      start = null;
      swallow();
      long();
    }, LONG);
    down?.(event);
  });
  element.addEventListener("pointermove", (event) => {
    if (!start || event.pointerId !== start.id) return;
    if (!start.drags && Math.hypot(event.clientX - start.x, event.clientY - start.y) < SLOP) return;
    if (!start.drags) {
      clearTimeout(timer);
      start.drags = true;
      start.ours = getComputedStyle(element).touchAction === "none" ||
        Math.abs(event.clientX - start.x) >= Math.abs(event.clientY - start.y);
      start.last = event.clientX;
      element.setPointerCapture(event.pointerId);
    }
    drag?.(event, event.clientX - start.last);
    start.last = event.clientX;
  });
  // A browser that is not told so takes a quick drag for the push of a page that then glides on,
  // and the next tap for the finger that stops it: Blackout would be lost.
  element.addEventListener("touchmove", (event) => {
    if (start?.ours && event.cancelable) event.preventDefault();
  }, { passive: false });
  element.addEventListener("pointerup", (event) => {
    if (start && !start.drags) {
      if (event.timeStamp - last < TWICE) twice?.();
      last = event.timeStamp;
    }
    end();
  });
  element.addEventListener("pointercancel", end);
}

// ---- faders

// A fader: drag from where it is; away from it, finer. Two taps: the default. Hold: its sheet.
export function fader(path, label = short(path)) {
  const spec = show.params.get(path);
  const zero = spec.soft[0] < 0 && spec.soft[1] > 0 ? toUnit(spec, 0) : 0;
  const fill = h("div", { class: "fill" });
  const edge = h("div", { class: "edge" });
  const driven = h("div", { class: "driven", hidden: true });
  const value = h("output", { class: "value" });
  const made = h("div", {
    class: "fader", role: "slider", tabIndex: 0, title: spec.about,
    "aria-label": `${path}`, "aria-valuemin": spec.soft[0], "aria-valuemax": spec.soft[1],
  }, fill, edge, driven, h("span", { class: "name" }, label), value);
  made.dataset.path = path;
  let at = 0;
  let held = 0;  // until when others do not move it, ms
  const place = (position) => {
    at = position;
    fill.style.transform =
      `translateX(${100 * Math.min(at, zero)}%) scaleX(${Math.abs(at - zero)})`;
    edge.style.transform = `translateX(calc(${at} * (100% - 3px)))`;
  };
  const draw = (now) => {
    place(toUnit(spec, now));
    value.textContent = shown(spec, now);
    made.setAttribute("aria-valuenow", now);
    made.setAttribute("aria-valuetext", value.textContent);
  };
  const move = (position) => {
    const now = fromUnit(spec, position);
    held = Infinity;
    show.set(path, now);
    draw(now);
    if (spec.type !== "int") place(Math.min(Math.max(position, 0), 1));
  };
  const release = () => {
    held = performance.now() + HOLD;
    setTimeout(() => {
      if (performance.now() >= held && made.isConnected) draw(show.values.get(path));
    }, HOLD + 20);
  };
  let wanted = 0;  // where the finger is, also between two whole numbers
  gestures(made, {
    down: () => { wanted = at; },
    drag: (event, dx) => {
      const box = made.getBoundingClientRect();
      const away = Math.max(box.top - event.clientY, event.clientY - box.bottom, 0);
      const [, fine] = FINE.find(([px]) => away > px) ?? [0, 1];
      made.dataset.fine = fine < 1 ? `1/${1 / fine}` : "";
      wanted = Math.min(Math.max(wanted + fine * dx / box.width, 0), 1);
      made.classList.add("held");
      move(wanted);
    },
    up: () => {
      made.classList.remove("held");
      made.dataset.fine = "";
      release();
    },
    twice: () => {
      show.set(path, spec.default);
      draw(spec.default);
      release();
    },
    long: () => sheetOf(path),
  });
  made.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (event.key === "Enter") return sheetOf(path);
    if (!step) return;
    event.preventDefault();
    const whole = spec.type === "int" ? 1 / (spec.soft[1] - spec.soft[0]) : 0.01;
    move(at + step * Math.max(whole, event.shiftKey ? 0.001 : 0.01));
    release();
  });
  show.watch(path, made, (now) => {
    if (performance.now() >= held) draw(now);
  });
  made.showDriven = (now) => {
    driven.hidden = now === undefined;
    const there = now === undefined ? 0 : toUnit(spec, now);
    driven.style.transform = `translateX(calc(${there} * (100% - 8px)))`;
  };
  return made;
}

// Where routes play the faders that are seen.
export function showDriven(all) {
  for (const one of document.querySelectorAll(".fader")) {
    const now = all[one.dataset.path];
    if (now === undefined && one.isDriven === undefined) continue;
    one.isDriven = now;
    if (one.offsetParent) one.showDriven(now);
  }
}

// ---- XY pads

const RIM = 22;  // px round a pad, so that its dot is whole at the ends
const along = (position) => `calc(${RIM}px + ${position} * (100% - ${2 * RIM}px))`;

export function pad(pathX, pathY) {
  const [x, y] = [show.params.get(pathX), show.params.get(pathY)];
  const dot = h("div", { class: "dot" });
  const made = h("div", {
    class: "pad", role: "group", tabIndex: 0, "aria-label": `${pathX} and ${pathY}`,
  }, dot);
  let held = 0;
  const draw = () => {
    const [nowX, nowY] = [show.values.get(pathX), show.values.get(pathY)];
    if (nowX === undefined || nowY === undefined) return;
    dot.style.left = along(toUnit(x, nowX));
    dot.style.top = along(1 - toUnit(y, nowY));
  };
  const move = (event) => {
    const box = made.getBoundingClientRect();
    const at = (px, size) => (px - RIM) / (size - 2 * RIM);
    show.set(pathX, fromUnit(x, at(event.clientX - box.left, box.width)));
    show.set(pathY, fromUnit(y, 1 - at(event.clientY - box.top, box.height)));
    held = Infinity;
    made.classList.add("held");
    draw();
  };
  gestures(made, {
    drag: move,
    down: move,
    twice: () => {
      show.set(pathX, x.default);
      show.set(pathY, y.default);
      draw();
    },
  });
  made.addEventListener("pointerup", () => {
    held = performance.now() + HOLD;
    made.classList.remove("held");
  });
  for (const path of [pathX, pathY]) {
    show.watch(path, made, () => performance.now() >= held && draw());
  }
  return made;
}

// ---- the others

export function toggle(path, label = short(path)) {
  const made = button(label, () => show.set(path, !show.values.get(path)), {
    class: "toggle", title: show.params.get(path).about, "aria-label": path,
  });
  made.dataset.path = path;
  show.watch(path, made, (now) => made.setAttribute("aria-pressed", now));
  return made;
}

export function choice(path, label = short(path)) {
  const spec = show.params.get(path);
  const list = h("select", {
    "aria-label": path, onchange: () => show.set(path, list.value),
  }, ...spec.choices.map((one) => h("option", { value: one }, one)));
  list.dataset.path = path;
  show.watch(path, list, (now) => { list.value = now; });
  return h("label", { class: "choice", title: spec.about }, h("span", { class: "name" }, label), list);
}

export function field(path, label = short(path), more = {}) {
  const spec = show.params.get(path);
  const line = h("input", {
    "aria-label": path, enterkeyhint: "send", autocomplete: "off", autocapitalize: "off",
    spellcheck: false, maxLength: 2000, ...more,
  });
  line.dataset.path = path;
  const commit = () => {
    if (line.value !== show.values.get(path)) show.set(path, line.value);
  };
  line.addEventListener("change", commit);
  line.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      commit();
      line.blur();
    }
  });
  show.watch(path, line, (now) => {
    if (document.activeElement !== line) line.value = now;
  });
  return h("label", { class: "field", title: spec.about }, h("span", { class: "name" }, label), line);
}

// What shows a reading, and cannot be moved.
function reading(path, label) {
  const spec = show.params.get(path);
  const value = h("output", { class: "value" });
  show.watch(path, value, (now) => { value.textContent = shown(spec, now); });
  return h("div", { class: "reading", title: spec.about }, h("span", { class: "name" }, label), value);
}

// The control that suits a parameter.
export function control(path, label = short(path)) {
  const spec = show.params.get(path);
  if (spec.access === "trigger") {
    return button(label, () => spec.takes ? sheetOf(path) : show.send(path), {
      class: "trigger", title: spec.about, "aria-label": path,
    });
  }
  if (spec.access === "reading") return reading(path, label);
  if (spec.choices) return choice(path, label);
  if (spec.type === "bool") return toggle(path, label);
  if (spec.soft) return fader(path, label);
  return field(path, label);
}

// A control that stands for another parameter where that is gone: nothing.
export function maybe(path, label) {
  return show.has(path) ? control(path, label) : null;
}
