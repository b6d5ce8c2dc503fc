import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './routes/App';
import { Account } from './state/Account';
import './index.css';

const reloadedKey = 'ec.reloaded-at';

// After an update of the server, parts of the old page are gone: load the new one. Not again and again, and not while the
// server is away, when the old page is the only one there is.
window.addEventListener('vite:preloadError', async () => {
  const last = Number(sessionStorage.getItem(reloadedKey) ?? 0);
  if (Date.now() - last < 60_000) return;
  const there = await fetch('/', { method: 'HEAD' }).then(
    ({ ok }) => ok,
    () => false,
  );
  if (!there) return;
  sessionStorage.setItem(reloadedKey, String(Date.now()));
  window.location.reload();
});

const account = new Account();
void account.restore();

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App account={account} />
    </StrictMode>,
  );
}
