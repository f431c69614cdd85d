/** The demo's agent platform: its secret is of this start alone. */
export interface DemoAgent {
  readonly id: string;
  readonly secret: string;
}

export interface GreetingFacts {
  readonly version: string;
  readonly url: string;
  readonly dataDir: string;
  readonly pid: number;
  readonly demo: boolean;
  /** A company's issuer of tokens; then nothing here makes any. */
  readonly oauth?: { readonly issuer: string } | undefined;
  readonly demoAgent?: DemoAgent | undefined;
  /** Program and arguments that start the command line: for lines that can be pasted. */
  readonly launcher: readonly string[];
}

/** What `npm start` says: where it listens, who one can be, and lines to paste for each client. */
export function greeting(facts: GreetingFacts): string {
  if (facts.oauth !== undefined) return greetingOf(facts, facts.oauth.issuer);
  const { version, url, dataDir, pid, demo, launcher } = facts;
  const command = launcher.map(quoted).join(' ');
  const here = `--data-dir ${quoted(dataDir)}`;
  const stdio = [...launcher.slice(1), 'stdio', '--as', 'ana', '--data-dir', dataDir];
  const claude = { mcpServers: { 'digital-twin': { command: launcher[0], args: stdio } } };
  const people = demo
    ? `
Who one can be (development): ana, ben (and Cleo's guardian), dov, eve (their doctor), nurse,
officer, operator; the agent assistant acts for ana.
`
    : '';
  return `Digital Twin MCP ${version} listens on ${url} (process ${pid}, data in ${dataDir})
${people}
Claude Desktop, in claude_desktop_config.json:
  ${JSON.stringify(claude)}

MCP Inspector:
  TOKEN=$(${command} token --as ana ${here})
  npx @modelcontextprotocol/inspector --cli --server-url ${url}/mcp --transport http \\
    --protocol-era modern --header "Authorization: Bearer $TOKEN" --method resources/list

${oauth(facts, `${command} login-code --as ben ${here}`)}LangChain (Python, langchain-mcp-adapters):
  MultiServerMCPClient({"twin": {"transport": "streamable_http", "url": "${url}/mcp",
    "headers": {"Authorization": f"Bearer {token}"}}})

The command line:
  ${command} search "A1c" --as ana ${here}
  ${command} watch mcp://twins/member/demo-ana/coverage --as ana ${here}
  ${command} --help

`;
}

function oauth({ url, demoAgent }: GreetingFacts, command: string): string {
  const agent =
    demoAgent === undefined
      ? ''
      : `  An agent platform, until the next start: client ${demoAgent.id}, secret ${demoAgent.secret}
`;
  return `By OAuth: connect Claude, or Inspector's web page, to ${url}/mcp; a browser opens to log in.
  ${command}
${agent}
`;
}

/** Whoever runs such a server has clients of their own: what these need, and nothing more. */
function greetingOf({ version, url, dataDir, pid }: GreetingFacts, issuer: string): string {
  return `Digital Twin MCP ${version} listens for ${url} (process ${pid}, data in ${dataDir})
MCP: ${url}/mcp, with access tokens of ${issuer}
`;
}

function quoted(word: string): string {
  return /^[\w./:@=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
