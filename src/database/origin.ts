// Notices at a start that the data came from a backup, and then starts a new epoch of every user's revisions.
import type pg from 'pg';
import { codeOf } from './failure.ts';

/** Of the server: its cluster, and the timeline that it writes, which is another one after a recovery or a promotion. */
const SERVER = `select (pg_control_system()).system_identifier || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) as server`;
/** Not allowed, not supported, not in this state, not there: hosts that are not quite PostgreSQL. */
const CANNOT_TELL = new Set(['42501', '0A000', '55000', '42883']);
/** Of the table: a dump that is loaded makes another database, another table, or at least another file of it. */
const TABLE = `select concat_ws('/', oid, to_regclass('user_sync')::oid, pg_relation_filenode('user_sync')) as relation
  from pg_database where datname = current_database()`;
/**
 * The time in seconds is in it, so that no epoch comes twice, even if one backup is restored twice. From 2020 on, since
 * the column has 32 bits.
 */
const NEW_EPOCH = `update user_sync set epoch = greatest(epoch + 1, extract(epoch from clock_timestamp())::bigint - 1577836800)`;
/** Ids that were given after the backup are not given again: what is remembered of such a task must not meet another one. */
const NEW_IDS = `select setval(pg_get_serial_sequence('task', 'id'), nextval(pg_get_serial_sequence('task', 'id')) + 1000000)`;

async function serverOf(client: pg.Client): Promise<string> {
  await client.query('savepoint asking');
  try {
    const { rows } = await client.query<{ server: string }>(SERVER);
    return rows[0]?.server ?? '';
  } catch (error) {
    // Some hosts let nobody ask; the table then tells alone.
    if (!CANNOT_TELL.has(codeOf(error))) throw error;
    await client.query('rollback to savepoint asking');
    return '';
  }
}

/**
 * To be called at a start, in a transaction, before anybody is served. Clients hold revisions that the data had before
 * the backup was restored, and that will be given again to other changes: only a new epoch tells them apart.
 * @param files of a private cluster, from `nameOfFiles`; empty for a foreign server.
 * @returns whether the data were found elsewhere than at the last start, and a new epoch was started.
 */
export async function noticeRestore(client: pg.Client, files: string): Promise<boolean> {
  const server = await serverOf(client);
  const { rows: relations } = await client.query<{ relation: string }>(TABLE);
  const place = `${relations[0]?.relation}/${files}`;
  const { rows } = await client.query<{ server: string; place: string }>('select server, place from origin');
  if (rows[0]?.server === server && rows[0].place === place) return false;
  await client.query('delete from origin');
  await client.query('insert into origin (server, place) values ($1, $2)', [server, place]);
  if (rows.length === 0) return false;
  await client.query(NEW_EPOCH);
  await client.query(NEW_IDS);
  return true;
}
