/** `INFO`: the sections that a Sentinel has. What is asked for and not there is left out, which is no error. */
import type { Served } from '../book.ts';
import type { Answer, Call, Command, House } from '../call.ts';
import { masterFlags } from '../entries.ts';
import { bulk } from '../reply.ts';
import { LIKE_REDIS } from './connection.ts';

const MS_PER_S = 1000;
const MS_PER_DAY = 86_400_000;
/** Words that mean all sections. */
const EVERYTHING: readonly string[] = ['all', 'default', 'everything'];

type Section = (house: House) => readonly string[];

const server: Section = (house) => {
  const upMs = house.now() - house.startedAtMs;
  return [
    '# Server',
    `redis_version:${LIKE_REDIS}`,
    'redis_git_sha1:00000000',
    'redis_mode:sentinel',
    `os:${process.platform}`,
    `arch_bits:64`,
    `process_id:${process.pid}`,
    `run_id:${house.id()}`,
    `tcp_port:${house.address.port}`,
    `uptime_in_seconds:${Math.floor(upMs / MS_PER_S)}`,
    `uptime_in_days:${Math.floor(upMs / MS_PER_DAY)}`,
    'executable:dictator',
    'config_file:',
    `dictator_version:${house.version}`,
  ];
};

const clients: Section = ({ clients: connected, clientsMax }) => [
  '# Clients',
  `connected_clients:${connected.size}`,
  `maxclients:${clientsMax}`,
  `pubsub_clients:${[...connected.values()].filter((client) => client.subscriptions > 0).length}`,
  'blocked_clients:0',
];

const cpu: Section = () => {
  const { user, system } = process.cpuUsage();
  const seconds = (micros: number): string => (micros / 1_000_000).toFixed(6);
  return ['# CPU', `used_cpu_sys:${seconds(system)}`, `used_cpu_user:${seconds(user)}`];
};

const stats: Section = ({ counts, clients: connected }) => {
  const listening = [...connected.values()];
  const distinct = (of: 'channels' | 'patterns'): number => new Set(listening.flatMap((each) => [...each[of]])).size;
  return [
    '# Stats',
    `total_connections_received:${counts.connections}`,
    `total_commands_processed:${counts.commands}`,
    `rejected_connections:${counts.rejected}`,
    `pubsub_channels:${distinct('channels')}`,
    `pubsub_patterns:${distinct('patterns')}`,
  ];
};

function masterLine({ name, picture }: Served, index: number, own: string | undefined, show: House['show']): string {
  const flags = masterFlags(picture);
  const status = flags.includes('o_down') ? 'odown' : flags.includes('s_down') ? 'sdown' : 'ok';
  const at = picture.master ?? picture.known;
  const address = at === null ? '?:0' : `${show(at.host)}:${at.port}`;
  // With itself, where it is one of them.
  const sentinels = picture.agents.length + (picture.service === own ? 1 : 0);
  return (
    `master${index}:name=${name},status=${status},address=${address},` +
    `slaves=${picture.replicas.length},sentinels=${sentinels}`
  );
}

const sentinel: Section = (house) => {
  const served = house.served();
  const sinceMs = house.blindSinceMs();
  const own = house.own()?.service;
  return [
    '# Sentinel',
    `sentinel_masters:${served.length}`,
    `sentinel_tilt:${sinceMs === null ? 0 : 1}`,
    `sentinel_tilt_since_seconds:${
      sinceMs === null ? -1 : Math.max(0, Math.floor((house.now() - sinceMs) / MS_PER_S))
    }`,
    'sentinel_running_scripts:0',
    'sentinel_scripts_queue_length:0',
    'sentinel_simulate_failure_flags:0',
    ...served.map((each, index) => masterLine(each, index, own, house.show)),
  ];
};

const SECTIONS: readonly (readonly [string, Section])[] = [
  ['server', server],
  ['clients', clients],
  ['cpu', cpu],
  ['stats', stats],
  ['sentinel', sentinel],
];

function info({ args, house, client }: Call): Answer {
  client.askedInfo = true;
  const asked = args.slice(1).map((name) => name.toLowerCase());
  const all = asked.length === 0 || asked.some((name) => EVERYTHING.includes(name));
  const texts = SECTIONS
    .filter(([name]) => all || asked.includes(name))
    .map(([, section]) => section(house).map((text) => `${text}\r\n`).join(''));
  return bulk(texts.join('\r\n'));
}

export const INFO_COMMANDS: readonly (readonly [string, Command])[] = [['info', { arity: -1, run: info }]];
