/**
 * Whether people are covered today, asked for without waiting for any payer: what is known comes at
 * once, the rest is told. The loop that polled each check is gone. See --help.
 */

import { parseArgs } from 'node:util';
// Elsewhere: from 'digital-twin-mcp/sdk'.
import { createTwinClient } from '../src/sdk/index.ts';

const HELP = `DIGITAL_TWIN_TOKEN=… node examples/beneficiary-verification.ts MEMBER… [--server URL] [--fresh]

  npx digital-twin token --as ana --scope "eligibility:check twin:read twin:subscribe"

Prints a line for each member as soon as it is known. --fresh takes no kept answer. Exits with 1 where
a payer could not say.
`;
const { values, positionals: members } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: 'string', default: 'http://localhost:3333' },
    fresh: { type: 'boolean', default: false },
    help: { type: 'boolean' },
  },
});
const token = process.env.DIGITAL_TWIN_TOKEN;
if (values.help === true || members.length === 0 || token === undefined) {
  process.stdout.write(HELP);
  process.exitCode = values.help === true ? 0 : 2;
} else await verify(token);

async function verify(bearer: string): Promise<void> {
  const client = createTwinClient({ url: values.server, token: bearer });
  const mode = values.fresh ? 'REQUIRE_FRESH' : 'PREFER_CACHE';
  const open = new Map<string, { member: string; checkId: string }>();
  for (const member of members) {
    const answer = await client.checks.ask({ member, mode });
    if (answer.status === 'processing') {
      say(member, `asked, about ${Math.ceil(answer.expectedWaitMs / 1_000)} s`);
      open.set(answer.document, { member, checkId: answer.checkId });
    } else say(member, answer.eligibility ?? 'unknown', answer.ageMs);
  }
  await told(client, open);
}

/** Each document tells when it has changed; only then is anything asked for again. */
async function told(
  client: ReturnType<typeof createTwinClient>,
  open: Map<string, { member: string; checkId: string }>,
): Promise<void> {
  const done = new AbortController();
  const look = async (document: string): Promise<void> => {
    const check = open.get(document);
    const report = check && (await client.checks.report(check.checkId));
    if (check === undefined || report === undefined || report.status === 'processing') return;
    open.delete(document);
    say(check.member, report.eligibility ?? `unknown (${report.reason ?? report.status})`);
    if (report.eligibility === undefined) process.exitCode = 1;
    if (open.size === 0) done.abort();
  };
  if (open.size === 0) return;
  await client.watch([...open.keys()], ({ uri }) => void look(uri), {
    signal: done.signal,
    // One that ended before the subscription stood is told of by nobody.
    onState({ state }) {
      if (state === 'listening') for (const document of open.keys()) void look(document);
    },
  });
}

function say(member: string, what: string, ageMs?: number): void {
  const age = ageMs === undefined ? '' : `, said ${Math.round(ageMs / 1_000)} s ago`;
  process.stdout.write(`${member}: ${what}${age}\n`);
}
