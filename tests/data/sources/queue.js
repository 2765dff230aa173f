import { readFile } from "node:fs/promises";
import path from "node:path";

const LIMIT = 16;

export class Queue {
  constructor(limit = LIMIT) {
    this.limit = limit;
    this.waiting = [];
    this.running = 0;
  }

  async add(task) {
    if (this.running >= this.limit) {
      await new Promise((resolve) => this.waiting.push(resolve));
    }
    this.running += 1;
    try {
      return await task();
    } finally {
      this.running -= 1;
      // Whoever waits longest comes first.
      const next = this.waiting.shift();
      if (next) {
        next();
      }
    }
  }

  get idle() {
    return this.running === 0 && this.waiting.length === 0;
  }
}

export async function load(folder, name) {
  const file = path.join(folder, name);
  const text = await readFile(file, "utf8");
  return parse(text);
}

function parse(text) {
  const found = {};
  for (const line of text.split("\n")) {
    const at = line.indexOf("=");
    if (at < 1 || line.startsWith("#")) {
      continue;
    }
    found[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return found;
}

export const debounce = (callback, wait = 100) => {
  let timer = null;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => callback(...given), wait);
  };
};

export function groupBy(items, key) {
  const groups = new Map();
  for (const item of items) {
    const name = key(item);
    if (!groups.has(name)) {
      groups.set(name, []);
    }
    groups.get(name).push(item);
  }
  return groups;
}

function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

export function percent(part, whole) {
  if (whole === 0) {
    return 0;
  }
  return clamp(Math.round((part / whole) * 100), 0, 100);
}
