// Starts the app: styles, session, page, and the worker that lets it open without a network.
import './styles/tokens.css';
import './styles/base.css';
import './styles/door.css';
import './styles/shell.css';
import './styles/tasks.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { keepDay } from './dates.ts';
import { root } from './http.ts';
import { listenToKeys } from './keyboard.ts';
import { pendingCount } from './outbox.ts';
import { hrefOf, route } from './routes.ts';
import { start } from './session.ts';
import { isForgetful } from './storage.ts';

// One form for every address: without a trailing slash.
history.replaceState(history.state, '', hrefOf(route.value) + location.search + location.hash);
const place = document.querySelector('#app');
if (place) render(<App />, place);
// While somebody works on it: new pages in the old state. What is not drawing loads the page again.
if (import.meta.hot && place)
  import.meta.hot.accept('./app.tsx', (next) => {
    if (next) render(<next.App />, place);
  });
listenToKeys();
keepDay();
void start();
// What could not be written down goes with the page.
addEventListener('beforeunload', (event) => {
  if (isForgetful.value && pendingCount.value > 0) event.preventDefault();
});
// Absent on plain HTTP: then the app needs the network to open.
if (import.meta.env.PROD && 'serviceWorker' in navigator)
  addEventListener(
    'load',
    () => void navigator.serviceWorker.register(new URL('sw.js', root)).catch(() => {}),
  );
