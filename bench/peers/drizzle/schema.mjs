// The tables as Drizzle describes them; those of accounts as Better Auth's guide lays them out.
import { boolean, integer, pgTable, serial, text, timestamp } from 'drizzle-orm/pg-core';

const time = (name) => timestamp(name, { withTimezone: true });
const times = () => ({
  createdAt: time('created_at').defaultNow().notNull(),
  updatedAt: time('updated_at')
    .defaultNow()
    .$onUpdate(() => new Date())
    .notNull(),
});

export const user = pgTable('user', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  email: text('email').notNull().unique(),
  emailVerified: boolean('email_verified').notNull(),
  image: text('image'),
  ...times(),
});
export const session = pgTable('session', {
  id: text('id').primaryKey(),
  token: text('token').notNull().unique(),
  userId: text('user_id').notNull(),
  expiresAt: time('expires_at').notNull(),
  ipAddress: text('ip_address'),
  userAgent: text('user_agent'),
  ...times(),
});
export const account = pgTable('account', {
  id: text('id').primaryKey(),
  accountId: text('account_id').notNull(),
  providerId: text('provider_id').notNull(),
  userId: text('user_id').notNull(),
  accessToken: text('access_token'),
  refreshToken: text('refresh_token'),
  idToken: text('id_token'),
  accessTokenExpiresAt: time('access_token_expires_at'),
  refreshTokenExpiresAt: time('refresh_token_expires_at'),
  scope: text('scope'),
  password: text('password_hash'),
  ...times(),
});
export const verification = pgTable('verification', {
  id: text('id').primaryKey(),
  identifier: text('identifier').notNull(),
  value: text('value').notNull(),
  expiresAt: time('expires_at').notNull(),
  ...times(),
});
export const task = pgTable('peer_task', {
  id: serial('id').primaryKey(),
  user_id: text('user_id').notNull(),
  title: text('title').notNull(),
  description: text('description'),
  status: boolean('status').notNull().default(false),
  category: text('category'),
  priority: integer('priority').notNull().default(2),
  created_at: time('created_at').defaultNow().notNull(),
  updated_at: time('updated_at').defaultNow().notNull(),
});
