// Express with Sequelize: the most used server and one of the most used ORMs, as their guides show them.
import { randomBytes } from 'node:crypto';
import bcrypt from 'bcrypt';
import cookieParser from 'cookie-parser';
import express from 'express';
import { DataTypes, Op, Sequelize } from 'sequelize';

const sequelize = new Sequelize(process.env.DATABASE_URL, { logging: false, pool: { max: 10 } });
const own = { timestamps: false, freezeTableName: true };

const User = sequelize.define(
  'user',
  { id: { type: DataTypes.TEXT, primaryKey: true }, email: DataTypes.TEXT },
  own,
);
const Account = sequelize.define(
  'account',
  { id: { type: DataTypes.TEXT, primaryKey: true }, user_id: DataTypes.TEXT, password_hash: DataTypes.TEXT },
  own,
);
const Session = sequelize.define(
  'session',
  {
    id: { type: DataTypes.TEXT, primaryKey: true },
    token: DataTypes.TEXT,
    user_id: DataTypes.TEXT,
    expires_at: DataTypes.DATE,
  },
  own,
);
Session.belongsTo(User, { foreignKey: 'user_id' });
const Task = sequelize.define(
  'peer_task',
  {
    title: { type: DataTypes.STRING(200), allowNull: false },
    description: DataTypes.STRING(1000),
    status: { type: DataTypes.BOOLEAN, defaultValue: false },
    category: DataTypes.STRING(100),
    priority: { type: DataTypes.INTEGER, defaultValue: 2 },
    user_id: DataTypes.TEXT,
  },
  { freezeTableName: true, createdAt: 'created_at', updatedAt: 'updated_at' },
);

const app = express();
app.use(express.json());
app.use(cookieParser());

app.post('/api/auth/login', async (request, response) => {
  const user = await User.findOne({ where: { email: request.body.email } });
  const account = user && (await Account.findOne({ where: { user_id: user.id } }));
  if (!account || !(await bcrypt.compare(request.body.password, account.password_hash)))
    return response.status(401).json({});
  const session = await Session.create({
    id: randomBytes(16).toString('hex'),
    token: randomBytes(24).toString('hex'),
    user_id: user.id,
    expires_at: new Date(Date.now() + 1_800_000),
  });
  return response.json({ user, session: { id: session.id } });
});

app.use(async (request, response, next) => {
  const [token = ''] = (request.cookies['better-auth.session_token'] ?? '').split('.');
  const session = await Session.findOne({
    where: { token, expires_at: { [Op.gt]: new Date() } },
    include: User,
  });
  if (!session) return response.status(401).json({});
  request.user = session.user;
  return next();
});

app.get('/api/tasks', async (request, response) => {
  const tasks = await Task.findAll({
    where: { user_id: request.user.id },
    order: [['created_at', 'DESC']],
    limit: Number(request.query.limit ?? 100),
  });
  response.json({ tasks });
});
app.post('/api/tasks', async (request, response) => {
  response.status(201).json(await Task.create({ ...request.body, user_id: request.user.id }));
});
app.get('/api/dashboard/stats', async (request, response) => {
  const where = { user_id: request.user.id };
  const total_tasks = await Task.count({ where });
  const completed_tasks = await Task.count({ where: { ...where, status: true } });
  response.json({ total_tasks, completed_tasks });
});

const find = (request) => Task.findOne({ where: { id: request.params.id, user_id: request.user.id } });
app.get('/api/tasks/:id', async (request, response) => {
  const task = await find(request);
  response.status(task ? 200 : 404).json(task ?? {});
});
app.put('/api/tasks/:id', async (request, response) => {
  const task = await find(request);
  if (!task) return response.status(404).json({});
  return response.json(await task.update(request.body));
});
app.patch('/api/tasks/:id/complete', async (request, response) => {
  const task = await find(request);
  if (!task) return response.status(404).json({});
  return response.json(await task.update({ status: true }));
});

app.listen(Number(process.env.PORT), '127.0.0.1');
