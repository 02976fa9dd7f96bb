/**
 * Chance, repeatable: a small generator (sfc32) behind the few questions that the simulator asks of it.
 *
 * Every part of a simulated world draws from a fork of its own, named by a label. A fault that is taken away while a
 * failing run is shortened then changes nothing about the delays of messages that have nothing to do with it.
 */
const UINT32 = 4_294_967_296;
/** Draws thrown away at the start, until a poor seed has spread over the whole state. */
const WARM_UP = 12;
const GOLDEN = 0x9e3779b9;

/** FNV-1a: a label as a number. */
export function hashText(text: string, start = 0x811c9dc5): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

export class Random {
  private readonly seed: number;
  private a: number;
  private b: number;
  private c: number;
  private d = 1;

  constructor(seed: number) {
    this.seed = seed >>> 0;
    this.a = this.seed;
    this.b = Math.floor(seed / UINT32) ^ GOLDEN;
    this.c = GOLDEN;
    for (let i = 0; i < WARM_UP; i++) this.uint32();
  }

  /** A generator that depends on the seed and the label alone, not on what was drawn here. */
  fork(label: string): Random {
    return new Random(hashText(label, this.seed ^ GOLDEN));
  }

  private uint32(): number {
    const sum = (((this.a + this.b) | 0) + this.d) | 0;
    this.d = (this.d + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** In [0, 1). */
  unit(): number {
    return this.uint32() / UINT32;
  }

  /** In [from, to). */
  between(from: number, to: number): number {
    return from + this.unit() * (to - from);
  }

  /** A whole number in [0, below). */
  below(below: number): number {
    return Math.floor(this.unit() * below);
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }
}
