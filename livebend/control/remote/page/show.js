// The show as the page knows it: its tree, its values, and the WebSocket by which both are followed.

import { message, read } from "/remote/osc.js";

const ROOT = "/livebend/";
const RETRY = [250, 500, 1000, 2000];  // ms from a lost connection to the next try
const SILENT = 4000;  // ms without a word after which the connection counts as lost

export const params = new Map();  // by path
export const values = new Map();  // by path
export let parts = { bend: [], route: [], "prompt.mix": [], lora: [], operators: [] };
export let live = { levels: {}, hits: {}, bends: {}, routes: {}, driven: {}, notices: [] };
export let choices = null;

const watchers = new Map();  // path -> Set of [element, hear]
const hearers = { live: [], structure: [], picture: [], state: [] };
let socket = null;
let version = 0;
let tries = 0;
let heard = 0;
let waiting = new Map();  // what is sent with the next animation frame, by address

export function on(what, hear) { hearers[what].push(hear); }
function tell(what, ...more) { for (const hear of hearers[what]) hear(...more); }

// Calls hear(value) now, if there is one, and whenever it changes while the element is in the page.
export function watch(path, element, hear) {
  if (!watchers.has(path)) watchers.set(path, new Set());
  watchers.get(path).add([element, hear]);
  if (values.has(path)) hear(values.get(path));
}

function put(path, value) {
  values.set(path, value);
  const all = watchers.get(path);
  if (!all) return;
  for (const one of all) {
    if (one[0].isConnected) one[1](value);
    else all.delete(one);
  }
}

export const pathOf = (address) => address.slice(ROOT.length).replaceAll("/", ".");
export const addressOf = (path) => ROOT + path.replaceAll(".", "/");
export const has = (path) => params.has(path);

// ---- what is sent

export function send(path, ...given) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(message(addressOf(path), ...given));
}

// Set a value soon: of a fader that is dragged the newest goes out with each animation frame.
export function set(path, value) {
  put(path, value);
  if (!waiting.size) requestAnimationFrame(flush);
  waiting.set(path, value);
}

function flush() {
  const all = waiting;
  waiting = new Map();
  for (const [path, value] of all) send(path, value);
}

function ask(command, data = "") {
  socket.send(JSON.stringify({ COMMAND: command, DATA: data }));
}

// ---- what comes

export async function open() {
  const answer = await fetch("/remote/tree").catch(() => null);
  if (answer?.status === 401) return tell("state", "pair");
  if (!answer?.ok) return again();
  const tree = await answer.json();
  await askChoices();
  takeTree(tree);
  const opened = socket = new WebSocket(`ws://${location.host}/remote/socket`);
  opened.binaryType = "arraybuffer";
  opened.onopen = () => {
    tries = 0;
    heard = performance.now();
    ask("LISTEN", "/livebend");
    ask("IGNORE", "/livebend/meter");
    ask("LIVE");
    ask("PICTURE");
    tell("state", "on");
  };
  opened.onmessage = ({ data }) => hear(data);
  opened.onclose = () => {
    if (socket === opened) again();
  };
}

function again() {
  socket = null;
  tell("state", "lost");
  setTimeout(open, RETRY[Math.min(tries++, RETRY.length - 1)]);
}

// A phone that was asleep, or a show that is gone, does not close its side.
setInterval(() => {
  const silent = performance.now() - heard > SILENT;
  if (socket?.readyState === WebSocket.OPEN && silent && !document.hidden) {
    const old = socket;
    again();
    old.close();
  }
}, 1000);

function hear(data) {
  heard = performance.now();
  if (typeof data === "string") return hearText(JSON.parse(data));
  const bytes = new Uint8Array(data);
  if (bytes[0] === 0xff) {  // a JPEG
    tell("picture", bytes);
    return whenSeen(() => ask("PICTURE"));
  }
  read(bytes, (address, value) => {
    const path = pathOf(address);
    if (!waiting.has(path)) put(path, value);
  });
}

function hearText({ COMMAND: command, DATA: data }) {
  if (command !== "LIVE") return;
  live = data;
  tell("live", data);
  if (data.tree !== version) renew(data.tree);
  whenSeen(() => ask("LIVE"));
}

// Go on once the page is drawn: one that is not looked at asks for nothing.
function whenSeen(go) {
  const asked = socket;
  requestAnimationFrame(() => {
    if (socket === asked && socket?.readyState === WebSocket.OPEN) go();
  });
}

let renewing = 0;

async function renew(wanted) {
  if (renewing === wanted) return;
  renewing = wanted;
  const answer = await fetch("/remote/tree").catch(() => null);
  renewing = 0;
  if (answer?.ok) takeTree(await answer.json());
}

function takeTree(tree) {
  const before = new Set(params.keys());
  params.clear();
  for (const one of tree.parameters) params.set(one.path, one);
  parts = tree.parts;
  version = tree.version;
  if (socket?.readyState === WebSocket.OPEN) {
    for (const node of newNodes(before)) ask("LISTEN", addressOf(node));
  }
  for (const path of before) if (!params.has(path)) values.delete(path);
  tell("structure");
}

// The parts of the scene that came: they are listened to from now on.
function newNodes(before) {
  const nodes = new Set();
  for (const [path, one] of params) {
    if (before.has(path) || one.access !== "value") continue;
    const kind = Object.keys(parts).find((name) => path.startsWith(`${name}.`));
    const name = kind && path.slice(kind.length + 1).split(".")[0];
    nodes.add(kind && parts[kind].includes(name) ? `${kind}.${name}` : path);
  }
  return nodes;
}

export async function askChoices() {
  const answer = await fetch("/remote/choices").catch(() => null);
  if (answer?.ok) choices = await answer.json();
  return choices;
}

export async function pair(code) {
  const answer = await fetch("/remote/pair", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ code }),
  }).catch(() => null);
  if (!answer) return "the show does not answer";
  return answer.ok ? "" : (await answer.text()).trim();
}

async function answered(address, more) {
  const answer = await fetch(address, more).catch(() => null);
  if (!answer) throw new Error("the show does not answer");
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer;
}

export async function sendMask(file) {
  return (await (await answered("/remote/mask", { method: "POST", body: file })).json()).name;
}

export async function sceneText() {
  return (await answered("/remote/scene")).text();
}

// Returns the slot that a scene went to.
export async function pasteScene(text) {
  return (await (await answered("/remote/scene", { method: "POST", body: text })).json()).slot;
}
