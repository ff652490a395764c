// What the service says of itself: whether it works, and where everything is.
import { Type } from 'typebox';

export const Health = Type.Object(
  {
    status: Type.String({ enum: ['healthy', 'unhealthy'] }),
    api: Type.Literal('running'),
    database: Type.String({ enum: ['connected', 'unreachable'] }),
    version: Type.String({ examples: ['0.1.0'] }),
    /** Whole seconds since the process started. */
    uptime_seconds: Type.Integer({ minimum: 0 }),
  },
  { $id: 'Health' },
);

export const Liveness = Type.Object({ status: Type.Literal('alive') });

export const Welcome = Type.Object({
  name: Type.Literal('Donewell'),
  version: Type.String(),
  message: Type.String(),
  /** Paths by what is there. */
  links: Type.Record(Type.String(), Type.String()),
});
