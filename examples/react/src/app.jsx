import { connectRealtime } from 'digital-twin-mcp/sdk/realtime';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { useConnection, useSection } from './use-realtime.js';

// An app has these from its own login; here they come with the address: #url=…&member=…&token=…
const given = new URLSearchParams(location.hash.slice(1));
const realtime = connectRealtime({
  url: given.get('url'),
  token: () => Promise.resolve(given.get('token')),
});

function Connection() {
  const { status, polling } = useConnection(realtime);
  return <p role="status">{polling ? 'polling' : status}</p>;
}

function Coverage({ member }) {
  const { document, error } = useSection(realtime, member, 'coverage');
  if (document === undefined) return <p>{error?.message ?? 'reading'}</p>;
  return (
    <>
      <h2>As of {document.asOf}</h2>
      {error !== undefined && <p>{error.message}</p>}
      <ul>
        {document.data.plans.map((plan) => (
          <li key={plan.product}>{plan.product}</li>
        ))}
      </ul>
    </>
  );
}

createRoot(window.document.getElementById('root')).render(
  <StrictMode>
    <h1>Coverage, live</h1>
    <Connection />
    <Coverage member={given.get('member')} />
  </StrictMode>,
);
