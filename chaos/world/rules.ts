/**
 * What a host's packet filter does to it, as one nftables ruleset. Applied as a whole each time something changes, in
 * one transaction: between two rulesets no packet passes that neither of them would let pass.
 */
import type { Rejection } from '../plan/schedule.ts';

export type Filter =
  /** Packets from and to these addresses vanish, in one direction or in both. */
  | { readonly kind: 'cut'; readonly peers: readonly string[]; readonly direction: 'in' | 'out' | 'both' }
  | { readonly kind: 'loss'; readonly percent: number }
  /** What others send to these ports is refused. */
  | {
    readonly kind: 'reject'; readonly ports: readonly number[]; readonly peers: readonly string[];
    readonly how: Rejection;
  };

const TABLE = 'inet chaos';

export function ruleset(filters: readonly Filter[]): string {
  const input = filters.flatMap(inputRules);
  const output = filters.flatMap(outputRules);
  return [
    // Declared first, so that deleting it never fails.
    `table ${TABLE}`,
    `delete table ${TABLE}`,
    `table ${TABLE} {`,
    ' chain input { type filter hook input priority 0; policy accept;',
    ...input.map((rule) => `  ${rule}`),
    ' }',
    ' chain output { type filter hook output priority 0; policy accept;',
    ...output.map((rule) => `  ${rule}`),
    ' }',
    '}',
    '',
  ].join('\n');
}

function inputRules(filter: Filter): readonly string[] {
  switch (filter.kind) {
    case 'cut':
      return filter.direction === 'out' ? [] : [`ip saddr { ${filter.peers.join(', ')} } drop`];
    case 'loss':
      return [`meta iifname != "lo" numgen random mod 100 < ${filter.percent} drop`];
    case 'reject': {
      const what = `ip saddr { ${filter.peers.join(', ')} } tcp dport { ${filter.ports.join(', ')} }`;
      const fresh = 'tcp flags & (syn | ack) == syn';
      if (filter.how === 'icmp') return [`${what} ${fresh} reject with icmpx type port-unreachable`];
      return [`${what}${filter.how === 'reset-new' ? ` ${fresh}` : ''} reject with tcp reset`];
    }
  }
}

function outputRules(filter: Filter): readonly string[] {
  if (filter.kind === 'cut' && filter.direction !== 'in') return [`ip daddr { ${filter.peers.join(', ')} } drop`];
  if (filter.kind === 'loss') return [`meta oifname != "lo" numgen random mod 100 < ${filter.percent} drop`];
  return [];
}
