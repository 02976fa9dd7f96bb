/**
 * `SENTINEL`: who is master, who follows, who else answers. Every answer is read off the picture of the moment.
 *
 * What would change the service's set-up (`MONITOR`, `REMOVE`, `CONFIG SET`) is refused in words: its truth stands in
 * ZooKeeper and in the agents' files. `SET` and `FLUSHCONFIG` are taken and change nothing: set-up scripts send them.
 */
import { aboutMaster } from '../announce.ts';
import { fits, help, speaking, withSubcommands, wrongCount } from '../call.ts';
import type { Served } from '../book.ts';
import type { Answer, Call, Command } from '../call.ts';
import { masterEntry, replicaEntry, sentinelEntry } from '../entries.ts';
import { matches } from '../glob.ts';
import { quorumOf } from '../picture.ts';
import type { Picture } from '../picture.ts';
import { MASTER_HOLD_MS, sleepsWithoutMaster } from '../quirks.ts';
import {
  NOTHING, NOT_AN_INTEGER, NULL, NULL_ARRAY, array, bulk, bulks, error, fields, integer, status,
} from '../reply.ts';
import type { Reply } from '../reply.ts';
import { failover } from './failover.ts';
import { NO_SUCH_MASTER, ofMaster } from './of-master.ts';
import { CONFIG_COMMANDS } from './sentinel-config.ts';

const KNOWS_NOTHING = error('ERR This agent sees no ZooKeeper: ask another');

function masterAddress({ args, house }: Call): Answer {
  const now = house.find(args[2] ?? '')?.master ?? null;
  return now === null ? NULL_ARRAY : bulks([house.show(now.host), String(now.port)]);
}

function masters({ house }: Call): Answer {
  return array(house.served().map(({ name, picture }) => fields(masterEntry(picture, speaking(house, name)))));
}

function master({ client, house }: Call, { name, picture }: Served): Answer {
  const entry = (seen: Picture): Reply => fields(masterEntry(seen, speaking(house, name)));
  if (picture.master !== null || !sleepsWithoutMaster(client)) return entry(picture);
  return house.untilClear(name, MASTER_HOLD_MS).then((clear) => {
    if (clear === null) return NO_SUCH_MASTER;
    return clear.blind ? KNOWS_NOTHING : entry(clear);
  });
}

/** Those that may be read from: as a Sentinel leaves out whoever says `replica-announced no`. */
function replicas({ house }: Call, { name, picture }: Served): Answer {
  const shown = picture.replicas.filter(({ takesReads }) => takesReads);
  return array(shown.map((each) => fields(replicaEntry(each, picture, speaking(house, name)))));
}

function sentinels({ house }: Call, { name, picture }: Served): Answer {
  return array(picture.agents.map((each) => fields(sentinelEntry(each, picture, speaking(house, name)))));
}

/** Of the agents, and of the ensemble that gives their word its weight: without it nobody is usable. */
function checkQuorum(_call: Call, { picture }: Served): Answer {
  const usable = picture.blind ? 0 : picture.liveAgents;
  if (usable >= quorumOf(picture)) {
    return status(`OK ${usable} usable Sentinels. Quorum and failover authorization can be reached`);
  }
  return error(
    `NOQUORUM ${usable} usable Sentinels. ` +
    'Not enough available Sentinels to reach the specified quorum for this master. ' +
    'Not enough available Sentinels to reach the majority and authorize a failover',
  );
}

/** Nothing is forgotten, for the ensemble holds what is remembered; who listens is told all the same. */
function reset({ args, house }: Call): Answer {
  const found = house.served().filter(({ name }) => matches(args[2] ?? '', name));
  house.publish(found.flatMap(({ name, picture }) => {
    return aboutMaster('+reset-master', picture, { names: [name], show: house.show });
  }));
  return integer(found.length);
}

/** The agents vote in ZooKeeper: whoever asks for a vote here gets none, and nobody is told of one. */
function isMasterDown({ args, house }: Call): Answer {
  const [, , ip = '', portText = '', epoch = ''] = args;
  const port = Number(portText);
  if (!/^\d+$/.test(portText) || !/^-?\d+$/.test(epoch)) return NOT_AN_INTEGER;
  const asked = house.served().some(({ picture: { down, known } }) => (
    down && known !== null && known.port === port && (known.host === ip || house.show(known.host) === ip)
  ));
  return array([integer(asked ? 1 : 0), bulk('*'), integer(0)]);
}

/** Of the master and each replica: how long ago it was looked at. The agent takes what it needs and keeps no text. */
function infoCache({ args, house }: Call): Answer {
  const asked = args.slice(2);
  return array(house.served().filter(({ name }) => asked.length === 0 || asked.includes(name)).flatMap((each) => {
    const { picture } = each;
    const looked = array([integer(Math.max(0, Math.round(picture.heardAgoMs))), NULL]);
    return [bulk(each.name), array([looked, ...picture.replicas.map(() => looked)])];
  }));
}

const DEBUG_PERIODS: readonly (readonly [string, string])[] = [
  ['INFO-PERIOD', '1000'],
  ['PING-PERIOD', '1000'],
  ['ASK-PERIOD', '1000'],
  ['PUBLISH-PERIOD', '2000'],
  ['DEFAULT-DOWN-AFTER', '2000'],
  ['DEFAULT-FAILOVER-TIMEOUT', '180000'],
  ['TILT-TRIGGER', '2000'],
  ['TILT-PERIOD', '30000'],
  ['SLAVE-RECONF-TIMEOUT', '10000'],
  ['MIN-LINK-RECONNECT-PERIOD', '15000'],
  ['ELECTION-TIMEOUT', '10000'],
  ['SCRIPT-MAX-RUNTIME', '60000'],
  ['SCRIPT-RETRY-DELAY', '30000'],
];

function debug({ args }: Call): Answer {
  const asked = args[2];
  if (asked === undefined) return fields(DEBUG_PERIODS);
  const known = args.length > 3 && DEBUG_PERIODS.some(([name]) => name === asked.toUpperCase());
  if (!known) return error(`ERR Unknown option or number of arguments for SENTINEL DEBUG '${asked}'`);
  return error('ERR The periods of a Dictator agent are not set here');
}

const FAILURES: readonly string[] = ['crash-after-election', 'crash-after-promotion'];

function simulateFailure({ args }: Call): Answer {
  const asked = args.slice(2).map((arg) => arg.toLowerCase());
  if (asked[0] === 'help') return bulks(FAILURES);
  if (!asked.every((each) => FAILURES.includes(each))) return error('ERR Unknown failure simulation specified');
  return error('ERR A Dictator agent simulates no failure');
}

const HELP = [
  'SENTINEL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'CKQUORUM <master-name>',
  '    Check if the current Sentinel configuration is able to reach the quorum and the majority.',
  'CONFIG GET <param>',
  '    Get global Sentinel configuration parameter.',
  'FAILOVER <master-name>',
  '    Switch over to the best replica.',
  'GET-MASTER-ADDR-BY-NAME <master-name>',
  '    Return the ip and port number of the master with that name.',
  'IS-MASTER-DOWN-BY-ADDR <ip> <port> <current-epoch> <runid>',
  '    Check if the master specified by ip:port is down from this point of view.',
  'MASTER <master-name>',
  '    Show the state and info of the specified master.',
  'MASTERS',
  '    Show a list of monitored masters and their state.',
  'MYID',
  '    Return the ID of this instance.',
  'REPLICAS <master-name>',
  '    Show a list of replicas for this master and their state.',
  'RESET <pattern>',
  '    Count the masters whose name matches this glob-style pattern.',
  'SENTINELS <master-name>',
  '    Show a list of the other agents that answer for this master.',
  'HELP',
  '    Print this help.',
];

const SUBCOMMANDS = new Map<string, Command>([
  ...['get-master-addr-by-name', 'get-primary-addr-by-name'].map((name): [string, Command] => (
    [name, { arity: 3, run: masterAddress }]
  )),
  ...['masters', 'primaries'].map((name): [string, Command] => [name, { arity: 2, run: masters }]),
  ...['master', 'primary'].map((name): [string, Command] => [name, { arity: 3, run: ofMaster(master) }]),
  ...['replicas', 'slaves'].map((name): [string, Command] => [name, { arity: 3, run: ofMaster(replicas) }]),
  ['sentinels', { arity: 3, run: ofMaster(sentinels) }],
  ['myid', { arity: 2, run: ({ house }) => bulk(house.id()) }],
  ['ckquorum', { arity: 3, run: ofMaster(checkQuorum) }],
  ['failover', { arity: -3, run: ofMaster(failover) }],
  ['reset', { arity: 3, run: reset }],
  ['is-master-down-by-addr', { arity: 6, run: isMasterDown }],
  ['info-cache', { arity: -2, run: infoCache }],
  ['pending-scripts', { arity: 2, run: () => NOTHING }],
  ['debug', { arity: -2, run: debug }],
  ['simulate-failure', { arity: -3, run: simulateFailure }],
  ['help', help(HELP)],
  ...CONFIG_COMMANDS,
]);

function sentinel(call: Call): Answer {
  return fits(call.args.length, -2) ? withSubcommands('sentinel', SUBCOMMANDS)(call) : wrongCount('sentinel');
}

export const SENTINEL_COMMANDS: readonly (readonly [string, Command])[] = [['sentinel', { arity: -2, run: sentinel }]];
