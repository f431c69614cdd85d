import type { Values } from './collect.ts';

/** How this installation asks payers. */
export interface EligibilitySettings {
  readonly apiKey: string;
  /** `undefined`: the clearinghouse's own addresses. */
  readonly url: string | undefined;
  /** A simulator is started with the server, and asked. */
  readonly simulated: boolean;
  readonly slots: number;
  /** After so long the clearinghouse has answered or given up. */
  readonly timeoutMs: number;
  readonly provider: { readonly npi: string; readonly name: string };
  /** Absolute; `undefined`: resources/payers.json. */
  readonly payersFile: string | undefined;
}

/** The clearinghouse's account, where none of the company's is named. */
const SIMULATED_KEY = 'test_simulator';
/** The published identifier of test requests. */
const PROVIDER = { npi: '1999999984', name: 'Digital Twin' };

export function eligibilityOf(
  values: Values,
  absolute: (path: string) => string,
): EligibilitySettings | undefined {
  const { STEDI_API_KEY: key, CLEARINGHOUSE_URL: url, NODE_ENV: mode } = values;
  const simulated = key === undefined && url === undefined;
  if (simulated && mode === 'production') return undefined;
  return {
    apiKey: key ?? SIMULATED_KEY,
    url,
    simulated,
    slots: values.ELIGIBILITY_SLOTS ?? 15,
    timeoutMs: values.CLEARINGHOUSE_TIMEOUT_MS ?? 95_000,
    provider: {
      npi: values.ELIGIBILITY_NPI ?? PROVIDER.npi,
      name: values.ELIGIBILITY_PROVIDER ?? PROVIDER.name,
    },
    payersFile: values.PAYERS_FILE === undefined ? undefined : absolute(values.PAYERS_FILE),
  };
}

export function eligibilityShown({
  eligibility,
}: {
  readonly eligibility: EligibilitySettings | undefined;
}) {
  const { url, simulated, slots, timeoutMs, provider, payersFile } = eligibility ?? {};
  return {
    CLEARINGHOUSE_URL: simulated ? 'a simulator of this server' : (url ?? ''),
    CLEARINGHOUSE_TIMEOUT_MS: String(timeoutMs ?? ''),
    ELIGIBILITY_SLOTS: String(slots ?? ''),
    ELIGIBILITY_NPI: provider?.npi ?? '',
    ELIGIBILITY_PROVIDER: provider?.name ?? '',
    PAYERS_FILE: payersFile ?? '',
  };
}
