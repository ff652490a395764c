// The page on which people land when signing in elsewhere has failed, unless a front end has one of its own.
import { SIGN_IN_FAILURES, type SignInFailure } from '../../../contract/sign-in-failures.ts';

function sentenceFor(error: unknown): string {
  const known = typeof error === 'string' && Object.hasOwn(SIGN_IN_FAILURES, error);
  return SIGN_IN_FAILURES[known ? (error as SignInFailure) : 'failed'];
}

/** Links are relative, so that they hold below whatever path the server is reached by. */
export function pageOfFailure(error: unknown): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Not signed in · Donewell</title>
    <link rel="stylesheet" href="style.css" />
  </head>
  <body>
    <main>
      <header>
        <h1>Not signed in</h1>
        <p class="lead">${sentenceFor(error)}</p>
      </header>
      <p><a href="./">Back</a></p>
    </main>
  </body>
</html>
`;
}
