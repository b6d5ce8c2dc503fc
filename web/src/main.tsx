import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './routes/App';
import { Account } from './state/Account';
import './index.css';

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
