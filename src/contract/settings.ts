/**
 * Settings of a service: what an operator changes at runtime, for all nodes at once.
 *
 * The words are those of the configuration file, flat or nested in the same way. What nobody set is not in a document:
 * then each node's file holds. Values of secrets have no place here.
 */
import type { ReasonCode } from './reasons.ts';

export const ZONE_RULES = ['ignore', 'prefer_same', 'prefer_other', 'require_same', 'require_other'] as const;

/**
 * Where the successor of a master shall be, compared with the zone of that master: `prefer` decides among equally
 * fresh nodes, `require` keeps the others from being promoted by themselves.
 */
export type ZoneRule = (typeof ZONE_RULES)[number];

/** Most nodes and parameters of Redis that a document may name. */
export const SETTINGS_NODES_MAX = 64;
export const SETTINGS_REDIS_MAX = 64;
/** Longest name of a zone, and longest value of a parameter. */
export const SETTINGS_TEXT_MAX = 256;

/** A document by its flat names (`nodes.redis1.zone`), as JSON values; sorted as an operator reads them. */
export type SettingsDocument = Readonly<Record<string, string | number | boolean>>;

/** One value that changed, as JSON text; null: it was, or is, not set. */
export interface SettingChange {
  readonly key: string;
  readonly old: string | null;
  readonly new: string | null;
}

/** Who changed what, and when. */
export interface SettingsChange {
  readonly id: string;
  /** Version that the settings had after it. */
  readonly version: number;
  readonly asker: string;
  /** Time of day in milliseconds, for people; null = not known. */
  readonly at: number | null;
  readonly changes: readonly SettingChange[];
}

/** What was wrong with one value of a document. */
export interface SettingFault {
  readonly key: string;
  readonly value: string | null;
  readonly reason: string;
  readonly fix: string;
}

/** What an operator asks for: values by their names, flat or nested; null takes one away. */
export interface AskedSettings {
  readonly patch: Readonly<Record<string, unknown>>;
  readonly asker: string;
  /** Version that they were changed from; null = whichever stands. */
  readonly version: number | null;
}

/** The settings as one agent knows them: everything that is set, as objects in objects. */
export interface SettingsShown {
  readonly version: number;
  readonly nested: Readonly<Record<string, unknown>>;
}

export type SettingsAnswer =
  | { readonly answer: 'done'; readonly settings: SettingsShown }
  | { readonly answer: 'faults'; readonly faults: readonly SettingFault[] }
  | { readonly answer: 'refused'; readonly reason: ReasonCode }
  | { readonly answer: 'unknown' };
