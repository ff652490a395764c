// Random histories of several users on two nodes, with followers that come and go: whatever happens, each ends up with
// exactly what a fresh read brings. DONEWELL_LONG=1 makes them long.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectConverged, freshRead, TestFollower } from './support/follower.ts';
import { emptyHistory, type History, Writer } from './support/histories.ts';
import { clientOf, type SeededUser, seedUsers } from './support/nodes.ts';
import { until } from './support/process.ts';
import { newSeed, pick, type Random, randomFrom } from './support/random.ts';
import { startServer, type TestServer } from './support/server.ts';
import { countersOf } from './support/tasks.ts';

const OPERATIONS = process.env.DONEWELL_LONG ? 12_000 : 600;
const USERS = 3;
const WRITERS = 2;
const FOLLOWERS = 3;
/** How often, after a write, something happens to a follower. */
const UNREST = 0.12;
const TRANSPORTS = [['websocket'], ['polling', 'websocket'], ['polling']];

const seed = newSeed();
let nodes: [TestServer, TestServer];

beforeAll(async () => {
  const first = await startServer({ shared: true });
  nodes = [first, await startServer({ shared: true, connection: first.connection })];
});
afterAll(async () => {
  await nodes[1].close();
  await nodes[0].close();
});

interface Crowd {
  user: SeededUser;
  history: History;
  followers: TestFollower[];
  /** Never leaves: it must hear every revision by events alone. */
  witness: TestFollower;
}

function crowdOf(user: SeededUser): Crowd {
  const followers = Array.from({ length: FOLLOWERS }, (_, index) => {
    const url = nodes[index % 2 === 0 ? 0 : 1].url;
    return new TestFollower(url, user, { transports: TRANSPORTS[index] ?? ['websocket'] }, 7);
  });
  return { user, history: emptyHistory(), followers, witness: new TestFollower(nodes[0].url, user) };
}

/** What happens to followers: they leave, lose their connection, or ask without need. */
function disturb(random: Random, follower: TestFollower): void {
  const chance = random();
  if (chance < 0.4) follower.moveTo(pick(random, nodes).url);
  else if (chance < 0.7) follower.socket.io.engine?.close();
  else if (chance < 0.85) void follower.follower.sync();
  else {
    follower.socket.disconnect();
    follower.socket.connect();
  }
}

async function live(random: Random, crowds: readonly Crowd[]): Promise<void> {
  const writers = crowds.flatMap(({ user, history }, index) => {
    const foreign = crowds[(index + 1) % crowds.length]?.history ?? history;
    const clients = nodes.map(({ url }) => clientOf(url, user));
    return Array.from({ length: WRITERS }, () => new Writer({ history, foreign, clients, random }));
  });
  let left = OPERATIONS;
  await Promise.all(
    writers.map(async (writer) => {
      while (left-- > 0) {
        await writer.write();
        if (random() < UNREST) disturb(random, pick(random, pick(random, crowds).followers));
      }
    }),
  );
}

/** Every revision was given to exactly one change, and the counters say what a count says. */
async function expectDense({ user, history }: Crowd): Promise<void> {
  const { kept, counted } = await countersOf(nodes[0], user.id);
  expect(history.revs.size + history.deletions).toBe(kept.rev);
  expect(Math.max(...history.revs)).toBeLessThanOrEqual(kept.rev ?? 0);
  expect(kept).toEqual(counted);
}

/** Its events follow on one another without a gap. */
function expectGapless({ witness }: Crowd): void {
  const events = witness.received.filter(([name]) => name.startsWith('task:'));
  for (const [index, [, event]] of events.entries())
    if (index > 0) expect(event.prev_rev).toBe(events[index - 1]?.[1].rev);
  expect(events.at(-1)?.[1].rev).toBe(witness.known.rev);
  expect(witness.received.map(([name]) => name)).not.toContain('sync:required');
  expect(witness.syncs).toBe(1);
}

describe('random histories', () => {
  it(`of ${OPERATIONS} writes end with every follower knowing exactly what the server has (seed ${seed})`, async () => {
    const random = randomFrom(seed);
    const crowds = (await seedUsers(nodes[0], USERS)).map(crowdOf);
    const followers = crowds.flatMap((crowd) => [...crowd.followers, crowd.witness]);
    await until(() => crowds.every(({ witness }) => witness.known.stats), 'the first syncs');
    await live(random, crowds);
    await expectConverged(nodes[0].url, followers);
    await expectConverged(nodes[1].url, followers);
    for (const crowd of crowds) {
      await expectDense(crowd);
      expectGapless(crowd);
      expect(await freshRead(nodes[1].url, crowd.user, 3)).toEqual(await freshRead(nodes[0].url, crowd.user));
    }
    for (const follower of followers) follower.close();
  }, 900_000);
});
