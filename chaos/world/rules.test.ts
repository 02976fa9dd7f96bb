import { describe, expect, test } from 'vitest';
import { ruleset } from './rules.ts';

const PEERS = ['10.0.0.1', '10.0.0.2'];

function chain(text: string, name: string): string {
  return new RegExp(`chain ${name} \\{([^}]*(?:\\{[^}]*\\}[^}]*)*)\\n \\}`).exec(text)?.[1] ?? '';
}

describe('the packet filter', () => {
  test('without faults it lets everything pass', () => {
    expect(ruleset([])).not.toMatch(/drop|reject/);
    expect(ruleset([])).toContain('policy accept');
  });

  test('a one-way cut stands in one chain, a full one in both', () => {
    const deaf = ruleset([{ kind: 'cut', peers: PEERS, direction: 'in' }]);
    expect(chain(deaf, 'input')).toContain('ip saddr { 10.0.0.1, 10.0.0.2 } drop');
    expect(chain(deaf, 'output')).not.toContain('drop');
    const both = ruleset([{ kind: 'cut', peers: PEERS, direction: 'both' }]);
    expect(chain(both, 'input')).toContain('saddr');
    expect(chain(both, 'output')).toContain('daddr');
  });

  test('loss leaves a host\'s own loopback alone', () => {
    expect(ruleset([{ kind: 'loss', percent: 20 }]).match(/"lo" numgen random mod 100 < 20 drop/g)).toHaveLength(2);
  });

  test('a rejection refuses new connections, or breaks established ones as well', () => {
    const of = (how: 'icmp' | 'reset-new' | 'reset-all'): string => (
      chain(ruleset([{ kind: 'reject', ports: [6379, 8000], peers: PEERS, how }]), 'input')
    );
    expect(of('icmp')).toContain('== syn reject with icmpx type port-unreachable');
    expect(of('reset-new')).toContain('== syn reject with tcp reset');
    expect(of('reset-all')).toContain('tcp dport { 6379, 8000 } reject with tcp reset');
  });
});
