import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { follow } from './live-state.ts';
import { takeToken } from './session.ts';
import 'uplot/dist/uPlot.min.css';
import './style.css';

takeToken();
const client = new QueryClient({ defaultOptions: { queries: { retry: false, refetchOnWindowFocus: false } } });
void follow(() => void askAnew());
const element = document.getElementById('page');
if (element === null) throw new Error('Failed to start the page: index.html has no element for it.');
createRoot(element).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);

/**
 * Where the server shows another activation file than before, every answer so far is of
 * the old one.
 */
async function askAnew(): Promise<void> {
  const before = client.getQueryData(['about']);
  await client.refetchQueries({ queryKey: ['about'] });
  if (client.getQueryData(['about']) !== before) await client.invalidateQueries();
}
