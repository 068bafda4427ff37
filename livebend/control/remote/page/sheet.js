// Sheets that come up from below: all about a parameter, and lists to pick from.

import * as show from "/remote/show.js";
import { shown } from "/remote/ranges.js";
import { button, h } from "/remote/controls.js";

const sheet = document.getElementById("sheet");

// It is not modal: the picture and the rescue stay in reach. What is behind it is not.
document.getElementById("scrim").addEventListener("click", () => sheet.close());
document.addEventListener("keydown", (event) => event.key === "Escape" && sheet.close());

export function open(title, ...inside) {
  const close = button("Close", () => sheet.close(), { class: "close" });
  sheet.replaceChildren(h("div", { class: "sheet" },
    h("div", { class: "sheet-head" }, h("h2", {}, title), close),
    h("div", { class: "sheet-body" }, ...inside)));
  if (!sheet.open) sheet.show();
}

export const close = () => sheet.close();

const done = (act) => () => {
  act();
  sheet.close();
};

// All that can be done with a parameter.
export function sheetOf(path) {
  const spec = show.params.get(path);
  if (!spec) return;
  const body = [h("p", { class: "about" }, spec.about)];
  if (spec.access === "trigger") body.push(triggerForm(path, spec));
  else if (spec.access === "value" && spec.soft) body.push(...numberForm(path, spec));
  if (spec.access === "value") body.push(learnForm(path));
  open(path, ...body);
}

function numberForm(path, spec) {
  const line = h("input", {
    type: "number", inputMode: "decimal", step: "any", value: show.values.get(path),
    "aria-label": `${path} exactly`,
  });
  const change = (way) => () => {
    const width = spec.soft[1] - spec.soft[0];
    const step = spec.type === "int" ? 1 : width / 100;
    const now = Math.min(Math.max(show.values.get(path) + way * step, spec.low), spec.high);
    show.set(path, spec.type === "int" ? Math.round(now) : Number(now.toPrecision(6)));
    line.value = show.values.get(path);
  };
  const about = h("p", { class: "about" }, `${shown(spec, spec.low)} to ${shown(spec, spec.high)}`
    + `, a fader ${shown(spec, spec.soft[0])} to ${shown(spec, spec.soft[1])}`);
  const row = h("form", {
    class: "row", onsubmit: (event) => {
      event.preventDefault();
      if (line.value !== "") show.set(path, Number(line.value));
      sheet.close();
    },
  }, button("−", change(-1), { class: "step" }), line, button("+", change(1), { class: "step" }),
  h("button", { class: "primary" }, "Set"));
  const more = h("div", { class: "row" },
    button("Default", done(() => show.set(path, spec.default))),
    show.has("route.add") && !path.startsWith("output.")
      ? button("Route to it …", () => document.dispatchEvent(
        new CustomEvent("route-to", { detail: path }))) : null);
  return [about, row, more, ...recordForm(path)];
}

function recordForm(path) {
  if (!show.has("automation.record") || path.startsWith("output.")) return [];
  const bars = h("select", { "aria-label": "bars" },
    ...[1, 2, 4, 8, 16].map((n) => h("option", { value: n, selected: n === 4 }, `${n} bars`)));
  return [h("div", { class: "row" }, bars,
    button("Record movement", done(() => show.send("automation.record", path, Number(bars.value)))),
    button("Stop it", done(() => show.send("automation.stop", path))))];
}

function learnForm(path) {
  const names = [["midi.learn", "Learn MIDI"], ["midi.forget", "Forget MIDI"],
    ["osc.learn", "Learn OSC"], ["osc.forget", "Forget OSC"]];
  return h("div", { class: "row learn" }, ...names.filter(([name]) => show.has(name)).map(
    ([name, label]) => button(label, done(() => show.send(name, path)))));
}

// What a trigger takes, as one line of words.
function triggerForm(path, spec) {
  const line = h("input", { "aria-label": path, placeholder: spec.takes, autocapitalize: "off" });
  return h("form", {
    class: "row", onsubmit: (event) => {
      event.preventDefault();
      show.send(path, ...line.value.match(/"[^"]*"|\S+/g)?.map(word) ?? []);
      sheet.close();
    },
  }, line, h("button", { class: "primary" }, "Do it"));
}

function word(text) {
  if (text.startsWith('"')) return text.slice(1, -1);
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

// A list to pick one from, with a search: rows are [value, name, about, group].
export function pick(title, rows, act, { extra = [] } = {}) {
  const search = h("input", {
    type: "search", placeholder: "Search", "aria-label": `Search ${title}`, autocapitalize: "off",
  });
  const list = h("div", { class: "picks", role: "listbox", "aria-label": title });
  const fill = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = rows.filter((row) => {
      const text = row.slice(1).join(" ").toLowerCase();
      return words.every((one) => text.includes(one));
    });
    let group;
    list.replaceChildren(...found.slice(0, 200).flatMap(([value, name, about, of]) => {
      const head = of && of !== group ? [h("h3", {}, of)] : [];
      group = of;
      const row = button("", () => act(value), { class: "pick", role: "option" });
      row.dataset.value = value;
      row.append(h("b", {}, name), about ? h("span", {}, about) : "");
      return [...head, row];
    }));
  };
  search.addEventListener("input", fill);
  fill();
  open(title, ...extra, search, list);
}
