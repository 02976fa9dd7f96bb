// Settings of the service between the words of an operator and the record.

import { expect, test } from 'vitest';

import { SHARED, run, term, world } from '../core/testing/world.ts';
import { prepareChange } from './service-settings.ts';

test('what an operator sets where no record stands is above every version that is remembered', () => {
  const memory = { term: term(), version: 7, settings: { version: 7, ...SHARED, durability: 'durable' } } as const;
  const gone = world('b', 'candidate', { memory, record: { settings: null, lease: null } });
  const asked = { patch: { priority_lag_bytes: 5 }, asker: 'ann', version: null };
  const prepared = prepareChange(gone, asked, { id: 'y', at: 1, refused: [] });
  const settings = 'request' in prepared ? prepared.request.settings : null;
  expect(settings).toMatchObject({ version: 8, priorityLagBytes: 5 });
  expect(run(world('b', 'replica', { memory, record: { settings } }), 1).does).not.toContain('write_settings');
});
