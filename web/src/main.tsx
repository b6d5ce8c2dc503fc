import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './routes/App';
import { Account } from './state/Account';
import './index.css';

const reloadedKey = 'ec.reloaded-at';

// After an update of the server, parts of the old page are gone: load the new one, but not again and again.
window.addEventListener('vite:preloadError', (event) => {
  const last = Number(sessionStorage.getItem(reloadedKey) ?? 0);
  if (Date.now() - last < 60_000) return;
  event.preventDefault();
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
