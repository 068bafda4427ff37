// OSC as bytes: messages that are sent, messages and bundles that come.

const text = new TextEncoder();
const plain = new TextDecoder();

function padded(bytes) {
  const whole = new Uint8Array((bytes.length + 4) & ~3);
  whole.set(bytes);
  return whole;
}

function number(size, set) {
  const bytes = new Uint8Array(size);
  set(new DataView(bytes.buffer));
  return bytes;
}

// A value with its type tag: numbers are doubles, so that what is typed is what arrives.
function argument(value) {
  if (typeof value === "boolean") return [value ? "T" : "F", new Uint8Array(0)];
  if (typeof value === "string") return ["s", padded(text.encode(value))];
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) {
    return ["i", number(4, (view) => view.setInt32(0, value))];
  }
  return ["d", number(8, (view) => view.setFloat64(0, value))];
}

export function message(address, ...values) {
  const read = values.map(argument);
  const tags = "," + read.map(([tag]) => tag).join("");
  const parts = [padded(text.encode(address)), padded(text.encode(tags)), ...read.map(([, b]) => b)];
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

// Calls hear(address, value) for each message in a packet.
export function read(bytes, hear) {
  if (bytes[0] === 0x23) {  // "#bundle"
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 16; at + 4 <= bytes.length;) {
      const size = view.getUint32(at);
      read(bytes.subarray(at + 4, at + 4 + size), hear);
      at += 4 + size;
    }
    return;
  }
  const reader = new Reader(bytes);
  const address = reader.string();
  const tags = reader.string();
  hear(address, reader.value(tags[1]));
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = 0;
  }

  string() {
    const end = this.bytes.indexOf(0, this.at);
    const found = plain.decode(this.bytes.subarray(this.at, end));
    this.at = (end + 4) & ~3;
    return found;
  }

  value(tag) {
    switch (tag) {
      case "f": return shortest(this.view.getFloat32(this.at));
      case "d": return this.view.getFloat64(this.at);
      case "i": return this.view.getInt32(this.at);
      case "h": return Number(this.view.getBigInt64(this.at));
      case "s": return this.string();
      case "T": return true;
      case "F": return false;
      default: return null;
    }
  }
}

// A float's shortest decimal: 0.1 is 0.1.
function shortest(value) {
  return Number(value.toPrecision(7));
}
