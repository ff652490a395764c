// A bare Node server on pg: no framework, no validation, no limits. What is left when everything else is taken away.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const COLUMNS = 'id, title, description, status, category, priority, created_at, updated_at, user_id';

function tokenOf({ cookie = '' }) {
  const [, value = ''] = /better-auth\.session_token=([^;]+)/.exec(cookie) ?? [];
  const [token, signature = ''] = decodeURIComponent(value).split('.');
  const expected = createHmac('sha256', process.env.SECRET).update(token).digest();
  const given = Buffer.from(signature, 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected) ? token : undefined;
}

const query = (name, text, values) => pool.query({ name, text, values }).then(({ rows }) => rows);

async function userOf(request) {
  const token = tokenOf(request.headers);
  const [session] = await query(
    'session',
    'select user_id from session where token = $1 and expires_at > now()',
    [token],
  );
  return session?.user_id;
}

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString());
}

async function answer(request, url, user) {
  const id = /^\/api\/tasks\/(\d+)/.exec(url.pathname)?.[1];
  if (url.pathname === '/api/dashboard/stats') {
    const [stats] = await query(
      'stats',
      'select count(*)::int as total_tasks, (count(*) filter (where status))::int as completed_tasks from peer_task where user_id = $1',
      [user],
    );
    return [200, stats];
  }
  if (id === undefined && request.method === 'GET') {
    const tasks = await query(
      'list',
      `select ${COLUMNS} from peer_task where user_id = $1 order by created_at desc limit $2`,
      [user, Number(url.searchParams.get('limit') ?? 100)],
    );
    return [200, { tasks }];
  }
  if (id === undefined) {
    const { title, description, priority } = await bodyOf(request);
    const [task] = await query(
      'create',
      `insert into peer_task (user_id, title, description, priority) values ($1, $2, $3, $4) returning ${COLUMNS}`,
      [user, title, description, priority],
    );
    return [201, task];
  }
  if (request.method === 'GET') {
    const [task] = await query('one', `select ${COLUMNS} from peer_task where user_id = $1 and id = $2`, [
      user,
      id,
    ]);
    return task ? [200, task] : [404, {}];
  }
  const change = url.pathname.endsWith('/complete') ? { status: true } : await bodyOf(request);
  const [task] = await query(
    'update',
    `update peer_task set title = coalesce($3, title), status = coalesce($4, status), updated_at = now()
     where user_id = $1 and id = $2 returning ${COLUMNS}`,
    [user, id, change.title, change.status],
  );
  return task ? [200, task] : [404, {}];
}

createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost');
  const user = await userOf(request);
  const [status, body] = user === undefined ? [401, {}] : await answer(request, url, user);
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}).listen(Number(process.env.PORT), '127.0.0.1');
