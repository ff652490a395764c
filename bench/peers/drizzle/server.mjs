// Fastify, Drizzle and Better Auth's getSession: the stack that most would choose today, as its guides show it.
import bcrypt from 'bcrypt';
import { betterAuth } from 'better-auth';
import { drizzleAdapter } from 'better-auth/adapters/drizzle';
import { fromNodeHeaders } from 'better-auth/node';
import { and, count, desc, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import fastify from 'fastify';
import pg from 'pg';
import * as schema from './schema.mjs';

const { task } = schema;
const db = drizzle(new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 }), { schema });
const auth = betterAuth({
  baseURL: `http://localhost:${process.env.PORT}`,
  secret: process.env.SECRET,
  database: drizzleAdapter(db, { provider: 'pg', schema }),
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  emailAndPassword: {
    enabled: true,
    // The accounts of the measurement have bcrypt hashes.
    password: {
      hash: (password) => bcrypt.hash(password, 12),
      verify: ({ hash, password }) => bcrypt.compare(password, hash),
    },
  },
});

const app = fastify();
app.decorateRequest('user', null);

app.post('/api/auth/login', (request) => auth.api.signInEmail({ body: request.body }));

app.register(async (scope) => {
  scope.addHook('preHandler', async (request, reply) => {
    const session = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) });
    if (!session) return reply.code(401).send({});
    request.user = session.user;
  });
  const mine = ({ user, params }) => and(eq(task.user_id, user.id), eq(task.id, Number(params.id)));
  const found = (reply, [row]) => row ?? reply.code(404).send({});

  scope.get('/api/tasks', async (request) => {
    const limit = Number(request.query.limit ?? 100);
    const rows = db.select().from(task).where(eq(task.user_id, request.user.id));
    return { tasks: await rows.orderBy(desc(task.created_at)).limit(limit) };
  });
  scope.post('/api/tasks', async (request, reply) => {
    const { title, description, priority } = request.body;
    const values = { title, description, priority, user_id: request.user.id };
    const [made] = await db.insert(task).values(values).returning();
    return reply.code(201).send(made);
  });
  scope.get('/api/tasks/:id', async (request, reply) =>
    found(reply, await db.select().from(task).where(mine(request))),
  );
  const change = async (request, reply, values) =>
    found(
      reply,
      await db
        .update(task)
        .set({ ...values, updated_at: new Date() })
        .where(mine(request))
        .returning(),
    );
  scope.put('/api/tasks/:id', (request, reply) => {
    const { title, status } = request.body;
    return change(request, reply, { title, status });
  });
  scope.patch('/api/tasks/:id/complete', (request, reply) => change(request, reply, { status: true }));
  scope.get('/api/dashboard/stats', async (request) => {
    const own = eq(task.user_id, request.user.id);
    const [all] = await db.select({ total: count() }).from(task).where(own);
    const [done] = await db
      .select({ total: count() })
      .from(task)
      .where(and(own, eq(task.status, true)));
    return { total_tasks: all.total, completed_tasks: done.total };
  });
});

await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
