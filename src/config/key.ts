/** What there is to say about one key of the configuration. */

/** Shape of a value: what text from the environment is turned into before it is checked. */
export type Kind = 'text' | 'integer' | 'boolean' | 'list' | 'integer_or_list' | 'integer_or_text' | 'any';

export interface Key {
  readonly kind: Kind;
  readonly default: unknown;
  /** How documentation shows the default, where the plain value would not tell. */
  readonly defaultText?: string;
  /** For documentation: allowed values, and the unit where the name does not carry it. */
  readonly meaning: string;
  /** What a correct value looks like, after "Set": the fix of every fault of this key. */
  readonly fix: string;
  /** The value is shown nowhere, not even in a fault. */
  readonly secret?: true;
}

/** A name that a later version will know. */
export interface ReservedKey extends Key {
  readonly reserved: true;
}
