// Routes: source → target, drawn with its curve and the live value on it.

import * as show from "/remote/show.js";
import { button, control, fader, h, sync, toggle } from "/remote/controls.js";
import { freeName, remover } from "/remote/bends.js";
import { numbers } from "/remote/play.js";
import { close, pick } from "/remote/sheet.js";

const [WIDE, HIGH] = [88, 56];  // of a curve, px
const SVG = "http://www.w3.org/2000/svg";

export function build(section) {
  const list = h("div", { class: "stack" });
  const none = h("p", { class: "none" }, "No routes: nothing follows the sound.");
  const loops = h("div", { class: "stack" });
  const looped = h("div", { class: "card" }, h("h2", {}, "Loops: movements that were recorded"), loops);
  section.replaceChildren(h("div", { class: "row" }, button("Add a route", () => add(), {
    class: "primary", "aria-label": "Add a route" })), none, list, looped);
  document.addEventListener("route-to", ({ detail }) => add(detail));
  show.on("live", ({ routes }) => showLive(list, routes));
  return () => {
    none.hidden = show.parts.route.length > 0;
    sync(list, show.parts.route, card);
    looped.hidden = !show.parts.loop?.length;
    sync(loops, show.parts.loop ?? [], loop);
  };
}

function card(name) {
  const stem = `route.${name}.`;
  const source = h("b", {});
  const target = h("b", {});
  const drawing = curve();
  const more = h("div", { class: "stack more", hidden: true });
  const unfold = button("More", () => {
    if (!more.children.length) more.append(...details(stem));
    more.hidden = !more.hidden;
    unfold.setAttribute("aria-expanded", !more.hidden);
    unfold.textContent = more.hidden ? "More" : "Less";
  }, { "aria-expanded": false, "aria-label": `more of ${name}` });
  const made = h("article", { class: "card route" },
    h("div", { class: "flow" },
      button("", () => pick("Source", sources(), (to) => {
        show.set(`${stem}source`, to);
        close();
      }), { class: "end", "aria-label": `source of ${name}` }),
      button("", () => pick("Curve", curves(), (to) => {
        show.set(`${stem}curve`, to);
        close();
      }), { class: "drawing", "aria-label": `curve of ${name}` }),
      button("", () => pick("Target", numbers(), (to) => {
        show.set(`${stem}target`, to);
        close();
      }), { class: "end", "aria-label": `target of ${name}` })),
    fader(`${stem}high`, "adds at full"),
    h("div", { class: "row" }, toggle(`${stem}mute`), unfold, remover("route", name)),
    more);
  const [from, to] = made.querySelectorAll(".end");
  made.querySelector(".drawing").append(drawing.element);
  const added = h("output", {});
  from.append(source, h("small", {}, name));
  to.append(target, added);
  made.dataset.route = name;
  made.drawing = drawing;
  made.added = added;
  show.watch(`${stem}source`, source, (now) => source.replaceChildren(...broken(now)));
  show.watch(`${stem}target`, target, (now) => {
    target.replaceChildren(...broken(now.replace(/^bend\./, "")));
  });
  show.watch(`${stem}curve`, drawing.element, drawing.shape);
  return made;
}

// A path that may go on in the next line behind a point.
const broken = (path) => path.split(/(?<=\.)/).flatMap((part) => [part, h("wbr")]);
const curves = () => Object.keys(show.choices?.curves ?? {}).map((name) => [name, name, ""]);
// A movement that goes round and round: what it moves, off and on, away.
function loop(name) {
  const target = h("b", {});
  show.watch(`loop.${name}.target`, target, (now) => target.replaceChildren(...broken(now)));
  return h("div", { class: "row loop" }, target, toggle(`loop.${name}.mute`),
    remover("loop", name, "×"));
}

const DETAILS = ["low", "gain", "attack", "release", "rate", "edge", "slew"];
const details = (stem) => DETAILS.map((leaf) => stem + leaf).filter(show.has)
  .map((path) => control(path, path.endsWith(".low") ? "adds at rest" : undefined));

// A curve, drawn through points that the show tells, with a dot where the source is on it.
function curve() {
  const element = document.createElementNS(SVG, "svg");
  element.setAttribute("viewBox", `0 0 ${WIDE} ${HIGH}`);
  element.setAttribute("class", "curve");
  const line = document.createElementNS(SVG, "path");
  const dot = document.createElementNS(SVG, "circle");
  dot.setAttribute("r", 5);
  element.append(line, dot);
  let heights = [0, 1];
  const at = (index) => [
    6 + (WIDE - 12) * index / (heights.length - 1), HIGH - 6 - (HIGH - 12) * heights[index]];
  return {
    element,
    shape: (name) => {
      heights = show.choices?.curves[name] ?? heights;
      line.setAttribute("d", `M${heights.map((_, index) => at(index).join(" ")).join("L")}`);
    },
    live: (value) => {  // which has been through the curve
      const off = heights.map((height) => Math.abs(height - value));
      const [x, y] = at(off.indexOf(Math.min(...off)));
      dot.setAttribute("cx", x);
      dot.setAttribute("cy", y);
    },
  };
}

function showLive(list, routes) {
  for (const one of list.children) {
    if (!one.offsetParent) continue;
    const [value, output] = routes[one.dataset.route] ?? [0, 0];
    one.drawing.live(value);
    one.added.textContent = `${output < 0 ? "−" : "+"}${Math.abs(output).toPrecision(3)}`;
  }
}

// ---- adding one

const sources = () => (show.choices?.sources ?? []).map(
  (one) => [one.name, one.name, one.about, one.kind]);

function add(target) {
  pick(target ? `What drives ${target}?` : "Add a route: source", sources(), (source) => {
    if (target) return put(source, target);
    pick(`${source} drives …`, numbers(), (chosen) => put(source, chosen));
  });
}

// It begins with half of what the target's fader covers: enough to see what it does.
function put(source, target) {
  const [low, high] = show.params.get(target).soft;
  const name = freeName(source.split(".")[0], show.parts.route);
  show.send("route.add", name, source, target, "high", (high - low) / 2);
  close();
}
