// The AsyncAPI document of the socket, made from the contract: the same schemas that the events are typed with.
import { SERVER_EVENTS, SOCKET_PATH } from '../../contract/events.ts';
import {
  PUSHED_CHANGES,
  SOCKET_PACKET_BYTES,
  SOCKET_PACKETS_PER_SECOND,
  SOCKETS_PER_USER,
} from '../../contract/limits.ts';
import { TASK_EXAMPLE } from '../../contract/task.ts';

type Json = { [key: string]: unknown };

const RULE =
  'call `GET /api/sync` after every connect and after `sync:required`; then, for each task event: `prev_rev` is yours: apply it; `rev` is not newer: ignore it; else call `GET /api/sync`';

const DESCRIPTION = `What the server pushes over Socket.IO 4. Clients send nothing: writes go over HTTP (see \`/openapi.json\`).

The rule a client follows, and then it has missed nothing, whatever broke: ${RULE}.

Quick changes to one task may arrive as one event. After more than ${PUSHED_CHANGES} changes at once, \`sync:required\` comes instead.
Limits: ${SOCKETS_PER_USER} sockets for each user on each node (\`connect_error\` with \`too_many_connections\`); packets
from clients of ${SOCKET_PACKET_BYTES / 1024} KiB, ${SOCKET_PACKETS_PER_SECOND} a second, or the socket is closed.`;

const PLACE = { rev: 18, prev_rev: 17, at: TASK_EXAMPLE.updated_at };
const STATS = {
  total_tasks: 5,
  completed_tasks: 3,
  pending_tasks: 2,
  completion_rate: 60.0,
  updated_at: TASK_EXAMPLE.updated_at,
  rev: 18,
};

/** A payload of each event, as documented. */
export const EXAMPLES: Record<keyof typeof SERVER_EVENTS, Json> = {
  'task:created': { ...PLACE, task: TASK_EXAMPLE },
  'task:updated': { ...PLACE, task: TASK_EXAMPLE },
  'task:restored': { ...PLACE, task: TASK_EXAMPLE },
  'task:deleted': { ...PLACE, id: 42 },
  'dashboard:stats': STATS,
  'sync:required': { rev: 18 },
  'session:revoked': {},
};

/** A copy in which every named schema is a reference, and is put among the named ones. */
function referring(schema: unknown, named: Json): unknown {
  if (Array.isArray(schema)) return schema.map((member) => referring(member, named));
  if (typeof schema !== 'object' || schema === null) return schema;
  const { $id, ...own } = schema as Json;
  const members = Object.entries(own).map(([key, member]) => [key, referring(member, named)]);
  const copy = Object.fromEntries(members);
  if (typeof $id !== 'string') return copy;
  named[$id] = copy;
  return { $ref: `#/components/schemas/${$id}` };
}

/** `task:created` → `taskCreated`: names of components have no colons. */
function componentName(event: string): string {
  return event.replace(/:(\w)/, (_match, letter: string) => letter.toUpperCase());
}

export interface AsyncApiOptions {
  version: string;
  publicUrl: string;
  cookieName: string;
}

function servers({ publicUrl, cookieName }: AsyncApiOptions): Json {
  const { host, protocol, pathname } = new URL(publicUrl);
  const here = {
    host,
    pathname: `${pathname.replace(/\/$/, '')}${SOCKET_PATH}`,
    protocol: protocol === 'https:' ? 'wss' : 'ws',
    protocolVersion: 'Socket.IO 4 (Engine.IO 4)',
    description: `By WebSocket or long polling. \`connect_error\` with the message \`unauthorized\` without a session.`,
    security: [
      {
        type: 'httpApiKey',
        in: 'cookie',
        name: cookieName,
        description: 'From a page whose Origin is allowed.',
      },
      {
        type: 'userPassword',
        description:
          'The access token of sign-in, or an API token with the scope `tasks:read`, as `auth: { token }` of the Socket.IO client.',
      },
    ],
  };
  return { here };
}

export function asyncApiDocument(options: AsyncApiOptions): Json {
  const schemas: Json = {};
  const messages: Json = {};
  const inChannel: Json = {};
  for (const [name, { payload, summary }] of Object.entries(SERVER_EVENTS)) {
    const key = componentName(name);
    messages[key] = {
      name,
      summary,
      payload: referring(payload, schemas),
      examples: [{ name, payload: EXAMPLES[name as keyof typeof EXAMPLES] }],
    };
    inChannel[key] = { $ref: `#/components/messages/${key}` };
  }
  const channel = { address: '/', title: "The caller's own changes", messages: inChannel };
  const push = {
    action: 'send',
    title: 'Push',
    summary: 'Events go to all sockets of the user that the session belongs to, and to nobody else.',
    channel: { $ref: '#/channels/own' },
  };
  const { version } = options;
  const license = { name: 'MIT' };
  return {
    asyncapi: '3.0.0',
    info: { title: 'Donewell realtime', version, description: DESCRIPTION, license },
    defaultContentType: 'application/json',
    servers: servers(options),
    channels: { own: channel },
    operations: { push },
    components: { messages, schemas },
  };
}
