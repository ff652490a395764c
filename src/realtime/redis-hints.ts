// Hints through Redis instead of NOTIFY, for many nodes or a database that cannot be listened to.
import { onDemand } from '../on-demand.ts';
import type { HintCarrier } from './hints.ts';
import { CHANGES_CHANNEL } from './repository.ts';

export interface RedisHints extends HintCarrier {
  /** Whether hints are being heard right now. */
  readonly isSubscribed: boolean;
  close(): void;
}

const COMMAND_TIMEOUT = 1_000;

/** @param onSubscribed after each (re)connection: whatever was published before has been missed. */
export function redisHints(
  url: string,
  onChanges: (payload: string) => void,
  onSubscribed: () => void,
): RedisHints {
  const { Redis } = onDemand('ioredis');
  const publisher = new Redis(url, {
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    commandTimeout: COMMAND_TIMEOUT,
  });
  const subscriber = new Redis(url, { maxRetriesPerRequest: null, autoResubscribe: false });
  // The rate store on the same Redis reports when it is away.
  publisher.on('error', () => {});
  subscriber.on('error', () => {});
  let isSubscribed = false;
  subscriber.on('close', () => {
    isSubscribed = false;
  });
  subscriber.on('ready', () => {
    subscriber.subscribe(CHANGES_CHANNEL).then(
      () => {
        isSubscribed = true;
        onSubscribed();
      },
      () => {},
    );
  });
  subscriber.on('message', (_channel, payload) => onChanges(payload));
  return {
    get isSubscribed() {
      return isSubscribed;
    },
    publish: async (payload) => void (await publisher.publish(CHANGES_CHANNEL, payload)),
    close: () => {
      publisher.disconnect();
      subscriber.disconnect();
    },
  };
}
