// Headers of our own making, and what stands in others.

/**
 * The id of the user that a browser takes itself to be: with it a request is answered with 401 when its cookie has
 * become somebody else's meanwhile, in another tab, instead of being done in that person's name. It opens nothing.
 */
export const SIGNED_IN_AS = 'x-signed-in-as';

/** One JSON object a line. */
export const NDJSON_TYPE = 'application/x-ndjson';
