// What a fader covers: positions 0..1 and values, the same as core/ranges.py has it.

export function toUnit(spec, value) {
  const [low, high] = spec.soft;
  const out = value < low || value > high;
  const turned = spec.wraps && out ? value - 360 * Math.round(value / 360) : value;
  const inside = Math.min(Math.max(turned, low), high);
  if (spec.curve === "log") return Math.log(inside / low) / Math.log(high / low);
  return (inside - low) / (high - low);
}

export function fromUnit(spec, position) {
  const [low, high] = spec.soft;
  const at = Math.min(Math.max(position, 0), 1);
  const value = spec.curve === "log" ? low * (high / low) ** at : low + (high - low) * at;
  return spec.type === "int" ? Math.round(value) : rounded(value, high - low);
}

// As fine as a finger is: four digits of what the fader covers.
function rounded(value, width) {
  const digits = Math.min(Math.max(4 - Math.ceil(Math.log10(width)), 0), 8);
  return Number(value.toFixed(digits));
}

const UNITS = { deg: "°", "of the picture": "", sigma: " σ", standard: "" };

export function shown(spec, value) {
  if (value === undefined || value === null) return "–";
  if (typeof value === "boolean") return value ? "on" : "off";
  if (typeof value === "string") return value;
  const width = spec.soft ? spec.soft[1] - spec.soft[0] : Math.abs(value) || 1;
  const digits = spec.type === "int" ? 0 : width > 90 ? 0 : width > 20 ? 1 : 2;
  const unit = UNITS[spec.unit] ?? (spec.unit ? ` ${spec.unit}` : "");
  return `${value.toFixed(digits).replace("-", "−")}${unit}`;
}
