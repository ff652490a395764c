// Random histories of one user's tasks: every kind of write, right and wrong, and how many changes they must have made.
import { randomUUID } from 'node:crypto';
import type { AnyBody, Client } from './client.ts';
import { pick, type Random } from './random.ts';

const TITLES = ['Milk', 'Bread', 'Taxes', 'Ünïcode 🦊', 'a < b && c > d', 'x'.repeat(200)];
const CATEGORIES = ['home', 'work', '', null];
const KINDS = [
  'create',
  'create',
  'create',
  'keyed',
  'update',
  'update',
  'update',
  'complete',
  'reopen',
  'same',
  'stale',
  'delete',
  'delete',
  'restore',
  'permanent',
  'invalid',
  'foreign',
] as const;
type Kind = (typeof KINDS)[number];

/** What all writers of one user know together. */
export interface History {
  ids: number[];
  /** Of the tasks in answers. */
  revs: Set<number>;
  /** Deletions that were answered with 200: they take a revision, but do not tell it. */
  deletions: number;
  writes: number;
}

export function emptyHistory(): History {
  return { ids: [], revs: new Set(), deletions: 0, writes: 0 };
}

interface Expectation {
  answer: AnyBody;
  statuses: number[];
}

export class Writer {
  readonly #history: History;
  readonly #foreign: History;
  /** The same user on each node. */
  readonly #clients: Client[];
  readonly #random: Random;

  constructor(options: { history: History; foreign: History; clients: Client[]; random: Random }) {
    this.#history = options.history;
    this.#foreign = options.foreign;
    this.#clients = options.clients;
    this.#random = options.random;
  }

  /** One write. @throws when its answer is not one that it can have. */
  async write(): Promise<void> {
    const kind = this.#history.ids.length === 0 ? 'create' : pick(this.#random, KINDS);
    const { answer, statuses } = await this.#send(kind);
    if (!statuses.includes(answer.status))
      throw new Error(`${kind} answered ${answer.status}: ${answer.text}`);
    this.#history.writes++;
    if (typeof answer.body.rev === 'number') this.#history.revs.add(answer.body.rev);
    const isDeletion = kind === 'delete' || kind === 'permanent';
    if (isDeletion && answer.status === 200) this.#history.deletions++;
  }

  #fields(): Record<string, unknown> {
    const random = this.#random;
    return {
      title: pick(random, TITLES),
      category: pick(random, CATEGORIES),
      priority: pick(random, [1, 2, 3]),
      status: random() < 0.3,
      due_date: pick(random, [null, '2030-01-31', '2020-02-29']),
    };
  }

  async #create(headers: Record<string, string> = {}): Promise<Expectation> {
    const fields = this.#fields();
    const answer = await pick(this.#random, this.#clients).post('/api/tasks', fields, { headers });
    if (answer.status === 201) this.#history.ids.push(answer.body.id);
    return { answer, statuses: [201] };
  }

  /** The same request with the same key on both nodes at once: one effect, one answer. */
  async #createKeyed(): Promise<Expectation> {
    const options = { headers: { 'idempotency-key': randomUUID() } };
    const fields = this.#fields();
    const answers = await Promise.all(
      this.#clients.map((client) => client.post('/api/tasks', fields, options)),
    );
    const [answer] = answers;
    if (new Set(answers.map(({ text }) => text)).size !== 1) throw new Error('One key, two answers');
    this.#history.ids.push(answer?.body.id);
    return { answer, statuses: [201] };
  }

  async #send(kind: Kind): Promise<Expectation> {
    const client = pick(this.#random, this.#clients);
    if (kind === 'create') return this.#create();
    if (kind === 'keyed') return this.#createKeyed();
    const ids = kind === 'foreign' ? this.#foreign.ids : this.#history.ids;
    const path = `/api/tasks/${ids.length > 0 ? pick(this.#random, ids) : 999_999_999}`;
    const patch = (fields: object, headers = {}) => client.patch(path, fields, { headers });
    const found = [200, 404];
    switch (kind) {
      case 'update':
        return { answer: await patch(this.#fields()), statuses: found };
      case 'complete':
        return { answer: await client.patch(`${path}/complete`), statuses: found };
      case 'reopen':
        return { answer: await patch({ status: false }), statuses: found };
      case 'same':
        return { answer: await patch({}), statuses: found };
      case 'stale':
        return { answer: await patch(this.#fields(), { 'if-match': '"0"' }), statuses: [412, 404] };
      case 'delete':
        return { answer: await client.delete(path), statuses: found };
      case 'permanent':
        return { answer: await client.delete(`${path}?permanent=true`), statuses: found };
      case 'restore':
        return { answer: await client.post(`${path}/restore`), statuses: found };
      case 'invalid':
        return { answer: await patch({ title: '' }), statuses: [422] };
      case 'foreign':
        return { answer: await patch(this.#fields()), statuses: [404] };
    }
  }
}
