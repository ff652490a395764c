// Headers of our own making.

/**
 * The id of the user that a browser takes itself to be: with it a request is answered with 401 when its cookie has
 * become somebody else's meanwhile, in another tab, instead of being done in that person's name. It opens nothing.
 */
export const SIGNED_IN_AS = 'x-signed-in-as';
